package dev.sennit.server;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Clients that ask without a pause and never retry: half of them keep their connections, half open one for each
 * request. All that is not the expected response counts as failed: a reset, an end, a time-out, another status, another
 * body.
 */
final class RestlessClients implements AutoCloseable {
    private static final int LIMIT_MILLIS = 30_000;

    /**
     * A request without its response.
     *
     * @param pid the process that had answered on the connection before; 0 if none had
     */
    record Failure(String what, long pid) {}

    private final InetSocketAddress address;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final LongAdder answered = new LongAdder();
    private final ConcurrentLinkedQueue<Failure> failures = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    /**
     * Starts clients, which ask for {@code /pid}.
     *
     * @param count how many; even
     */
    RestlessClients(InetSocketAddress address, int count) {
        this.address = address;
        for (int i = 0; i < count; i++) {
            boolean keeps = i % 2 == 0;
            threads.add(Thread.ofPlatform().daemon().start(() -> run(keeps)));
        }
    }

    long answered() {
        return answered.sum();
    }

    List<Failure> failures() {
        return List.copyOf(failures);
    }

    @Override
    public void close() {
        end();
    }

    /** Ends the clients, once they have the responses that are under way. */
    void end() {
        isOver.set(true);
        for (Thread thread : threads) {
            boolean isDone = false;
            while (!isDone) {
                try {
                    thread.join();
                    isDone = true;
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    private void run(boolean keeps) {
        while (!isOver.get()) {
            long pid = 0;
            try (Socket socket = new Socket()) {
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(LIMIT_MILLIS);
                socket.connect(address, LIMIT_MILLIS);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                boolean isOpen = true;
                while (isOpen && (pid == 0 || !isOver.get())) {
                    socket.getOutputStream().write(("GET /pid HTTP/1.1\r\nHost: a\r\n"
                            + (keeps ? "" : "Connection: close\r\n") + "\r\n").getBytes(StandardCharsets.US_ASCII));
                    Answer answer = answer(in);
                    pid = answer.pid;
                    isOpen = keeps && !answer.isLast;
                    answered.increment();
                }
            } catch (SocketTimeoutException e) {
                failures.add(new Failure("no response within " + LIMIT_MILLIS + " ms", pid));
            } catch (IOException | RuntimeException e) {
                failures.add(new Failure(e.toString(), pid));
            }
        }
    }

    private record Answer(long pid, boolean isLast) {}

    private static Answer answer(InputStream in) throws IOException {
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
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            throw new IOException("the body ended early");
        }
        return new Answer(Long.parseLong(new String(body, StandardCharsets.US_ASCII)), isLast);
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
