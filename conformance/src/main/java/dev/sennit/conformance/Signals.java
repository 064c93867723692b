package dev.sennit.conformance;

import dev.sennit.loop.EventLoop;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * What a test and its tasks tell each other: files in a folder, so that it works in one JVM and between processes.
 *
 * <p>A signal is set for good, and a count only grows. Any thread of any process may set and count, also while it is
 * interrupted. Every wait is bounded: a wait of 30 seconds, or beyond the end of the test, fails with an
 * {@link IllegalStateException}, so that a test that lost its task does not hang. In a coroutine, a wait suspends the
 * coroutine alone.
 *
 * {@snippet :
 * class ThreadsTest extends dev.sennit.conformance.PoolContract {
 *     @Override
 *     protected String plan(int workers) {
 *         return "threads:" + workers;
 *     }
 *
 *     @org.junit.jupiter.api.Test
 *     void bothTasksRun() throws InterruptedException {
 *         var here = signals();
 *         pool().submit(() -> here.mark("ran"));
 *         pool().submit(() -> here.mark("ran"));
 *         here.awaitCount("ran", 2);
 *     }
 * }
 * }
 *
 * @param folder the folder, which exists until the test has ended
 */
public record Signals(String folder) implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long BOUND_NANOS = 30_000_000_000L;

    /**
     * Sets a signal for good.
     *
     * @param name letters, digits and blanks
     */
    public void set(String name) {
        try {
            new File(folder, name).createNewFile(); // not through a channel: an interrupted thread can do it
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether a signal is set.
     *
     * @param name its name
     * @return true from then on
     */
    public boolean isSet(String name) {
        return new File(folder, name).exists();
    }

    /**
     * Waits until a signal is set.
     *
     * @param name its name
     * @throws InterruptedException if the wait is interrupted
     */
    public void await(String name) throws InterruptedException {
        long start = System.nanoTime();
        while (!isSet(name)) {
            pause(start, "nobody set " + name);
        }
    }

    /**
     * Counts one more of something.
     *
     * @param name letters, digits and blanks
     */
    public void mark(String name) {
        set(name + "." + UUID.randomUUID());
    }

    /**
     * How often something was counted.
     *
     * @param name its name
     * @return the calls of {@link #mark} until now
     */
    public int count(String name) {
        String[] marks = new File(folder).list((where, file) -> file.startsWith(name + "."));
        return marks == null ? 0 : marks.length;
    }

    /**
     * Waits until something was counted so often.
     *
     * @param name its name
     * @param count how often, at least
     * @throws InterruptedException if the wait is interrupted
     */
    public void awaitCount(String name, int count) throws InterruptedException {
        long start = System.nanoTime();
        while (count(name) < count) {
            pause(start, count(name) + " of " + count + " " + name);
        }
    }

    /**
     * Adds a line to the test's log; for one writer at a time.
     *
     * @param line without an end of line
     */
    public void log(String line) {
        try (var out = new FileOutputStream(new File(folder, "log"), true)) {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What was logged, in order.
     *
     * @return the lines
     * @throws UncheckedIOException if there are none
     */
    public List<String> logged() {
        try {
            return Files.readAllLines(Path.of(folder, "log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes the folder; returns false when a task has written into it meanwhile. */
    boolean delete() throws IOException {
        for (File file : new File(folder).listFiles()) {
            Files.deleteIfExists(file.toPath());
        }
        try {
            return Files.deleteIfExists(Path.of(folder));
        } catch (DirectoryNotEmptyException e) {
            return false;
        }
    }

    /**
     * Whether the test that made them has ended: nobody will set one any more.
     *
     * @return true for a task that outlives its test
     */
    public boolean areGone() {
        return !new File(folder).exists();
    }

    private void pause(long start, String broken) throws InterruptedException {
        if (areGone()) {
            throw new IllegalStateException("the test has ended: " + broken);
        }
        if (System.nanoTime() - start > BOUND_NANOS) {
            throw new IllegalStateException("after 30 s: " + broken);
        }
        EventLoop.sleep(Duration.ofMillis(1)); // a sleep like any other, but where threads take turns by agreement
    }
}
