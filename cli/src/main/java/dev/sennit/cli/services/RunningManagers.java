package dev.sennit.cli.services;

import dev.sennit.internal.Quietly;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.internal.machine.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The managers of services that this user runs on this machine, so that a command finds the only one without being told
 * its file. Each writes a file, whose name tells its process, into a folder that only this user can write: {@code
 * $XDG_RUNTIME_DIR/sennit/services}, or {@code ~/.cache/sennit/services}. A file that a killed manager left behind is
 * removed by the next that looks. A manager in another container that shares the folder is not found, as its process
 * id means nothing here. Where there is no such folder, the commands have to be told the file.
 */
final class RunningManagers {
    /**
     * A manager.
     *
     * @param pid its process
     * @param file what it runs
     * @param control its control socket
     */
    record Manager(long pid, Path file, Path control) {}

    /** The entry of this process. */
    record Entry(Path path) implements AutoCloseable {
        /** Removes it. If that fails, the next that looks removes it, as the process does not live. */
        @Override
        public void close() {
            Quietly.close(() -> Files.deleteIfExists(path));
        }
    }

    private static final int LARGEST = 1 << 14;

    private final Path folder;

    private RunningManagers(Path folder) {
        this.folder = folder;
    }

    /** Returns those of this user; none if there is no folder for them. */
    static Optional<RunningManagers> ofThisUser() {
        return of(System.getenv(), System.getProperty("user.home", ""));
    }

    static Optional<RunningManagers> of(Map<String, String> environment, String home) {
        String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        if (runtime.startsWith("/")) {
            return Optional.of(new RunningManagers(Path.of(runtime, "sennit", "services")));
        }
        return home.startsWith("/")
                ? Optional.of(new RunningManagers(Path.of(home, ".cache", "sennit", "services")))
                : Optional.empty();
    }

    /**
     * Adds this process.
     *
     * @return the entry
     * @throws IOException if the folder cannot be written, or belongs to another user
     */
    Entry add(Path file, Path control) throws IOException {
        Files.createDirectories(folder,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        if (!isOurs()) {
            throw new IOException("folder " + folder + " can be written by other users");
        }
        Path entry = folder.resolve(FolderOwner.namePrefix() + ProcessHandle.current().pid());
        Files.write(entry, List.of(file.toString(), control.toString()), StandardCharsets.UTF_8);
        return new Entry(entry);
    }

    /** Whoever may write there could have commands of this user speak to processes of theirs. */
    private boolean isOurs() {
        try {
            PosixFileAttributes there =
                    Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            String mode = PosixFilePermissions.toString(there.permissions());
            return there.isDirectory() && mode.charAt(4) != 'w' && mode.charAt(7) != 'w'
                    && there.owner().equals(Files.getOwner(Path.of("/proc/self")));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /**
     * Returns those that live.
     *
     * @return by process id
     */
    List<Manager> find() {
        List<Manager> found = new ArrayList<>();
        if (!isOurs()) {
            return found;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                Manager manager = read(entry);
                if (manager != null) {
                    found.add(manager);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return found;
        }
        found.sort((one, other) -> Long.compare(one.pid(), other.pid()));
        return found;
    }

    private static @Nullable Manager read(Path entry) {
        OptionalLong owner = FolderOwner.ofThisScope(entry.getFileName().toString());
        if (owner.isEmpty()) {
            return null;
        }
        try {
            if (!ProcessIdentity.isAlive(owner.getAsLong())) {
                Files.deleteIfExists(entry);
                return null;
            }
            List<String> lines = Files.size(entry) > LARGEST
                    ? List.of()
                    : Files.readAllLines(entry, StandardCharsets.UTF_8);
            return lines.size() != 2
                    ? null
                    : new Manager(ProcessIdentity.pid(owner.getAsLong()), Path.of(lines.get(0)), Path.of(lines.get(1)));
        } catch (IOException | InvalidPathException e) { // it vanishes with its manager, for example
            return null;
        }
    }
}
