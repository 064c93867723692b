package dev.sennit.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder in which a worker that starts meets its parent; only this user can enter it, and it is gone once both are
 * connected. A socket's path may have no more than some hundred bytes, so where the temporary folder's own path is long
 * it lies in {@code /tmp}.
 */
final class WorkerFolder {
    static final String SOCKET = "socket";
    static final String STATUS = "status";
    static final String ARGUMENTS = "arguments";

    private static final int LONGEST = 90;
    private static final String PREFIX = "sennit-";

    private WorkerFolder() {}

    static Path create() throws IOException {
        Path usual = Files.createTempDirectory(PREFIX).toAbsolutePath();
        if (usual.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length <= LONGEST) {
            return usual;
        }
        Files.delete(usual);
        return Files.createTempDirectory(Path.of("/tmp"), PREFIX);
    }

    /** Removes the folder and what is left in it; what cannot be removed is left. */
    static void remove(Path folder) {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            // somebody else removes it at this moment, or it never was
        }
    }
}
