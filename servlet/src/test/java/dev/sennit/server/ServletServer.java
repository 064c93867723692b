package dev.sennit.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** A server in this JVM that serves the connections to a port of its own. */
public final class ServletServer implements AutoCloseable {
    private static final int CLIENT_MILLIS = 20_000;

    public final AtomicLong worked = new AtomicLong();
    public final CompletableFuture<String> broken = new CompletableFuture<>();
    private final LoopbackServer server;
    private final Engine engine;

    public ServletServer(WebApplication application, ServerSettings settings) throws Exception {
        this(application, settings, null);
    }

    /** @param tls null for none */
    public ServletServer(WebApplication application, ServerSettings settings, TlsSettings tls) throws Exception {
        server = new LoopbackServer(application.routes(), settings, FrontSettings.DEFAULTS, tls, worked::addAndGet,
                broken::complete, _ -> {});
        engine = server.engine();
    }

    public int port() {
        return server.port();
    }

    public URI uri(String scheme, String path) {
        return URI.create(scheme + "://127.0.0.1:" + port() + path);
    }

    public void drain() {
        engine.drain();
    }

    /** Waits until all connections are closed; returns how many are left. */
    public int awaitDrained(Duration longest) throws InterruptedException {
        return engine.awaitDrained(longest);
    }

    public int connections() {
        return engine.connections();
    }

    public int queued() {
        return engine.queued();
    }

    public Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
        socket.setSoTimeout(CLIENT_MILLIS);
        return socket;
    }

    /** Sends bytes on a connection of their own, and returns all that comes back until it is closed. */
    public String exchange(String request) throws IOException {
        try (Socket socket = connect()) {
            send(socket, request);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    public String get(String path) throws IOException {
        return exchange("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }

    public String post(String path, String body) throws IOException {
        return exchange("POST " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + body.length()
                + "\r\n\r\n" + body);
    }

    public static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
    }

    /** Returns the head of the next response. */
    public static String head(Socket socket) throws IOException {
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
