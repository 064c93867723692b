package dev.sennit.images;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
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
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is being written, in the folder of the one it will be; deleted when it is closed before it was {@linkplain
 * #moveTo moved}.
 *
 * <p>Its process has a lock on it, which the system takes back when the process ends, however it ends: that tells the dead ones,
 * also from another container with process numbers of its own. Whoever removes dead ones locks them first, so two things can
 * happen between the making of a file and its lock: somebody else has the lock, or has removed the file. In both cases its maker
 * makes another. Where there are no locks, none is removed.
 *
 * <p>On Unix a process loses its lock on a file when it closes any channel to it. So nobody opens those of this JVM: {@link #OURS}.
 */
final class PartFile implements Closeable {
    private static final String BEGIN = ".sennit-";
    private static final String END = ".part";
    private static final int MOST_TRIES = 100;

    /** The names, which are unique in any folder. */
    private static final Set<String> OURS = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final String name;
    private final FileChannel channel;
    private long size;
    private boolean moved;

    private PartFile(Path path, String name, FileChannel channel) {
        this.path = path;
        this.name = name;
        this.channel = channel;
    }

    static PartFile create(Path folder) throws IOException {
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            String name = BEGIN + ProcessHandle.current().pid() + "-"
                    + Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), 36) + END;
            Path path = folder.resolve(name);
            OURS.add(name);
            FileChannel channel = null;
            boolean kept = false;
            try {
                channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                if (isOurs(channel) && Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                    kept = true;
                    return new PartFile(path, name, channel);
                }
            } catch (FileAlreadyExistsException e) {
                // another name, then
            } catch (IOException e) {
                throw new IOException(
                        "cannot write into folder " + Printable.text(folder.toString()) + ": " + Printable.reason(e)
                                + "; make it writable, or choose another",
                        e);
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
        throw new IOException("cannot write into folder " + Printable.text(folder.toString())
                + ": somebody removes what is made there; choose another");
    }

    private static boolean isOurs(FileChannel channel) {
        try {
            return channel.tryLock() != null;
        } catch (IOException e) {
            return true; // there are no locks here, so nobody else got one
        }
    }

    /** Removes those of processes that have ended. What cannot be looked at stays. */
    static void removeDead(Path folder) {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, BEGIN + "*" + END)) {
            for (Path part : parts) {
                // A pipe of that name would let its opener wait.
                if (!OURS.contains(String.valueOf(part.getFileName()))
                        && Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)) {
                    removeIfDead(part);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // then they stay
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
            // somebody else's, or moved meanwhile
        }
    }

    void write(ByteBuffer bytes) throws IOException, InterruptedException {
        try {
            while (bytes.hasRemaining()) {
                size += channel.write(bytes);
            }
        } catch (IOException e) {
            throw failed(path, e);
        }
    }

    long size() {
        return size;
    }

    /** Forgets what was written. */
    void restart() throws IOException, InterruptedException {
        try {
            channel.truncate(0);
            size = 0;
        } catch (IOException e) {
            throw failed(path, e);
        }
    }

    /** Returns when what was written would survive a loss of power. */
    void force() throws IOException, InterruptedException {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw failed(path, e);
        }
    }

    /** The same for the names in a folder, where the system can. */
    static void forceFolder(Path folder) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows cannot, and need not
        }
    }

    /**
     * Gives it its name, in one step.
     *
     * @return false if there is a file of that name and it stays
     */
    boolean moveTo(Path target, OutputFolder.Existing existing) throws IOException, InterruptedException {
        try {
            if (existing == OutputFolder.Existing.REPLACE) {
                replace(target);
            } else {
                add(target);
            }
            moved = true;
            return true;
        } catch (FileAlreadyExistsException e) {
            if (existing == OutputFolder.Existing.KEEP) {
                return false;
            }
            throw new IOException(
                    "cannot write " + Printable.text(target.toString())
                            + ": it exists; keep or replace it, or choose another folder",
                    e);
        } catch (IOException e) {
            throw failed(target, e);
        }
    }

    private void replace(Path target) throws IOException {
        try {
            Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(path, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** An atomic move replaces what is there; a second name for the file cannot. */
    private void add(Path target) throws IOException {
        try {
            Files.createLink(target, path);
            Files.delete(path);
        } catch (FileAlreadyExistsException e) {
            throw e;
        } catch (UnsupportedOperationException | FileSystemException e) {
            Files.move(path, target); // there are no links here
        }
    }

    private static IOException failed(Path file, IOException failure) throws InterruptedException {
        if (failure instanceof ClosedByInterruptException) {
            Thread.interrupted(); // as whatever throws this does
            throw new InterruptedException("while writing " + file);
        }
        return new IOException(
                "cannot write " + Printable.text(file.toString()) + ": " + Printable.reason(failure)
                        + "; make room or choose another folder",
                failure);
    }

    /** Deletes it unless it has been moved. While it is deleted it is locked. */
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

    /** The folder that the file of a path is in. */
    static Path folderOf(Path file) {
        return Objects.requireNonNull(file.toAbsolutePath().getParent(), "the root is no file");
    }
}
