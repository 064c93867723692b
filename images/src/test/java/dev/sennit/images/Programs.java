package dev.sennit.images;

import dev.sennit.images.internal.files.PartFile;
import java.io.File;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Programs of their own, to be killed or limited. */
final class Programs {
    private Programs() {}

    /** Arguments: what to do, and with what. */
    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "download" -> {
                try (Downloader downloader = Downloader.builder()
                        .allowPrivate(true)
                        .minRate(0, Duration.ofMinutes(1))
                        .open()) {
                    downloader.toFile(URI.create(arguments[1]), Path.of(arguments[2]));
                }
            }
            case "part" -> {
                PartFile.create(Path.of(arguments[1], "target")).write(ByteBuffer.wrap(new byte[1000]));
                System.out.println("written");
                Thread.sleep(120_000); // somebody kills it
            }
            case "many" -> {
                int count = Integer.parseInt(arguments[2]);
                OutputFolder folder = OutputFolder.open(Path.of(arguments[1]), OutputFolder.Existing.FAIL);
                for (int i = 0; i < count; i++) {
                    folder.write(folder.folder().resolve("file" + i), new byte[1000]);
                }
                System.out.println("all written");
            }
            case "write" -> {
                OutputFolder folder = OutputFolder.open(Path.of(arguments[1]), OutputFolder.Existing.FAIL);
                try {
                    folder.write(folder.folder().resolve("large"), new byte[Integer.parseInt(arguments[2])]);
                    System.out.println("written");
                } catch (java.io.IOException e) {
                    System.out.println(e.getMessage());
                }
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** The library and the tests, wherever they were loaded from. */
    static String classPath() {
        return Stream.of(Downloader.class, Programs.class, dev.sennit.Pool.class)
                .map(Programs::location)
                .distinct()
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String location(Class<?> type) {
        URL resource = java.util.Objects.requireNonNull(type.getResource(type.getSimpleName() + ".class"));
        try {
            if (resource.openConnection() instanceof JarURLConnection jar) {
                return Path.of(jar.getJarFileURL().toURI()).toString();
            }
            int depth = type.getName().split("\\.").length;
            Path path = Path.of(resource.toURI());
            for (int i = 0; i < depth; i++) {
                path = java.util.Objects.requireNonNull(path.getParent());
            }
            return path.toString();
        } catch (java.io.IOException e) {
            throw new UncheckedIOException(e);
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
