package dev.sennit.images.internal.files;

import dev.sennit.images.internal.text.Printable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is being written, in the folder of its target. Closing it deletes it unless it was
 * {@linkplain #replace moved}.
 *
 * <p>Its process holds a lock on it, which the system releases when the process ends, however it ends: so the part
 * files of dead processes can be told, also from another container with its own process ids. A process that removes
 * dead part files locks them first. So between the creation of a file and its locking, another process may lock or
 * remove the file; then its creator makes another. On file systems without locks, no part file is removed.
 *
 * <p>On Unix a process loses its lock on a file when it closes any channel to the file. So this JVM never opens its own
 * part files again: {@link #OURS}.
 */
public final class PartFile implements Closeable {
    private static final String BEGIN = ".sennit-";
    private static final String END = ".part";
    private static final int MOST_TRIES = 100;

    /** The names of this JVM's part files, which are unique in any folder. */
    private static final Set<String> OURS = ConcurrentHashMap.newKeySet();

    private final Path target;
    private final Path path;
    private final String name;
    private final FileChannel channel;
    private long size;
    private boolean moved;

    private PartFile(Path target, Path path, String name, FileChannel channel) {
        this.target = target;
        this.path = path;
        this.name = name;
        this.channel = channel;
    }

    /** Creates a part file for a target. */
    public static PartFile create(Path target) throws IOException, InterruptedException {
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            String name = BEGIN + ProcessHandle.current().pid() + "-"
                    + Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), 36) + END;
            Path path = target.resolveSibling(name);
            OURS.add(name);
            FileChannel channel = null;
            boolean kept = false;
            try {
                channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                if (isOurs(channel) && Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                    kept = true;
                    return new PartFile(target, path, name, channel);
                }
            } catch (FileAlreadyExistsException e) {
                // try another name
            } catch (IOException e) {
                throw failed(target, e);
            } finally {
                if (!kept) {
                    OURS.remove(name);
                    if (channel != null) {
                        channel.close();
                        Files.deleteIfExists(path);
                    }
                }
            }
        }
        throw failed(target, new IOException("somebody removes what is made in its folder"));
    }

    private static boolean isOurs(FileChannel channel) {
        try {
            return channel.tryLock() != null;
        } catch (IOException e) {
            return true; // there are no locks here, so no other process has one
        }
    }

    /** Removes the part files of dead processes. Files that cannot be checked stay. */
    public static void removeDead(Path folder) {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, BEGIN + "*" + END)) {
            for (Path part : parts) {
                // Opening a named pipe would block.
                if (!OURS.contains(String.valueOf(part.getFileName()))
                        && Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)) {
                    removeIfDead(part);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // the files stay
        }
    }

    private static void removeIfDead(Path part) throws IOException {
        try (FileChannel channel =
                FileChannel.open(part, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
                FileLock lock = channel.tryLock()) {
            if (lock != null) {
                Files.deleteIfExists(part);
            }
        } catch (ClosedByInterruptException e) {
            throw e;
        } catch (IOException | OverlappingFileLockException e) {
            // inaccessible, locked by this JVM, or moved meanwhile
        }
    }

    public void write(ByteBuffer bytes) throws IOException, InterruptedException {
        try {
            while (bytes.hasRemaining()) {
                size += channel.write(bytes);
            }
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    public long size() {
        return size;
    }

    /** Discards the bytes written. */
    public void restart() throws IOException, InterruptedException {
        try {
            channel.truncate(0);
            size = 0;
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    /** Waits until the bytes written would survive a loss of power. */
    public void force() throws IOException, InterruptedException {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    /** Waits until the names in a folder would survive a loss of power, where the system supports that. */
    public static void forceFolder(Path folder) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows does not support this, and does not need it
        }
    }

    /** Renames the file to its target, in one step; a file that is there already is replaced. */
    public void replace() throws IOException, InterruptedException {
        try {
            try {
                Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(path, target, StandardCopyOption.REPLACE_EXISTING);
            }
            moved = true;
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    /**
     * Renames the file to its target, in one step, unless the target exists.
     *
     * @return false if the target exists
     */
    public boolean add() throws IOException, InterruptedException {
        try {
            link();
            moved = true;
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    /** An atomic move would replace an existing file, a second link to the file cannot. */
    private void link() throws IOException {
        try {
            Files.createLink(target, path);
            Files.delete(path);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (UnsupportedOperationException | FileSystemException e) {
            Files.move(path, target); // no hard links here
        }
    }

    private static IOException failed(Path file, IOException failure) throws InterruptedException {
        if (failure instanceof ClosedChannelException && Thread.interrupted()) {
            throw new InterruptedException("while writing " + file);
        }
        return new IOException(
                "cannot write " + Printable.text(file.toString()) + ": " + Printable.reason(failure)
                        + "; see whether its folder is there, writable and not full",
                failure);
    }

    /** {@inheritDoc} Deletes the file unless it was moved, while it is still locked. */
    @Override
    public void close() throws IOException {
        try (channel) {
            if (!moved) {
                Files.deleteIfExists(path);
            }
        } finally {
            OURS.remove(name);
        }
    }
}
