package dev.sennit.images;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The images of the tests; see the README beside them. */
final class Corpus {
    static final String PROGRESSIVE = "photos/Wine_by_Jakkub_Mede.jpg";
    static final String BASELINE = "photos/umang_by_Abhishek_Mudgal.jpg";

    private Corpus() {}

    static byte[] bytes(String name) {
        try (InputStream file = Objects.requireNonNull(Corpus.class.getResourceAsStream(name), name)) {
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] hostile(String name) {
        return bytes("hostile/" + name);
    }

    static List<String> names() {
        return Stream.of("hostile", "photos")
                .flatMap(folder -> in(folder).stream())
                .toList();
    }

    private static List<String> in(String folder) {
        try {
            URI place = Objects.requireNonNull(Corpus.class.getResource(folder), folder).toURI();
            try (Stream<Path> files = Files.list(Path.of(place))) {
                return files.map(file -> folder + "/" + file.getFileName()).sorted().toList();
            }
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
