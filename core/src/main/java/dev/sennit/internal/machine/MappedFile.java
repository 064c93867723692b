package dev.sennit.internal.machine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * A file in a private folder of this process, which other processes of its user map: shared memory for systems without
 * unnamed memory files. {@link MemoryFolder} tells when the file is deleted.
 */
final class MappedFile implements Sharing.Block {
    private final Path file;
    private final long size;

    private MappedFile(Path file, long size) {
        this.file = file;
        this.size = size;
    }

    /** Creates a file, filled with zeros. Untouched parts take no space if the file system supports sparse files. */
    static MappedFile create(long size) throws IOException {
        Path file = MemoryFolder.newFile();
        boolean made = false;
        try (var empty = new RandomAccessFile(file.toFile(), "rw")) { // not a channel: the thread may be interrupted
            empty.setLength(size);
            made = true;
        } finally {
            if (!made) {
                MemoryFolder.delete(file);
            }
        }
        return new MappedFile(file, size);
    }

    @Override
    public String place() {
        return file.toString();
    }

    @Override
    public MemorySegment map(Arena arena) throws IOException {
        return mapUninterruptibly(file, size, arena);
    }

    /**
     * Maps it until the arena is closed: without native access Java cannot detect that all its segments are
     * unreachable.
     */
    @Override
    public MemorySegment mapUntilClosedOrLost(Arena users) throws IOException {
        return map(users);
    }

    @Override
    public void close() {
        MemoryFolder.delete(file);
    }

    /**
     * Maps a file that another process claims to have created.
     *
     * @param pid the process
     * @throws IOException if it does not exist, or is not a regular file of that size, of this user, in a private
     *     folder of that process
     */
    static MemorySegment map(long pid, Path file, long size, Arena arena) throws IOException {
        MemoryFolder.ensureIsFileOf(pid, file);
        BasicFileAttributes attributes =
                Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isRegularFile() || attributes.size() != size) {
            throw new IOException(file + " is no shared memory of " + size + " bytes");
        }
        return mapUninterruptibly(file, size, arena);
    }

    /**
     * Maps the file, and repeats that when an interrupt closes the channel: mapping is too short to be interruptible.
     */
    private static MemorySegment mapUninterruptibly(Path file, long size, Arena arena) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                    return channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
                } catch (ClosedByInterruptException e) {
                    interrupted = Thread.interrupted() || interrupted;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
