package dev.sennit.benchmarks.thumbnails;

import dev.sennit.benchmarks.measure.Bench;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The photographs that are made small: those of the folder SENNIT_PHOTOS, or else the few that come with the sources.
 */
final class Photographs {
    private static final String VARIABLE = "SENNIT_PHOTOS";
    private static final String OWN = "images/src/test/resources/dev/sennit/images/photos";

    private Photographs() {}

    static Path folder() throws IOException {
        String given = System.getenv(VARIABLE);
        Path folder = given != null ? Path.of(given) : Path.of(System.getProperty("sennit.home", ".."), OWN);
        if (!Files.isDirectory(folder)) {
            throw new IOException("no photographs: " + folder + " is no folder; set " + VARIABLE + " to one");
        }
        return folder.toRealPath();
    }

    /** In the order of their names. */
    static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder())) {
            return all.filter(file -> file.toString().endsWith(".jpg")).sorted().toList();
        }
    }

    /** All of them, or the smallest alone. */
    static List<Path> files(Bench bench) throws IOException {
        List<Path> all = files();
        return bench.quick()
                ? List.of(Collections.min(all, Comparator.comparing(file -> file.toFile().length())))
                : all;
    }

    static List<byte[]> bytes(Bench bench) throws IOException {
        List<byte[]> photographs = new ArrayList<>();
        for (Path file : files(bench)) {
            photographs.add(Files.readAllBytes(file));
        }
        return photographs;
    }
}
