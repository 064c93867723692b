package dev.sennit.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** An engine in this JVM that serves the connections to a port of its own. */
final class EngineUnderTest implements AutoCloseable {
    /** The longest that a client of a test waits for bytes. */
    private static final int CLIENT_MILLIS = 20_000;

    final AtomicLong worked = new AtomicLong();
    final CompletableFuture<String> broken = new CompletableFuture<>();
    final Engine engine;
    private final LoopbackServer server;

    EngineUnderTest(Routes routes, ServerSettings settings) throws Exception {
        this(routes, settings, FrontSettings.DEFAULTS, null);
    }

    EngineUnderTest(Routes routes, ServerSettings settings, FrontSettings front) throws Exception {
        this(routes, settings, front, null);
    }

    EngineUnderTest(Routes routes, ServerSettings settings, TlsSettings tls) throws Exception {
        this(routes, settings, FrontSettings.DEFAULTS, tls);
    }

    /** @param tls null for none */
    EngineUnderTest(Routes routes, ServerSettings settings, FrontSettings front, TlsSettings tls)
            throws Exception {
        server = new LoopbackServer(
                routes, settings, front, tls, worked::addAndGet, broken::complete, _ -> {});
        engine = server.engine();
    }

    int port() {
        return server.port();
    }

    Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
        socket.setSoTimeout(CLIENT_MILLIS);
        return socket;
    }

    /** Sends bytes on a connection of their own, and returns all that comes back until it is closed. */
    String exchange(String request) throws IOException {
        try (Socket socket = connect()) {
            send(socket, request);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
    }

    /** Returns what comes until there are so many bytes, or the end. */
    static String receive(Socket socket, int most) throws IOException {
        return new String(socket.getInputStream().readNBytes(most), StandardCharsets.ISO_8859_1);
    }

    /** Returns the head of the next response. */
    static String head(Socket socket) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                throw new IOException("the connection was closed after \"" + head + "\"");
            }
            head.append((char) next);
        }
        return head.toString();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
