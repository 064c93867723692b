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
 * Memory that several processes may map, and that is gone with the last of them: it has no name in any file system, so a
 * crash cannot leave it behind. Its size cannot change.
 *
 * <p>Another process of the same user opens it through {@link #path}, for as long as this object is open. What is mapped
 * then stays mapped, open or not. Needs {@link Linux#isAvailable}.
 */
public final class MemoryFile implements AutoCloseable {
    private static final String PREFIX = "sennit-";
    /** The name of such a file, as its process shows it, begins so. A file of another kind may too, but has no seals. */
    private static final String LINK = "/memfd:" + PREFIX;

    private final int descriptor;
    private final long size;
    private final AtomicBoolean closed = new AtomicBoolean();

    private MemoryFile(int descriptor, long size) {
        this.descriptor = descriptor;
        this.size = size;
    }

    /**
     * Makes one, filled with zeros. Pages that nobody touches take no memory.
     *
     * @param name what {@code /proc/PID/maps} shows after {@code sennit-}, for people; need not be unique
     * @param size bytes
     * @return the file
     * @throws IOException when the system has no descriptor for it
     */
    public static MemoryFile create(String name, long size) throws IOException {
        return new MemoryFile(Linux.createMemoryFile(PREFIX + name, size), size);
    }

    /**
     * Where another process finds it.
     *
     * @return a path below /proc
     */
    public Path path() {
        return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor);
    }

    /**
     * Its file descriptor in this process: the last part of {@link #path}.
     *
     * @return a number that is another file's once this is closed
     */
    public int descriptor() {
        return descriptor;
    }

    /**
     * Maps it here.
     *
     * @param arena how long
     * @return the memory
     * @throws IOException when it is closed, or there is no room in the address space
     */
    public MemorySegment map(Arena arena) throws IOException {
        return map(path(), size, arena);
    }

    /**
     * Maps a part of it here.
     *
     * @param offset where the part begins; a multiple of the page size
     * @param length bytes
     * @param arena how long
     * @return the memory
     * @throws IOException when it is closed, or there is no room in the address space
     */
    public MemorySegment map(long offset, long length, Arena arena) throws IOException {
        return map(path(), size, offset, length, arena);
    }

    /**
     * Maps a file of another process. Not interruptible; the interrupt status stays.
     *
     * @param path what {@link #path} said there
     * @param size its size
     * @param arena how long
     * @return the memory
     * @throws NotAMemoryFileException when it is a file of another kind, which has not been opened
     * @throws IOException when the other process is gone, or has closed it, or it is of another size
     */
    public static MemorySegment map(Path path, long size, Arena arena) throws IOException {
        return map(path, size, 0, size, arena);
    }

    /** An interrupt closes a channel that is used; to map takes too little time to be worth one, so it is done again. */
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

    private static MemorySegment mapOnce(Path path, long size, long offset, long length, Arena arena) throws IOException {
        String name = Files.readSymbolicLink(path).toString();
        if (!name.startsWith(LINK)) {
            throw new NotAMemoryFileException(path, "it is " + name);
        }
        if (!Linux.isSupported()) { // its seals cannot be seen from here
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
            if (channel.size() != size) { // another file has the number by now; to map more of it would make it grow
                throw new IOException(path + " is not the memory file of " + size + " bytes that it was");
            }
            return channel.map(FileChannel.MapMode.READ_WRITE, offset, length, arena);
        }
    }

    /** A descriptor that is said to be a memory file is something else. */
    public static final class NotAMemoryFileException extends IOException {
        private static final long serialVersionUID = 1L;

        NotAMemoryFileException(Path path, String found) {
            super(path + " is no memory file of this library: " + found);
        }
    }

    /** Lets nobody else open it. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Linux.close(descriptor);
        }
    }
}
