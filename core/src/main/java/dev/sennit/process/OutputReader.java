package dev.sennit.process;

import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Brings home what a worker writes, line by line, and remembers the last lines of both its streams.
 *
 * <p>One thread a stream, as reading a pipe holds up a thread.
 */
final class OutputReader {
    private static final int REMEMBERED = 40; // twice what a JVM writes that crashes
    private static final int LONGEST_LINE = 1 << 16;

    private final String worker;
    private final LineListener listener;
    /** Guarded by itself. */
    private final Deque<String> lastLines = new ArrayDeque<>();

    private final Thread out;
    private final Thread err;

    OutputReader(String worker, Process process, LineListener listener) {
        this.worker = worker;
        this.listener = listener;
        out = reader("out", () -> read(process.getInputStream(), false));
        err = reader("err", () -> read(process.getErrorStream(), true));
        Backend.start(out);
        Backend.start(err);
    }

    private Thread reader(String stream, Runnable body) {
        return Thread.ofPlatform().daemon().name(worker + "-" + stream).unstarted(body);
    }

    private void read(InputStream stream, boolean error) {
        var line = new StringBuilder();
        try (Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
            char[] buffer = new char[8192];
            for (int count = reader.read(buffer); count >= 0; count = reader.read(buffer)) {
                for (int i = 0; i < count; i++) {
                    if (buffer[i] == '\n') {
                        emit(line, error);
                    } else if (buffer[i] != '\r') {
                        line.append(buffer[i]);
                        if (line.length() == LONGEST_LINE) {
                            emit(line, error);
                        }
                    }
                }
            }
        } catch (IOException e) {
            // the worker is gone
        }
        if (!line.isEmpty()) {
            emit(line, error);
        }
    }

    private void emit(StringBuilder line, boolean error) {
        String text = line.toString();
        line.setLength(0);
        synchronized (lastLines) {
            lastLines.addLast(text);
            if (lastLines.size() > REMEMBERED) {
                lastLines.removeFirst();
            }
        }
        try {
            listener.line(worker, error, text);
        } catch (Throwable e) { // the lines after it are wanted all the same
            System.getLogger("dev.sennit").log(System.Logger.Level.WARNING, "line listener failed",
                    TaskCodec.printable(e));
        }
    }

    /** Waits until both streams have ended. A process that the worker started may keep them open: so not for ever. */
    void awaitEnd(Duration longest) throws InterruptedException {
        long deadline = Backend.current().nanoTime() + longest.toNanos();
        out.join(longest);
        err.join(Duration.ofNanos(Math.max(0, deadline - Backend.current().nanoTime())));
    }

    List<String> lastLines() {
        synchronized (lastLines) {
            return List.copyOf(lastLines);
        }
    }
}
