package dev.sennit.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Clients that ask without a pause and never retry: half of them keep their connections, half open one for each
 * request. All that is not the expected response counts as failed: a reset, an end, a time-out, another status.
 */
final class RestlessClients {
    private static final int LIMIT_MILLIS = 30_000;

    private final SocketAddress address;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final LongAdder answered = new LongAdder();
    private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    private RestlessClients(SocketAddress address, int count) {
        this.address = address;
        for (int i = 0; i < count; i++) {
            boolean keeps = i % 2 == 0;
            threads.add(Thread.ofPlatform().daemon().start(() -> run(keeps)));
        }
    }

    /** Starts clients of a port, which ask for {@code /pid}. */
    static RestlessClients of(int port, int count) {
        return new RestlessClients(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), count);
    }

    /** Starts clients of a Unix socket. */
    static RestlessClients of(Path path, int count) {
        return new RestlessClients(UnixDomainSocketAddress.of(path), count);
    }

    long answered() {
        return answered.sum();
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    /** Ends the clients, once they have the responses that are under way. */
    void end() throws InterruptedException {
        isOver.set(true);
        for (Thread thread : threads) {
            thread.join(2L * LIMIT_MILLIS);
            if (thread.isAlive()) {
                failures.add("a client hangs");
            }
        }
    }

    private void run(boolean keeps) {
        while (!isOver.get()) {
            try {
                if (address instanceof InetSocketAddress) {
                    try (Socket socket = new Socket()) {
                        socket.setTcpNoDelay(true);
                        socket.setSoTimeout(LIMIT_MILLIS);
                        socket.connect(address, LIMIT_MILLIS);
                        talk(socket.getInputStream(), socket.getOutputStream(), keeps);
                    }
                } else {
                    try (SocketChannel channel = SocketChannel.open(address)) {
                        talk(Channels.newInputStream(channel), Channels.newOutputStream(channel), keeps);
                    }
                }
            } catch (IOException | RuntimeException e) {
                failures.add(e.toString());
            }
        }
    }

    private void talk(InputStream from, OutputStream to, boolean keeps) throws IOException {
        InputStream in = new BufferedInputStream(from);
        boolean isOpen = true;
        while (isOpen) {
            to.write(("GET /pid HTTP/1.1\r\nHost: a\r\n" + (keeps ? "" : "Connection: close\r\n") + "\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            isOpen = !isLast(in) && keeps && !isOver.get();
            answered.increment();
        }
    }

    /** Reads a response, and returns whether it is the last of its connection. */
    private static boolean isLast(InputStream in) throws IOException {
        String status = line(in);
        if (!status.startsWith("HTTP/1.1 200 ")) {
            throw new IOException("\"" + status + "\"");
        }
        int length = -1;
        boolean isLast = false;
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            String low = line.toLowerCase(Locale.ROOT);
            if (low.startsWith("content-length: ")) {
                length = Integer.parseInt(low.substring("content-length: ".length()));
            }
            isLast |= low.equals("connection: close");
        }
        if (in.readNBytes(length).length < length) {
            throw new IOException("the body ended early");
        }
        return isLast;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("the connection was closed after \"" + text + "\"");
            }
            if (c != '\r') {
                text.append((char) c);
            }
        }
        return text.toString();
    }
}
