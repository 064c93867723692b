package dev.sennit.benchmarks.thumbnails;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Serves files on loopback as a far server would: after a while, and only so fast on each connection. */
final class SlowServer implements AutoCloseable {
    private static final int PIECE = 1 << 16;
    private static final int NOT_FOUND = 404;
    private static final int OK = 200;

    private final long latencyMillis;
    private final double bytesPerSecond;
    private final Path folder;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    SlowServer(Path folder, long latencyMillis, double bytesPerSecond) throws IOException {
        this.folder = folder;
        this.latencyMillis = latencyMillis;
        this.bytesPerSecond = bytesPerSecond;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 256);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /** Where each of these files is to be had. */
    List<String> addresses(List<Path> files) {
        List<String> addresses = new ArrayList<>();
        for (Path file : files) {
            addresses.add("http://127.0.0.1:" + server.getAddress().getPort() + "/" + file.getFileName());
        }
        return addresses;
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Thread.sleep(latencyMillis);
            Path file = folder.resolve(Path.of(exchange.getRequestURI().getPath()).getFileName());
            if (!Files.isRegularFile(file)) {
                exchange.sendResponseHeaders(NOT_FOUND, -1);
                return;
            }
            byte[] bytes = Files.readAllBytes(file);
            exchange.getResponseHeaders().add("Content-Type", "image/jpeg");
            exchange.sendResponseHeaders(OK, bytes.length);
            OutputStream out = exchange.getResponseBody();
            long begun = System.nanoTime();
            for (int sent = 0; sent < bytes.length; sent += PIECE) {
                out.write(bytes, sent, Math.min(PIECE, bytes.length - sent));
                long early = (long) ((sent + PIECE) / bytesPerSecond * 1e3) - (System.nanoTime() - begun) / 1_000_000;
                if (early > 0) {
                    Thread.sleep(early);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        threads.close();
    }
}
