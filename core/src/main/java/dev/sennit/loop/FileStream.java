package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A file for coroutines: the loop's own threads read, write and close it, and only the coroutine that waits is
 * suspended.
 *
 * {@snippet :
 * import dev.sennit.loop.FileStream;
 * import java.nio.file.Path;
 *
 * try (FileStream log = FileStream.open(Path.of("server.log"))) {
 *     for (String line = log.readLine(10_000); line != null; line = log.readLine(10_000)) {
 *         if (line.contains("WARNING")) {
 *             System.out.println(line);
 *         }
 *     }
 * }
 * }
 *
 * <p>A file is a {@link ByteStream} in every respect: lines, time-outs, {@link ByteStream#transferTo transferTo} and
 * the rules for threads are the same. Reads and writes share one position. While a coroutine reads, or asks for
 * position or size, another coroutine that uses the file gets an {@link IllegalStateException}. Several may write: each
 * waits until those before it have written all of their bytes. A file has no other side: {@link #shutdownOutput} does
 * nothing.
 *
 * <h2>Threads</h2>
 *
 * <p>For this a loop has 4 threads more than there are processors, the same as for {@link EventLoop#offload}; further
 * operations wait for a free thread. A file is read ahead, up to 256 KiB at a time, so that short lines cost no change
 * of thread. For operations without a method here, such as move and delete, use
 * {@code offload(() -> Files.delete(path))}.
 *
 * <h2>What ends a wait</h2>
 *
 * <p>Cancelling, time-outs and {@link #close} end the wait of a coroutine at once. The system call that it waited for
 * may still go on: bytes that it reads stay in the stream for the next read, bytes that it writes go into the file, and
 * the next call throws its failure. The file's descriptor is released when that system call has ended. The loop closes
 * open files at its end.
 */
public final class FileStream extends ByteStream {
    private static final int FIFO = 0010000;
    private static final int TYPE_OF_FILE = 0170000;

    private final FileTransport file;

    // Only coroutines of the loop, in a turn:
    /** How many coroutines write or wait to write. */
    private int writers;

    /** Visits the files and folders that a {@link #walk walk} finds. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * Visits a file or folder, in the coroutine that walks. A folder comes before its content.
         *
         * @param path the file or folder
         * @param attributes its kind, size and times, as they were when its parent folder was read
         * @return whether to go on: {@code CONTINUE}; {@code SKIP_SUBTREE} leaves out the content of this folder,
         *     {@code SKIP_SIBLINGS} the rest of its parent folder; {@code TERMINATE} ends the walk
         * @throws IOException any failure; it ends the walk
         * @throws InterruptedException if the coroutine is cancelled
         */
        FileVisitResult visit(Path path, BasicFileAttributes attributes) throws IOException, InterruptedException;
    }

    private FileStream(EventLoop loop, FileTransport file, String name) {
        super(loop, file, name, null, null);
        this.file = file;
    }

    // ---- opening ----

    /**
     * Opens a file.
     *
     * @param path the file
     * @param options as for {@link FileChannel#open(Path, OpenOption...)}: none means {@code READ}; {@code CREATE},
     *     {@code APPEND} ...
     * @return the file, at its beginning
     * @throws NoSuchFileException if there is no such file
     * @throws FileSystemException if the system refuses it; or if it is a named pipe (FIFO) that is not opened for both
     *     reading and writing: opening would wait for the other side, and nothing could end that wait
     * @throws InterruptedException if the coroutine is cancelled; then nothing is left open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static FileStream open(Path path, OpenOption... options) throws IOException, InterruptedException {
        EventLoop loop = EventLoop.current();
        Set<OpenOption> wanted = new HashSet<>(List.of(options));
        FileChannel channel = Blocking.call(loop, () -> openNow(path, wanted), FileChannel::close);
        String name = "file " + path;
        var transport = new FileTransport(loop, channel, name, wanted.contains(StandardOpenOption.APPEND));
        var stream = new FileStream(loop, transport, name);
        if (!transport.belongs(stream)) {
            stream.close();
            throw new StreamClosedException(name + " cannot be opened: " + LoopSelector.ended(loop));
        }
        return stream;
    }

    private static FileChannel openNow(Path path, Set<OpenOption> options) throws IOException {
        boolean both = options.contains(StandardOpenOption.READ) && options.contains(StandardOpenOption.WRITE);
        if (!both && isPipe(path)) {
            throw new FileSystemException(path.toString(), null,
                    "is a named pipe: open it for both reading and writing");
        }
        return FileChannel.open(path, options);
    }

    private static boolean isPipe(Path path) throws IOException {
        try {
            return path.getFileSystem().supportedFileAttributeViews().contains("unix")
                    && ((int) Files.getAttribute(path, "unix:mode") & TYPE_OF_FILE) == FIFO;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    // ---- one at a time ----

    @Override
    void beginReading() throws StreamClosedException {
        if (writers > 0) {
            throw new IllegalStateException(this + " is being written to");
        }
        super.beginReading();
    }

    /**
     * Writes bytes at the position, or at the end of a file that was opened to append. Bytes that the operating system
     * has taken are in the file for all its readers; only {@link #force} makes sure that they survive a crash of the
     * machine.
     *
     * @param source what to write, from its position to its limit; the position tells how much was taken, also after a
     *     failure
     * @throws IOException if the system refuses it
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads
     */
    @Override
    public void write(ByteBuffer source) throws IOException, InterruptedException {
        ensureHere();
        Thread reader = reader();
        if (reader != null) {
            throw new IllegalStateException(this + " is being read by " + reader.getName());
        }
        writers++;
        try {
            super.write(source);
        } finally {
            writers--;
        }
    }

    @Override
    void beforeWriting(Deadline deadline) throws IOException, InterruptedException {
        file.settle("writing to", deadline);
        file.rewind(dropUnread());
    }

    // ---- positions ----

    /** An operation that runs while no other coroutine uses the file, and after bytes read ahead were dropped. */
    private interface Alone<T> {
        T call() throws IOException, InterruptedException;
    }

    private <T> T alone(String what, Alone<T> action) throws IOException, InterruptedException {
        beginReading();
        try {
            file.settle(what, Deadline.NEVER);
            file.rewind(dropUnread());
            return action.call();
        } finally {
            endReading();
        }
    }

    /**
     * Returns the position at which the next byte is read or written.
     *
     * @return the number of bytes from the beginning; for a pipe or terminal, the number of bytes read and written
     * @throws IOException if an operation whose wait was cancelled has failed
     * @throws InterruptedException if the coroutine is cancelled while such an operation goes on
     */
    public long position() throws IOException, InterruptedException {
        beginReading();
        try {
            file.settle("asking for the position of", Deadline.NEVER);
            return file.position() - unread();
        } finally {
            endReading();
        }
    }

    /**
     * Sets the position.
     *
     * @param position the number of bytes from the beginning; a write after the end fills the gap with zeros
     * @throws IOException if an operation whose wait was cancelled has failed
     * @throws InterruptedException if the coroutine is cancelled while such an operation goes on
     */
    public void position(long position) throws IOException, InterruptedException {
        ensureNotNegative("position", position);
        alone("setting the position of", () -> {
            file.position(position);
            return true;
        });
    }

    /**
     * Returns the size of the file.
     *
     * @return how many bytes
     * @throws IOException if the system cannot tell
     * @throws InterruptedException if the coroutine is cancelled
     */
    public long size() throws IOException, InterruptedException {
        return alone("asking for the size of", file::size);
    }

    /**
     * Truncates the file. A position after its new end becomes that end.
     *
     * @param size how many bytes to keep; nothing happens if there are fewer
     * @throws IOException if the system refuses it
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void truncate(long size) throws IOException, InterruptedException {
        ensureNotNegative("size", size);
        alone("truncating", () -> {
            file.truncate(size);
            return true;
        });
    }

    /**
     * Waits until all written bytes are on the disk.
     *
     * @param metadata whether to write the file's metadata as well, such as its times
     * @throws IOException if the system reports a failure
     * @throws InterruptedException if the coroutine is cancelled
     */
    public void force(boolean metadata) throws IOException, InterruptedException {
        alone("forcing", () -> {
            file.force(metadata);
            return true;
        });
    }

    private static void ensureNotNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must be >= 0, was " + value);
        }
    }

    // ---- whole files ----

    /**
     * Reads a whole file.
     *
     * @param path the file
     * @param limit how many bytes it may have
     * @return its bytes
     * @throws InputTooLongException if the file has more
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static byte[] readAllBytes(Path path, int limit) throws IOException, InterruptedException {
        ensureNotNegative("limit", limit);
        return Blocking.call(EventLoop.current(), () -> readNow(path, limit), bytes -> {});
    }

    /**
     * Reads a whole file as UTF-8. Malformed bytes become U+FFFD.
     *
     * @param path the file
     * @param limit how many bytes it may have
     * @return its text
     * @throws InputTooLongException if the file has more
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static String readString(Path path, int limit) throws IOException, InterruptedException {
        return new String(readAllBytes(path, limit), StandardCharsets.UTF_8);
    }

    private static byte[] readNow(Path path, int limit) throws IOException {
        try (FileChannel channel = openNow(path, Set.of(StandardOpenOption.READ))) {
            // one more byte than the file has, to see its end; files of the kernel, as in /proc, report size 0
            byte[] bytes =
                    new byte[(int) Math.min(Math.max(channel.size(), 511) + 1, limit + 1L > MOST ? MOST : limit + 1L)];
            int size = 0;
            while (true) {
                int count = channel.read(ByteBuffer.wrap(bytes, size, bytes.length - size));
                if (count < 0) {
                    return Arrays.copyOf(bytes, size);
                }
                size += count;
                if (size > limit) {
                    throw new InputTooLongException("file " + path + ": it is longer than " + limit + " bytes");
                }
                if (size == bytes.length) {
                    bytes = Arrays.copyOf(bytes, (int) Math.min(2L * size, Math.min(limit + 1L, MOST)));
                }
            }
        }
    }

    /** The longest array. */
    private static final int MOST = Integer.MAX_VALUE - 8;

    /**
     * Writes a whole file.
     *
     * @param path the file
     * @param bytes the content
     * @param options as for {@link Files#write(Path, byte[], OpenOption...)}: none means {@code CREATE} and
     *     {@code TRUNCATE_EXISTING}; {@code CREATE} and {@code APPEND} to append. {@code WRITE} is always added
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled; the file may still be written, in part or as a whole
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void writeAllBytes(Path path, byte[] bytes, OpenOption... options)
            throws IOException, InterruptedException {
        Set<OpenOption> wanted = new HashSet<>(options.length > 0
                ? List.of(options)
                : List.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING));
        wanted.add(StandardOpenOption.WRITE);
        byte[] copy = bytes.clone(); // the write may outlast this call
        Blocking.call(
                EventLoop.current(),
                () -> {
                    try (FileChannel channel = openNow(path, wanted)) {
                        for (ByteBuffer rest = ByteBuffer.wrap(copy); rest.hasRemaining();) {
                            channel.write(rest);
                        }
                        return true;
                    }
                },
                written -> {});
    }

    /**
     * Writes a whole file in UTF-8, as {@link #writeAllBytes} does.
     *
     * @param path the file
     * @param text the content
     * @param options as for {@link #writeAllBytes}
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled; the file may still be written, in part or as a whole
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void writeString(Path path, String text, OpenOption... options)
            throws IOException, InterruptedException {
        writeAllBytes(path, text.getBytes(StandardCharsets.UTF_8), options);
    }

    /**
     * Visits a folder and its content, down to some depth. Links are not followed. At most 256 names of each open
     * folder are held in memory.
     *
     * {@snippet :
     * import dev.sennit.loop.FileStream;
     * import java.nio.file.FileVisitResult;
     * import java.nio.file.Path;
     *
     * long[] bytes = {0};
     * FileStream.walk(Path.of("."), 10, (path, attributes) -> {
     *     bytes[0] += attributes.size();
     *     return path.endsWith(".git") ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
     * });
     * }
     *
     * @param start the first file or folder; it is visited too
     * @param depth how many folders deep to go; 0 is the start alone
     * @param visitor called for each file and folder, in the calling coroutine; it may wait
     * @throws NoSuchFileException if there is no such start; a file that is deleted meanwhile is left out
     * @throws IOException if a folder cannot be read, or if the visitor throws it
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void walk(Path start, int depth, Visitor visitor) throws IOException, InterruptedException {
        ensureNotNegative("depth", depth);
        Objects.requireNonNull(visitor, "visitor");
        new FileWalk(EventLoop.current(), depth, visitor).from(start);
    }
}
