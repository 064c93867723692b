package dev.sennit.server.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A folder of a worker's own for files that end with it: its copy of a WAR, for example, or what clients upload. Only
 * this user can enter it. The worker holds a lock in it while it lives: the next worker that makes such a folder of the
 * same kind removes those of workers that were killed.
 *
 * <p>The system's locks belong to the process, which loses them when it closes any descriptor of the file. So no lock
 * file of this JVM's own folders is ever opened again: {@link #OWN} knows them.
 */
public final class WorkerFolder implements AutoCloseable {
    private static final String PREFIX = "sennit-";
    private static final String UNNAMED = ".sennit-new-";
    private static final String LOCK = "lock";
    /** After this time a folder without its name is none that is being made. */
    private static final Duration MAKING = Duration.ofHours(1);

    /** The folders of this JVM, from before they have their names until after their end. */
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    private final Path folder;
    /** Kept, as the JDK knows it weakly. */
    private final FileLock lock;

    private WorkerFolder(Path folder, FileLock lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /**
     * Makes a folder among the temporary files.
     *
     * @param kind a word for its name
     */
    public static WorkerFolder create(String kind) throws IOException {
        return create(Path.of(System.getProperty("java.io.tmpdir")), kind);
    }

    static WorkerFolder create(Path among, String kind) throws IOException {
        Path real = among.toRealPath(); // each folder has one name in OWN
        // Locked before it has its name, so that no other worker takes it for one of the dead.
        Path unnamed = Files.createTempDirectory(real, UNNAMED + kind + "-");
        String random = unnamed.getFileName().toString();
        Path named = real.resolve(PREFIX + kind + "-" + random.substring(random.lastIndexOf('-') + 1));
        FileChannel channel = null;
        try {
            removeOfTheDead(real, kind, Files.getOwner(unnamed));
            channel = FileChannel.open(unnamed.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            FileLock lock = Objects.requireNonNull(channel.lock());
            Files.createDirectory(unnamed.resolve("work"));
            OWN.add(named);
            return new WorkerFolder(Files.move(unnamed, named), lock);
        } catch (IOException | RuntimeException | Error e) {
            if (channel != null) {
                channel.close();
            }
            remove(unnamed);
            OWN.remove(named);
            throw e;
        }
    }

    /** Returns the folder for the files. */
    public Path work() {
        return folder.resolve("work");
    }

    /** Removes the folder, as far as possible. */
    @Override
    public void close() {
        remove(folder);
        try {
            lock.acquiredBy().close();
        } catch (IOException e) {
            // its file is gone
        }
        OWN.remove(folder);
    }

    private static void removeOfTheDead(Path among, String kind, UserPrincipal owner) {
        String names = "{" + PREFIX + "," + UNNAMED + "}" + kind + "-*";
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(among, names)) {
            for (Path one : folders) {
                if (!OWN.contains(one)) {
                    removeIfDead(one, owner);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // the next worker tries again
        }
    }

    /** Leaves what is another user's: it may change between a look and the removal. */
    private static void removeIfDead(Path folder, UserPrincipal owner) {
        try {
            boolean isUnnamed = folder.getFileName().toString().startsWith(UNNAMED);
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                    || !Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(owner)
                    || isUnnamed && Files.getLastModifiedTime(folder).toInstant().plus(MAKING).isAfter(Instant.now())) {
                return;
            }
            try (FileChannel lock =
                    FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                    var taken = lock.tryLock()) {
                if (taken != null) {
                    remove(folder);
                }
            } catch (NoSuchFileException e) {
                if (isUnnamed) { // its worker was killed before it made the lock
                    remove(folder);
                }
            }
        } catch (IOException | OverlappingFileLockException e) {
            // somebody else removes it
        }
    }

    /** Follows no symbolic link: what one points to is not in the folder. The lock goes last, for the next attempt. */
    private static void remove(Path folder) {
        Path lock = folder.resolve(LOCK);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            boolean isEmpty = true;
            for (Path one : files) {
                if (!one.equals(lock)) {
                    Files.walkFileTree(one, new Removal());
                    isEmpty &= !Files.exists(one, LinkOption.NOFOLLOW_LINKS);
                }
            }
            if (isEmpty) {
                Files.deleteIfExists(lock);
                Files.deleteIfExists(folder);
            }
        } catch (IOException | DirectoryIteratorException e) {
            // somebody makes files in it, or removes it too
        }
    }

    /** Removes what it can, and goes on where it cannot. */
    private static final class Removal extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            return removed(file);
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return removed(file); // maybe an empty folder that cannot be read
        }

        @Override
        public FileVisitResult postVisitDirectory(Path one, @Nullable IOException failure) {
            return removed(one);
        }

        private static FileVisitResult removed(Path one) {
            try {
                Files.deleteIfExists(one);
            } catch (IOException e) {
                // what is left is seen later
            }
            return FileVisitResult.CONTINUE;
        }
    }
}
