package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Folders in which two processes meet, such as a worker that starts and its parent. Only this user can enter such a folder, and the
 * folder is gone once both are connected. A socket's path may have no more than some hundred bytes, so where the path of the
 * temporary folder is long, the meeting folder lies in {@code /tmp}.
 *
 * <p>A JVM that ends while workers start removes the folders on its way out; a JVM that is killed leaves them to the workers. Where
 * the worker was killed too, the next process of this user that makes a folder removes those whose {@link FolderOwner} is dead.
 */
public final class MeetingFolder {
    public static final String SOCKET = "socket";
    public static final String STATUS = "status";
    public static final String ARGUMENTS = "arguments";
    /** The jar that a worker without the library starts with. */
    public static final String LIBRARY = "library.jar";

    private static final List<String> FILES = List.of(SOCKET, STATUS, ARGUMENTS, LIBRARY);
    private static final int LONGEST = 90;
    /** How often a process that makes many folders looks for those of dead processes. */
    private static final long SWEEP_NANOS = Duration.ofMinutes(1).toNanos();

    private static final Set<Path> IN_USE = ConcurrentHashMap.newKeySet();
    /** When to look next. */
    private static final AtomicLong NEXT_SWEEP = new AtomicLong(Backend.current().nanoTime());

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> IN_USE.forEach(MeetingFolder::remove), "sennit-folders"));
    }

    private MeetingFolder() {}

    public static Path create() throws IOException {
        Path folder = createIn(temporary());
        if (folder.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            Files.delete(folder);
            folder = createIn(Path.of("/tmp"));
        }
        IN_USE.add(folder);
        sweepNowAndThen(folder);
        return folder;
    }

    private static Path temporary() {
        return Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    }

    static Path createIn(Path among) throws IOException {
        try {
            return Files.createTempDirectory(among, FolderOwner.namePrefix());
        } catch (FileSystemException e) { // full, read-only, not there, another's
            throw new IOException(cannotBeMade(among, e.getReason()), e);
        }
    }

    private static String cannotBeMade(Path among, @Nullable String why) {
        String broken = "is not writable for user " + System.getProperty("user.name");
        if (!Files.isDirectory(among)) {
            broken = "is no folder";
        } else if (Files.isWritable(among)) {
            broken = "refuses it: " + why;
        }
        return "cannot make the folder in which processes meet: " + among + " " + broken
                + "; start this JVM with -Djava.io.tmpdir=FOLDER, a folder in which this user may write";
    }

    /**
     * Looks for what would have every worker fail to start.
     *
     * @return what to do about it; null if a folder can be made
     */
    public static @Nullable String obstacle() {
        Path among = temporary();
        return Files.isDirectory(among) && Files.isWritable(among) ? null : cannotBeMade(among, "");
    }

    private static void sweepNowAndThen(Path own) {
        long due = NEXT_SWEEP.get();
        long now = Backend.current().nanoTime();
        if (now - due < 0 || !NEXT_SWEEP.compareAndSet(due, now + SWEEP_NANOS)) {
            return;
        }
        try {
            UserPrincipal user = Files.getOwner(own);
            Path among = Objects.requireNonNull(own.getParent());
            BackgroundExecutor.execute(() -> removeOfTheDead(among, user));
        } catch (IOException | RuntimeException | Error e) {
            // no thread to be had, say: another time
        }
    }

    /**
     * Removes folders whose owners are dead, those of shared memory as well. Several may do so at once.
     *
     * @param among where they lie
     * @param user whose they are: those of others are left alone
     */
    public static void removeOfTheDead(Path among, UserPrincipal user) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(among, FolderOwner.PREFIX + "*-*-*")) {
            for (Path folder : folders) {
                String name = String.valueOf(folder.getFileName());
                if ((FolderOwner.isDead(name) || MemoryFolder.isDead(name)) && isFolderOf(user, folder)) {
                    remove(folder);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // no descriptor to be had, say: another time
        }
    }

    private static boolean isFolderOf(UserPrincipal user, Path folder) {
        try {
            return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    && user.equals(Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS));
        } catch (IOException e) { // another sweeps too
            return false;
        }
    }

    /** A folder as a message names it. Its sender may not have this process connect to any socket, or delete any file. */
    public static Path named(String text) throws InvalidObjectException {
        try {
            Path folder = Path.of(text);
            if (folder.isAbsolute() && FolderOwner.isName(String.valueOf(folder.getFileName()))) {
                return folder;
            }
        } catch (InvalidPathException e) {
            // said below
        }
        throw new InvalidObjectException("\"" + text + "\" is no folder of Sennit's to connect in");
    }

    /** Removes the folder and what is left in it; what cannot be removed is left. */
    public static void remove(Path folder) {
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
        } catch (IOException | UncheckedIOException e) {
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
