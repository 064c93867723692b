package dev.sennit.server.servlet;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A folder in which a worker has its copy of a WAR, and what clients upload. Only this user can enter it. The worker
 * holds a lock in it while it lives: the next worker that makes such a folder removes those of workers that were
 * killed.
 *
 * <p>The system's locks belong to the process, which loses them when it closes any descriptor of the file. So no lock
 * file of this JVM's own folders is ever opened again: {@link #OWN} knows them.
 */
final class WarFolder implements AutoCloseable {
    private static final String PREFIX = "sennit-war-";
    private static final String LOCK = "lock";

    /** The folders of this JVM, from before they have their names until after their end. */
    private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

    private final Path folder;
    /** Kept, as the JDK knows it weakly. */
    private final FileLock lock;

    private WarFolder(Path folder, FileLock lock) {
        this.folder = folder;
        this.lock = lock;
    }

    static WarFolder create() throws IOException {
        return create(Path.of(System.getProperty("java.io.tmpdir")));
    }

    static WarFolder create(Path among) throws IOException {
        Path real = among.toRealPath(); // each folder has one name in OWN
        removeOfTheDead(real);
        // Locked before it has its name, so that no other worker takes it for one of the dead.
        Path unnamed = Files.createTempDirectory(real, ".sennit-new-war-");
        String random = unnamed.getFileName().toString();
        Path named = real.resolve(PREFIX + random.substring(random.lastIndexOf('-') + 1));
        FileChannel channel = null;
        try {
            channel = FileChannel.open(unnamed.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            FileLock lock = Objects.requireNonNull(channel.lock());
            Files.createDirectory(unnamed.resolve("work"));
            OWN.add(named);
            return new WarFolder(Files.move(unnamed, named), lock);
        } catch (IOException | RuntimeException | Error e) {
            if (channel != null) {
                channel.close();
            }
            remove(unnamed);
            OWN.remove(named);
            throw e;
        }
    }

    /** Returns the folder for the copy. */
    Path work() {
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

    private static void removeOfTheDead(Path among) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(among, PREFIX + "*")) {
            for (Path one : folders) {
                if (!OWN.contains(one) && Files.isDirectory(one, LinkOption.NOFOLLOW_LINKS)) {
                    removeIfDead(one);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // the next worker tries again
        }
    }

    private static void removeIfDead(Path folder) {
        try (FileChannel lock =
                FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                var taken = lock.tryLock()) {
            if (taken != null) {
                remove(folder);
            }
        } catch (IOException | java.nio.channels.OverlappingFileLockException e) {
            // it is another user's, or of this JVM, or somebody else removes it
        }
    }

    /** Follows no symbolic link: what one points to is not in the folder. */
    private static void remove(Path folder) {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path one, @Nullable IOException failure) throws IOException {
                    Files.deleteIfExists(one);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            // somebody makes files in it, or removes it too
        }
    }
}
