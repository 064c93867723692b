package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Throwables;
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
 * Brings home what a process writes, line by line, and remembers the last lines of both its streams.
 *
 * <p>One thread a stream, as reading a pipe holds up a thread.
 */
public final class OutputReader {
    /** Takes lines. Called by two threads. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Takes a line. What this method throws is logged.
         *
         * @param error whether the line came from standard error
         * @param line the line without its end; one of more than 64 Ki characters comes in pieces
         */
        void line(boolean error, String line);
    }

    private static final int REMEMBERED = 40; // twice what a JVM writes that crashes
    private static final int LONGEST_LINE = 1 << 16;

    private final String name;
    private final Listener listener;
    /** Guarded by itself. */
    private final Deque<String> lastLines = new ArrayDeque<>();

    private final Thread out;
    private final Thread err;

    /**
     * Starts to read.
     *
     * @param name the process's, for the names of the threads
     * @param process whose streams are pipes
     * @param listener gets each line
     * @throws OutOfMemoryError when no thread is available
     */
    public OutputReader(String name, Process process, Listener listener) {
        this.name = name;
        this.listener = listener;
        out = reader("out", () -> read(process.getInputStream(), false));
        err = reader("err", () -> read(process.getErrorStream(), true));
        Backend.start(out);
        Backend.start(err);
    }

    private Thread reader(String stream, Runnable body) {
        return Thread.ofPlatform().daemon().name(name + "-" + stream).unstarted(body);
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
            // the process is gone
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
            listener.line(error, text);
        } catch (Throwable e) { // the lines after it are wanted all the same
            System.getLogger("dev.sennit")
                    .log(
                            System.Logger.Level.WARNING,
                            "line listener of " + name + " failed: " + Throwables.text(e),
                            Throwables.isSound(e) ? e : null);
        }
    }

    /**
     * Waits until both streams have ended. A child of the process may keep them open: so not for ever.
     *
     * @param longest how long
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitEnd(Duration longest) throws InterruptedException {
        long deadline = Backend.current().nanoTime() + longest.toNanos();
        out.join(longest);
        err.join(Duration.ofNanos(Math.max(0, deadline - Backend.current().nanoTime())));
    }

    /**
     * The last lines of both streams.
     *
     * @return at most 40, oldest first
     */
    public List<String> lastLines() {
        synchronized (lastLines) {
            return List.copyOf(lastLines);
        }
    }
}
