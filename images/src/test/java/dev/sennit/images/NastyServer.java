package dev.sennit.images;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/** A web server that does what its scripts say, byte by byte, one request a connection. */
final class NastyServer implements AutoCloseable {
    /** What to do about a request; the connection is closed afterwards. */
    @FunctionalInterface
    interface Script {
        void serve(Exchange exchange) throws IOException, InterruptedException;
    }

    /** A request, and the way to answer it. */
    static final class Exchange {
        final String path;
        final Map<String, String> headers;
        /** How many requests for this path came before. */
        final int earlier;

        private final Socket socket;
        private final OutputStream out;
        private final NastyServer server;

        Exchange(String path, Map<String, String> headers, int earlier, Socket socket, NastyServer server)
                throws IOException {
            this.path = path;
            this.headers = headers;
            this.earlier = earlier;
            this.socket = socket;
            this.out = socket.getOutputStream();
            this.server = server;
        }

        Exchange head(String status, String... lines) throws IOException {
            return send("HTTP/1.1 " + status + "\r\n"
                    + String.join("", List.of(lines).stream().map(line -> line + "\r\n").toList())
                    + "Connection: close\r\n\r\n");
        }

        Exchange send(String text) throws IOException {
            return send(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        Exchange send(byte[] bytes) throws IOException {
            return send(bytes, 0, bytes.length);
        }

        Exchange send(byte[] bytes, int from, int to) throws IOException {
            out.write(bytes, from, to - from);
            out.flush();
            return this;
        }

        void whole(byte[] bytes, String... lines) throws IOException {
            String[] all = java.util.Arrays.copyOf(lines, lines.length + 1);
            all[lines.length] = "Content-Length: " + bytes.length;
            head("200 OK", all).send(bytes);
        }

        /** Ends the connection so that the other side sees an error, not an end. */
        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        /** Says nothing more until the other side has gone. */
        void stall() {
            server.stalled.countDown();
            try {
                while (socket.getInputStream().read() >= 0) {
                    // whatever it says
                }
            } catch (IOException e) {
                // gone as well
            }
            server.left.countDown();
        }
    }

    private final ServerSocket socket;
    private final String scheme;
    private final Map<String, Script> scripts = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final List<Socket> connections = new CopyOnWriteArrayList<>();
    final List<Throwable> failures = new CopyOnWriteArrayList<>();
    final AtomicInteger connected = new AtomicInteger();
    /** A script waits for the other side to go. */
    final CountDownLatch stalled = new CountDownLatch(1);
    /** The other side has gone while a script waited for that. */
    final CountDownLatch left = new CountDownLatch(1);

    NastyServer() throws IOException {
        this("http", new ServerSocket(0, 100, InetAddress.getLoopbackAddress()));
    }

    NastyServer(SSLContext tls) throws IOException {
        this("https", tls.getServerSocketFactory().createServerSocket(0, 100, InetAddress.getLoopbackAddress()));
    }

    private NastyServer(String scheme, ServerSocket socket) {
        this.scheme = scheme;
        this.socket = socket;
        Thread.startVirtualThread(this::accept);
    }

    NastyServer on(String path, Script script) {
        scripts.put(path, script);
        return this;
    }

    URI uri(String path) {
        return uri(socket.getInetAddress().getHostAddress(), path);
    }

    URI uri(String host, String path) {
        return URI.create(scheme + "://" + host + ":" + socket.getLocalPort() + path);
    }

    int port() {
        return socket.getLocalPort();
    }

    int requests(String path) {
        AtomicInteger count = counts.get(path);
        return count == null ? 0 : count.get();
    }

    private void accept() {
        try {
            while (true) {
                Socket connection = socket.accept();
                connected.incrementAndGet();
                connections.add(connection);
                Thread.startVirtualThread(() -> serve(connection));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            connection.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(connection.getInputStream());
            String request = line(in);
            Map<String, String> headers = new TreeMap<>();
            for (String line = line(in); !line.isEmpty(); line = line(in)) {
                int colon = line.indexOf(':');
                headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
            }
            if (request.isEmpty()) {
                return;
            }
            String path = request.split(" ")[1];
            int earlier = counts.computeIfAbsent(path, unknown -> new AtomicInteger()).getAndIncrement();
            Script script = scripts.getOrDefault(path, exchange -> exchange.head("404 Not Found", "Content-Length: 0"));
            script.serve(new Exchange(path, headers, earlier, connection, this));
        } catch (IOException e) {
            // the other side has gone, which is its right
        } catch (InterruptedException | RuntimeException e) {
            failures.add(e);
        }
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
        for (Socket connection : connections) {
            connection.close();
        }
        if (!failures.isEmpty()) {
            throw new AssertionError("a script failed", failures.getFirst());
        }
    }
}
