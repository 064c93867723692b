package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.ExitHooks;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
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
 * The folder in which a starting worker meets its parent. Only this user can enter it, and it is removed once both are
 * connected. A socket's path is limited to about a hundred bytes, so the folder is in {@code /tmp} if the path of the
 * temporary folder is long.
 *
 * <p>A JVM that exits while workers start removes the folders; if it is killed, the worker removes its folder. If the
 * worker is killed too, the next process of this user that creates such a folder removes it, as {@link FolderOwner}
 * tells that its owner is dead.
 */
public final class MeetingFolder {
    public static final String SOCKET = "socket";
    public static final String STATUS = "status";
    public static final String ARGUMENTS = "arguments";
    /** The jar with which a worker starts that lacks the library. */
    public static final String LIBRARY = "library.jar";

    private static final List<String> FILES = List.of(SOCKET, STATUS, ARGUMENTS, LIBRARY);
    private static final int LONGEST = 90;
    /** To remove a folder in which others make files; each time all that is in it goes. */
    private static final int MOST_TRIES = 10;
    /** How often a process that creates many folders looks for those of dead processes. */
    private static final long SWEEP_NANOS = Duration.ofMinutes(1).toNanos();

    private static final Set<Path> IN_USE = ConcurrentHashMap.newKeySet();
    /** When to look for them next. */
    private static final AtomicLong NEXT_SWEEP = new AtomicLong(Backend.current().nanoTime());

    static {
        ExitHooks.addToShutdown(() -> IN_USE.forEach(MeetingFolder::remove), "sennit-folders");
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
        } catch (FileSystemException e) { // full, read-only, missing, or of another user
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
     * Checks whether a folder can be created, without which no worker can start.
     *
     * @return the remedy; null if a folder can be created
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
            // no thread, for example: the next call tries again
        }
    }

    /**
     * Removes folders whose owners are dead, those of shared memory included. Several processes may do so at once.
     *
     * @param among the folder that contains them
     * @param user the user that owns them; folders of other users are not touched
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
            // no descriptor, for example: the next call tries again
        }
    }

    private static boolean isFolderOf(UserPrincipal user, Path folder) {
        try {
            return Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    && user.equals(Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS));
        } catch (IOException e) { // another process has removed it
            return false;
        }
    }

    /**
     * Checks a folder named in a message: its sender must not make this process use other sockets or delete other
     * files.
     */
    public static Path named(String text) throws InvalidObjectException {
        try {
            Path folder = Path.of(text);
            if (folder.isAbsolute() && FolderOwner.isName(String.valueOf(folder.getFileName()))) {
                return folder;
            }
        } catch (InvalidPathException e) {
            // thrown below
        }
        throw new InvalidObjectException("\"" + text + "\" is no folder of Sennit's to connect in");
    }

    /** Removes the folder and the files in it, as far as possible. */
    public static void remove(Path folder) {
        IN_USE.remove(folder);
        try {
            // By name: listing needs a file descriptor, whose lack may be the reason for this call.
            for (String file : FILES) {
                Files.deleteIfExists(folder.resolve(file));
            }
            try {
                Files.deleteIfExists(folder);
            } catch (DirectoryNotEmptyException e) {
                removeWithAll(folder);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // another process removes it, or has removed it
        }
    }

    /**
     * Follows no symbolic link: what one points to is not in the folder. Others may remove or make files there
     * meanwhile, as the end of a pipe does that has just met the other.
     */
    private static void removeWithAll(Path folder) throws IOException {
        for (int tries = 1;; tries++) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
                for (Path file : files) {
                    if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                        removeWithAll(file);
                    } else {
                        Files.deleteIfExists(file);
                    }
                }
            } catch (NoSuchFileException e) {
                return;
            }
            try {
                Files.deleteIfExists(folder);
                return;
            } catch (DirectoryNotEmptyException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
            }
        }
    }
}
