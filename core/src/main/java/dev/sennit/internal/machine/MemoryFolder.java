package dev.sennit.internal.machine;

import dev.sennit.internal.ExitHooks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The folder with the {@link MappedFile}s of this process: in the temporary folder, and accessible only to this user.
 *
 * <p>It is created with the first file, and deleted with the last. A file is deleted when its block is closed or lost,
 * or when its process ends. Some systems do not delete a mapped file: then it is deleted together with a later file, or
 * when the process ends. A folder's name tells its owner, in the form {@code sennit-memory-PID-STARTED-SCOPE-RANDOM}: a
 * killed process leaves its folder, and the next process that creates a folder of either kind removes it. The names
 * differ from those of {@link MeetingFolder}s, as a message may request the removal of a worker folder by name.
 */
public final class MemoryFolder {
    private static final String PREFIX = FolderOwner.PREFIX + "memory-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d{1,10})-(\\d{1,10})-([a-z0-9]+)-\\d+");
    private static final Pattern FILE = Pattern.compile("\\d{1,18}");
    private static final Set<PosixFilePermission> OF_OWNER = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    // Guarded by the class's lock.
    private static @Nullable Path folder;
    /** The files in it. */
    private static final Set<Path> FILES = new HashSet<>();
    /** The files in it that could not be deleted yet. */
    private static final Set<Path> UNWANTED = new HashSet<>();
    private static long made;

    /** The user that owns the files of this process; found once, by any thread. */
    private static volatile @Nullable UserPrincipal user;

    static {
        ExitHooks.addToShutdown(MemoryFolder::remove, "sennit-memory-folder");
    }

    private MemoryFolder() {}

    // ---- this process's folder ----

    /** Returns a path for a new file. */
    static synchronized Path newFile() throws IOException {
        Path here = folder;
        if (here == null || !Files.isDirectory(here, LinkOption.NOFOLLOW_LINKS)) { // temporary folders may be cleaned
            here = create();
            folder = here;
            UserPrincipal owner = Files.getOwner(here);
            user = owner;
            MeetingFolder.removeOfTheDead(Objects.requireNonNull(here.getParent()), owner);
        }
        Path file = here.resolve(Long.toString(++made));
        FILES.add(file);
        return file;
    }

    private static Path create() throws IOException {
        return Files.createTempDirectory(namePrefixOf(ProcessIdentity.SELF)).toAbsolutePath().normalize();
    }

    /** Returns the prefix of the names of the folders of a process in this scope. */
    static String namePrefixOf(long identity) {
        return PREFIX + ProcessIdentity.pid(identity) + "-" + (identity >>> 32) + "-" + ProcessIdentity.scope() + "-";
    }

    /** Deletes a file, as soon as the system allows it; may be called again. */
    static synchronized void delete(Path file) {
        UNWANTED.add(file);
        for (Path each : List.copyOf(UNWANTED)) {
            try {
                Files.deleteIfExists(each);
                UNWANTED.remove(each);
                FILES.remove(each);
            } catch (IOException e) {
                // still mapped, on a system that does not delete mapped files
            }
        }
        if (FILES.isEmpty()) {
            remove();
        }
    }

    /** Removes the folder at the end of this process. Other processes keep the files that they have mapped. */
    public static synchronized void remove() {
        Path here = folder;
        folder = null;
        if (here != null) {
            MeetingFolder.remove(here);
        }
    }

    // ---- folders of other processes ----

    /** Returns whether a name is that of such a folder whose owner was a process in this scope, and has ended. */
    static boolean isDead(String folder) {
        Matcher name = NAME.matcher(folder);
        return name.matches()
                && name.group(3).equals(ProcessIdentity.scope())
                && !ProcessIdentity.isAlive(Long.parseLong(name.group(1)) | Long.parseLong(name.group(2)) << 32);
    }

    /**
     * Checks a path from an untrusted source. Only this user can have created a file in a folder that only this user
     * may change, so another user cannot direct this process to a file of theirs.
     *
     * @throws IOException if the path is not in a folder of this kind, of that process and of this user
     */
    static void ensureIsFileOf(long pid, Path file) throws IOException {
        Path parent = file.getParent();
        if (!file.isAbsolute()
                || !file.equals(file.normalize())
                || parent == null
                || parent.getFileName() == null
                || !FILE.matcher(file.getFileName().toString()).matches()) {
            throw new IOException(file + " is no file of shared memory");
        }
        Matcher name = NAME.matcher(parent.getFileName().toString());
        if (!name.matches() || Long.parseLong(name.group(1)) != pid) {
            throw new IOException(file + " is not in a folder for shared memory of process " + pid);
        }
        if (!isPrivate(parent)) {
            throw new IOException(file + " is not in a private folder of this user");
        }
    }

    private static boolean isPrivate(Path folder) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                || !Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(thisUser())) {
            return false;
        }
        PosixFileAttributeView view =
                Files.getFileAttributeView(folder, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        return view == null || OF_OWNER.containsAll(view.readAttributes().permissions());
    }

    private static UserPrincipal thisUser() throws IOException {
        UserPrincipal known = user;
        if (known == null) {
            Path own = create();
            try {
                known = Files.getOwner(own);
            } finally {
                MeetingFolder.remove(own);
            }
            user = known;
        }
        return known;
    }
}
