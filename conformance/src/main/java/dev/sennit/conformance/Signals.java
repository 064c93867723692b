package dev.sennit;

import dev.sennit.loop.EventLoop;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * What a test and its tasks tell each other: files in a folder, so that it works in one JVM and between processes.
 *
 * <p>Every wait is bounded: a test that lost its task fails, it does not hang.
 *
 * @param folder the folder
 */
public record Signals(String folder) implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long BOUND_NANOS = 30_000_000_000L;

    /** Sets a signal for good. */
    public void set(String name) {
        try {
            new File(folder, name).createNewFile(); // not through a channel: an interrupted thread can do it
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public boolean isSet(String name) {
        return new File(folder, name).exists();
    }

    /** Waits until a signal is set. */
    public void await(String name) throws InterruptedException {
        long start = System.nanoTime();
        while (!isSet(name)) {
            pause(start, "nobody set " + name);
        }
    }

    /** Counts one more of something. */
    public void mark(String name) {
        set(name + "." + UUID.randomUUID());
    }

    public int count(String name) {
        String[] marks = new File(folder).list((where, file) -> file.startsWith(name + "."));
        return marks == null ? 0 : marks.length;
    }

    /** Waits until something was counted so often. */
    public void awaitCount(String name, int count) throws InterruptedException {
        long start = System.nanoTime();
        while (count(name) < count) {
            pause(start, count(name) + " of " + count + " " + name);
        }
    }

    /** Adds a line to a file; for one writer at a time. */
    public void log(String line) {
        try (var out = new FileOutputStream(new File(folder, "log"), true)) {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public List<String> logged() {
        try {
            return Files.readAllLines(Path.of(folder, "log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes the folder. */
    boolean delete() throws IOException {
        for (File file : new File(folder).listFiles()) {
            Files.deleteIfExists(file.toPath());
        }
        return Files.deleteIfExists(Path.of(folder));
    }

    /** Whether the test that made them has ended: nobody will set one any more. */
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
