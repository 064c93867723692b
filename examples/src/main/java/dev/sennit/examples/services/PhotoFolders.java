package dev.sennit.examples.services;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where photographs lie, below the working directory. A photograph is a file in one folder at a time, and goes on by a
 * rename, which happens whole or not at all:
 *
 * <pre>
 * incoming -> thumbnails/work/ID-PID -> thumbnails/done | thumbnails/refused
 *    ^                |
 *    +----------------+  its worker has died
 * </pre>
 *
 * <p>Each worker has a folder of its own below {@code work}, and holds a lock on a file in it for as long as its
 * process lives. So a folder that can be locked belongs to nobody: unlike a process id, a lock is not used again. Who
 * makes, takes over or removes such a folder holds the lock of all of them meanwhile.
 */
final class PhotoFolders {
    static final Path INCOMING = Path.of("incoming");
    static final Path THUMBNAILS = Path.of("thumbnails");
    static final Path DONE = THUMBNAILS.resolve("done");
    static final Path REFUSED = THUMBNAILS.resolve("refused");
    static final Path WORK = THUMBNAILS.resolve("work");

    private static final Path LOCK_OF_ALL = THUMBNAILS.resolve(".lock");
    private static final String LOCK = ".lock";

    private PhotoFolders() {}

    static void make() throws IOException {
        for (Path folder : List.of(INCOMING, DONE, REFUSED, WORK)) {
            Files.createDirectories(folder);
        }
    }

    /** The files of a folder, but for hidden ones: those are not photographs, or not yet. */
    static List<Path> photosIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> !file.getFileName().toString().startsWith("."))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    static void move(Path file, Path folder) throws IOException {
        Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Returns to {@code incoming} what workers had when they died. */
    static void giveBack() throws IOException {
        try (FileChannel all = open(LOCK_OF_ALL);
                FileLock isFree = all.tryLock();
                Stream<Path> folders = Files.list(WORK)) {
            if (isFree == null) {
                return; // a worker starts or ends: the next time
            }
            for (Path folder : folders.filter(Files::isDirectory).toList()) {
                try (FileChannel lock = open(folder.resolve(LOCK));
                        FileLock isOurs = lock.tryLock()) {
                    if (isOurs != null) {
                        empty(folder);
                        Files.delete(folder.resolve(LOCK));
                        Files.delete(folder);
                    }
                }
            }
        }
    }

    private static void empty(Path folder) throws IOException {
        for (Path photo : photosIn(folder)) {
            Path name = photo.getFileName();
            boolean isReplaced = Files.exists(INCOMING.resolve(name));
            System.out.println(name + (isReplaced ? " refused: there is a newer one" : " given back"));
            move(photo, isReplaced ? REFUSED : INCOMING);
        }
        try (Stream<Path> parts = Files.list(folder)) {
            for (Path part : parts.filter(file -> !file.endsWith(LOCK)).toList()) {
                Files.delete(part);
            }
        }
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** The folder of a worker. */
    static final class Own implements AutoCloseable {
        final Path folder;
        private final FileChannel lock;

        private Own(Path folder, FileChannel lock) {
            this.folder = folder;
            this.lock = lock;
        }

        /** Makes the folder, or takes over that of a dead worker that had the same process id. */
        static Own make(int id) throws IOException {
            Path folder = WORK.resolve(id + "-" + ProcessHandle.current().pid());
            try (FileChannel all = open(LOCK_OF_ALL);
                    var _ = all.lock()) {
                Files.createDirectories(folder);
                FileChannel lock = open(folder.resolve(LOCK));
                lock.lock(); // as long as this process lives
                var own = new Own(folder, lock);
                empty(folder);
                return own;
            }
        }

        /** Removes the folder. */
        @Override
        public void close() throws IOException {
            try (FileChannel all = open(LOCK_OF_ALL);
                    var _ = all.lock();
                    lock) {
                empty(folder);
                Files.delete(folder.resolve(LOCK));
                Files.delete(folder);
            }
        }
    }
}
