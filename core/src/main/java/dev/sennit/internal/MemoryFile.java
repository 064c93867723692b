package dev.sennit.internal;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory that several processes may map, and that the system frees with the last of them: it has no name in any file
 * system, so a crash cannot leave it behind. Its size cannot change.
 *
 * <p>Another process of the same user opens it through {@link #path}, while this object is open. Mappings stay valid
 * after it is closed. Needs {@link Linux#isAvailable}.
 */
public final class MemoryFile implements AutoCloseable {
    private static final String PREFIX = "sennit-";
    /** How the link to such a file in /proc begins. A file of another kind may be called so too, but has no seals. */
    private static final String LINK = "/memfd:" + PREFIX;

    private final int descriptor;
    private final long size;
    private final AtomicBoolean closed = new AtomicBoolean();

    private MemoryFile(int descriptor, long size) {
        this.descriptor = descriptor;
        this.size = size;
    }

    /**
     * Creates a memory file, filled with zeros. Pages that no process has touched take no memory.
     *
     * @param name for people, as shown by {@code /proc/PID/maps} after {@code sennit-}; need not be unique
     * @param size bytes
     * @return the file
     * @throws IOException when the system has no descriptor for it
     */
    public static MemoryFile create(String name, long size) throws IOException {
        return new MemoryFile(Linux.createMemoryFile(PREFIX + name, size), size);
    }

    /**
     * Returns the path by which another process opens it.
     *
     * @return a path below /proc
     */
    public Path path() {
        return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor);
    }

    /**
     * Returns its file descriptor in this process: the last part of {@link #path}.
     *
     * @return a number that may be another file's after this is closed
     */
    public int descriptor() {
        return descriptor;
    }

    /**
     * Maps it in this process.
     *
     * @param arena the lifetime of the mapping
     * @return the memory
     * @throws IOException when it is closed, or there is no room in the address space
     */
    public MemorySegment map(Arena arena) throws IOException {
        return map(path(), size, arena);
    }

    /**
     * Maps a part of it in this process.
     *
     * @param offset where the part begins; a multiple of the page size
     * @param length bytes
     * @param arena the lifetime of the mapping
     * @return the memory
     * @throws IOException when it is closed, or there is no room in the address space
     */
    public MemorySegment map(long offset, long length, Arena arena) throws IOException {
        return map(path(), size, offset, length, arena);
    }

    /**
     * Maps a file of another process. Not interruptible; the interrupt status stays.
     *
     * @param path the {@link #path} in the other process
     * @param size its size
     * @param arena the lifetime of the mapping
     * @return the memory
     * @throws NotAMemoryFileException when it is a file of another kind, which is not opened
     * @throws IOException when the other process has ended, or has closed the file, or the file has another size
     */
    public static MemorySegment map(Path path, long size, Arena arena) throws IOException {
        return map(path, size, 0, size, arena);
    }

    /**
     * Maps the file, and repeats that when an interrupt closes the channel: mapping is too short to be interruptible.
     */
    private static MemorySegment map(Path path, long size, long offset, long length, Arena arena) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return mapOnce(path, size, offset, length, arena);
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

    private static MemorySegment mapOnce(Path path, long size, long offset, long length, Arena arena)
            throws IOException {
        String name = Files.readSymbolicLink(path).toString();
        if (!name.startsWith(LINK)) {
            throw new NotAMemoryFileException(path, "it is " + name);
        }
        if (!Linux.isSupported()) { // then its seals cannot be checked
            if (!Files.isRegularFile(path)) {
                throw new NotAMemoryFileException(path, "no regular file");
            }
            return mapChecked(path, path, size, offset, length, arena);
        }
        int descriptor = Linux.openMemoryFile(path);
        try {
            return mapChecked(path, Linux.pathOf(descriptor), size, offset, length, arena);
        } finally {
            Linux.close(descriptor);
        }
    }

    private static MemorySegment mapChecked(Path path, Path here, long size, long offset, long length, Arena arena)
            throws IOException {
        try (FileChannel channel = FileChannel.open(here, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (channel.size() != size) { // the number may be reused; mapping beyond the end enlarges a file
                throw new IOException(path + " is not the memory file of " + size + " bytes that it was");
            }
            return channel.map(FileChannel.MapMode.READ_WRITE, offset, length, arena);
        }
    }

    /** Thrown when a descriptor is not that of a memory file. */
    public static final class NotAMemoryFileException extends IOException {
        private static final long serialVersionUID = 1L;

        NotAMemoryFileException(Path path, String found) {
            super(path + " is no memory file of this library: " + found);
        }
    }

    /** Closes the file: no other process can open it any more. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Linux.close(descriptor);
        }
    }
}
