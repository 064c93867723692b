package dev.sennit.benchmarks.queues;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Closes what an experiment has opened, from the last on; a failure of one does not keep the others open. */
final class Closing implements Closeable {
    private final List<Closeable> opened = new ArrayList<>();

    <T extends Closeable> T keep(T resource) {
        opened.add(resource);
        return resource;
    }

    /** Makes a temporary folder, which is deleted at the end. */
    Path folder(String prefix) throws IOException {
        Path folder = Files.createTempDirectory(prefix);
        keep(() -> delete(folder));
        return folder;
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (Closeable each : opened.reversed()) {
            try {
                each.close();
            } catch (IOException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
