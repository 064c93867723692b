package dev.sennit.server.servlet;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * A folder in which a worker has its copy of a WAR, and what clients upload. Only this user can enter it. The worker
 * holds a lock in it while it lives: the next worker that makes such a folder removes those of workers that were
 * killed.
 */
final class WarFolder implements AutoCloseable {
    private static final String PREFIX = "sennit-war-";
    private static final String LOCK = "lock";

    private final Path folder;
    private final FileChannel lock;

    private WarFolder(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    static WarFolder create() throws IOException {
        return create(Path.of(System.getProperty("java.io.tmpdir")));
    }

    static WarFolder create(Path among) throws IOException {
        removeOfTheDead(among);
        // Locked before it has its name, so that no other worker takes it for one of the dead.
        Path unnamed = Files.createTempDirectory(among, ".sennit-new-war-");
        FileChannel lock = null;
        try {
            lock = FileChannel.open(unnamed.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            lock.lock();
            Files.createDirectory(unnamed.resolve("work"));
            String name = unnamed.getFileName().toString();
            Path named = among.resolve(PREFIX + name.substring(name.lastIndexOf('-') + 1));
            return new WarFolder(Files.move(unnamed, named), lock);
        } catch (IOException | RuntimeException | Error e) {
            if (lock != null) {
                lock.close();
            }
            remove(unnamed);
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
            lock.close();
        } catch (IOException e) {
            // its file is gone
        }
    }

    private static void removeOfTheDead(Path among) {
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(among, PREFIX + "*")) {
            for (Path one : folders) {
                if (Files.isDirectory(one, LinkOption.NOFOLLOW_LINKS)) {
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
