package dev.sennit.internal.machine;

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
 * The folder with the {@link MappedFile}s of this process: in the temporary folder, and open to this user alone.
 *
 * <p>It is made with the first file, and goes with the last. A file goes when its block is closed or lost, or with its process,
 * whichever is first. Some systems delete no file that is mapped: then it goes when the next one does, or with the process. A
 * folder's name says whose it is, in the form {@code sennit-memory-PID-STARTED-SCOPE-RANDOM}: a process that is killed leaves
 * its folder, and the next one that makes a folder of either kind removes it. The names differ from those of {@link MeetingFolder}s,
 * as a message may name such a one to be removed.
 */
public final class MemoryFolder {
    private static final String PREFIX = FolderOwner.PREFIX + "memory-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d{1,10})-(\\d{1,10})-([a-z0-9]+)-\\d+");
    private static final Pattern FILE = Pattern.compile("\\d{1,18}");
    private static final Set<PosixFilePermission> OF_OWNER = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    // Guarded by the class.
    private static @Nullable Path folder;
    /** Those that are in it. */
    private static final Set<Path> FILES = new HashSet<>();
    /** Those of them that are to be deleted, and could not be yet. */
    private static final Set<Path> UNWANTED = new HashSet<>();
    private static long made;

    /** The owner of what this process makes; found once, by any thread. */
    private static volatile @Nullable UserPrincipal user;

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(MemoryFolder::remove, "sennit-memory-folder"));
    }

    private MemoryFolder() {}

    // ---- the own one ----

    /** A path at which no file is yet. */
    static synchronized Path newFile() throws IOException {
        Path here = folder;
        if (here == null || !Files.isDirectory(here, LinkOption.NOFOLLOW_LINKS)) { // somebody may clean temporary folders
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

    /** How the names of such folders begin of a process here. */
    static String namePrefixOf(long identity) {
        return PREFIX + ProcessIdentity.pid(identity) + "-" + (identity >>> 32) + "-" + ProcessIdentity.scope() + "-";
    }

    /** Deletes a file as soon as the system does; may be called again. */
    static synchronized void delete(Path file) {
        UNWANTED.add(file);
        for (Path each : List.copyOf(UNWANTED)) {
            try {
                Files.deleteIfExists(each);
                UNWANTED.remove(each);
                FILES.remove(each);
            } catch (IOException e) {
                // it is mapped still, on a system that deletes no such file
            }
        }
        if (FILES.isEmpty()) {
            remove();
        }
    }

    /** For the end of this process: others that have mapped its files keep them. */
    public static synchronized void remove() {
        Path here = folder;
        folder = null;
        if (here != null) {
            MeetingFolder.remove(here);
        }
    }

    // ---- those of others ----

    /** Whether the name is that of such a folder whose owner was a process here, and has ended. */
    static boolean isDead(String folder) {
        Matcher name = NAME.matcher(folder);
        return name.matches()
                && name.group(3).equals(ProcessIdentity.scope())
                && !ProcessIdentity.isAlive(Long.parseLong(name.group(1)) | Long.parseLong(name.group(2)) << 32);
    }

    /**
     * Checks a path that came from anywhere. What only this user may change only this user can have made, so that nobody else
     * leads this process to a file of theirs.
     *
     * @throws IOException if it is not in a folder of this kind, of that process and of this user
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
