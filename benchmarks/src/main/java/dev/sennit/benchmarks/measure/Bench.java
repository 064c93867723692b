package dev.sennit.benchmarks.measure;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What experiments run on: how thorough they are, and the peers that can be had. */
public final class Bench implements AutoCloseable {
    private static final String[] SCRIPTS =
            {"peer.py", "peer_tasks.py", "peer_services.py", "peer_systemd.py", "peer_queues.py", "peer_rq.py",
                Sharp.SCRIPT};

    private final boolean quick;
    private final int kills;
    private final Optional<Python> python;
    /** For the scripts, and whatever an experiment needs. */
    private final Path folder;

    public Bench(boolean quick, int kills, Optional<Python> python) throws IOException {
        this.quick = quick;
        this.kills = kills;
        this.python = python;
        folder = Files.createTempDirectory("sennit-benchmarks-");
        for (String script : SCRIPTS) {
            try (InputStream in = Bench.class.getResourceAsStream(script)) {
                if (in == null) {
                    throw new IOException("the jar holds no " + script);
                }
                Files.copy(in, folder.resolve(script));
            }
        }
    }

    public boolean quick() {
        return quick;
    }

    /** One of two sizes: for figures, or only to see that it runs. */
    public int size(int thorough, int quickly) {
        return quick ? quickly : thorough;
    }

    /** How often the experiment with services kills a worker of each kind. */
    public int kills() {
        return size(kills, 1);
    }

    public Optional<Python> python() {
        return python;
    }

    public Path scripts() {
        return folder;
    }

    /** A file that is not there yet. */
    public Path newFile(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.deleteIfExists(file);
        return file;
    }

    /** Runs something and tells how long it took. */
    public static double[] timed(Step step) throws Exception {
        long start = System.nanoTime();
        step.run();
        return new double[] {secondsSince(start)};
    }

    public static double secondsSince(long nanoTime) {
        return (System.nanoTime() - nanoTime) / 1e9;
    }

    /** Work that may throw. */
    public interface Step {
        void run() throws Exception;
    }

    @Override
    public void close() {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        folder.toFile().delete();
    }
}
