package dev.sennit.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The folder in which a worker that starts meets its parent; only this user can enter it, and it is gone once both are
 * connected. A socket's path may have no more than some hundred bytes, so where the temporary folder's own path is long
 * it lies in {@code /tmp}.
 *
 * <p>A JVM that ends while workers start removes the folders on its way out; one that is killed leaves that to the
 * worker.
 */
final class WorkerFolder {
    static final String SOCKET = "socket";
    static final String STATUS = "status";
    static final String ARGUMENTS = "arguments";

    private static final List<String> FILES = List.of(SOCKET, STATUS, ARGUMENTS);
    private static final int LONGEST = 90;
    private static final String PREFIX = "sennit-";

    private static final Set<Path> IN_USE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> IN_USE.forEach(WorkerFolder::remove), "sennit-folders"));
    }

    private WorkerFolder() {}

    static Path create() throws IOException {
        Path folder = Files.createTempDirectory(PREFIX).toAbsolutePath();
        if (folder.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            Files.delete(folder);
            folder = Files.createTempDirectory(Path.of("/tmp"), PREFIX);
        }
        IN_USE.add(folder);
        return folder;
    }

    /** Removes the folder and what is left in it; what cannot be removed is left. */
    static void remove(Path folder) {
        IN_USE.remove(folder);
        try {
            // By their names: to list them takes a file descriptor, and that there is none may be why this is called.
            for (String file : FILES) {
                Files.deleteIfExists(folder.resolve(file));
            }
            try {
                Files.deleteIfExists(folder);
            } catch (DirectoryNotEmptyException e) {
                removeWithAll(folder);
            }
        } catch (IOException e) {
            // somebody else removes it at this moment, or has
        }
    }

    private static void removeWithAll(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }
}
