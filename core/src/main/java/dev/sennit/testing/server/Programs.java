package dev.sennit.testing.server;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds the programs of servers: in the folders that the system property {@code sennit.servers.path} names, and nowhere
 * else if it is set; else in {@code PATH}, and then where packages put servers that are not for the {@code PATH} of
 * users.
 */
final class Programs {
    static final String PROPERTY = "sennit.servers.path";

    private static final List<Path> OF_SYSTEM = List.of(Path.of("/usr/local/sbin"), Path.of("/usr/sbin"));
    /** Where Debian and Red Hat keep one folder for each version of PostgreSQL. */
    private static final List<String> OF_POSTGRESQL = List.of("/usr/lib/postgresql", "/usr");

    private Programs() {}

    /** The first folder that has all these programs; null if there is none. */
    static @Nullable Path folderOf(String... programs) {
        return folders()
                .filter(folder -> Arrays.stream(programs)
                        .map(folder::resolve)
                        .allMatch(program -> Files.isRegularFile(program) && Files.isExecutable(program)))
                .findFirst()
                .orElse(null);
    }

    /** The first of these programs that is there; null if none is. */
    static @Nullable Path anyOf(String... programs) {
        for (String program : programs) {
            Path folder = folderOf(program);
            if (folder != null) {
                return folder.resolve(program);
            }
        }
        return null;
    }

    /** A program of the system, which a user need not be able to see. */
    static @Nullable Path ofSystem(String program) {
        return Stream.of("/usr/bin", "/bin", "/usr/sbin", "/sbin")
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private static Stream<Path> folders() {
        String only = System.getProperty(PROPERTY);
        return only != null
                ? split(only).stream()
                : Stream.of(split(System.getenv("PATH")), OF_SYSTEM, ofPostgresql()).flatMap(List::stream);
    }

    private static List<Path> split(@Nullable String path) {
        List<Path> folders = new ArrayList<>();
        for (String folder : path == null ? new String[0] : path.split(":")) {
            try {
                if (!folder.isEmpty()) {
                    folders.add(Path.of(folder).toAbsolutePath());
                }
            } catch (InvalidPathException e) {
                // no folder can have that name
            }
        }
        return folders;
    }

    /** Newest version first. */
    private static List<Path> ofPostgresql() {
        record Version(double number, Path bin) {}
        List<Version> versions = new ArrayList<>();
        for (String among : OF_POSTGRESQL) {
            try (DirectoryStream<Path> folders = Files.newDirectoryStream(Path.of(among))) {
                for (Path folder : folders) {
                    String name = String.valueOf(folder.getFileName()).replaceFirst("^pgsql-", "");
                    if (name.matches("\\d{1,3}(\\.\\d{1,3})?")) {
                        versions.add(new Version(Double.parseDouble(name), folder.resolve("bin")));
                    }
                }
            } catch (IOException e) {
                // there is no such folder
            }
        }
        return versions.stream()
                .sorted(Comparator.comparingDouble(Version::number).reversed())
                .map(Version::bin)
                .toList();
    }
}
