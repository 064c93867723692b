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
 * A file, for coroutines: it is read, written and closed by threads of the loop's own, and only the coroutine that waits for it is
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
 * <p>It is a {@link ByteStream} to its end: lines, time-outs, {@link ByteStream#transferTo transferTo} and the rules of who may use it
 * are the same. Reading and writing share one position. While a coroutine reads or asks for something, another that uses the file
 * gets an {@link IllegalStateException}; of several that write each goes on when those before it have written all of theirs. A file
 * has no other side: {@link #shutdownOutput} does nothing.
 *
 * <h2>Threads</h2>
 *
 * <p>A loop has 4 threads more than there are processors for this, the same as for {@link EventLoop#offload}; what comes on top of that
 * waits. A file is read ahead, up to 256 KiB at a time, so that short lines cost no change of thread. For what this class has no method for
 * - moving, deleting, asking for attributes - there is {@code offload(() -> Files.delete(path))}.
 *
 * <h2>What ends a wait</h2>
 *
 * <p>Cancelling, time-outs and {@link #close} end the wait of a coroutine at once. The call of the system that it waited for may still
 * go on: bytes that it reads stay in the stream for the next read, bytes that it writes go into the file, and its failure is told to
 * the next call. The file's descriptor is given back when that call has ended. What was not closed is closed at the end of the loop.
 */
public final class FileStream extends ByteStream {
    private static final int FIFO = 0010000;
    private static final int TYPE_OF_FILE = 0170000;

    private final FileTransport file;

    // Only coroutines of the loop, in a turn:
    /** How many write, or wait to. */
    private int writers;

    /** Looks at what a {@link #walk walk} finds. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * Looks at a file or folder, in the coroutine that walks. A folder comes before what is in it.
         *
         * @param path the file or folder
         * @param attributes its kind, size and times, at the time when the folder above it was read
         * @return whether to go on: {@code CONTINUE}; {@code SKIP_SUBTREE} leaves out what is in this folder, {@code SKIP_SIBLINGS} the
         *     rest of the folder above it; {@code TERMINATE} ends the walk
         * @throws IOException whatever goes wrong; it ends the walk
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
     * @param path which
     * @param options as for {@link FileChannel#open(Path, OpenOption...)}: {@code READ} if there are none; {@code CREATE}, {@code APPEND}
     *     ...
     * @return the file, at its beginning
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException if the system refuses it; or if it is a named pipe (FIFO) and not opened for both reading and
     *     writing, which would wait for the other side in a way that nothing can end
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
            throw new FileSystemException(path.toString(), null, "is a named pipe: open it for both reading and writing");
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
     * Writes bytes at the position, or at the end of a file that was opened to append. Those that have been handed to the system are in
     * the file, for all who read it; that a crash of the machine leaves them there, only {@link #force} says.
     *
     * @param source what to write, from its position to its limit; the position tells how much was taken, also when this fails
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

    /** What is done while no other coroutine uses the file, and nothing that was read ahead is left. */
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
     * Where the next byte is read or written.
     *
     * @return how many bytes from the beginning; how many were read or written, where there is no beginning
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
     * Goes to another position.
     *
     * @param position how many bytes from the beginning; a write after the end fills the gap with zeros
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
     * How long the file is.
     *
     * @return how many bytes
     * @throws IOException if the system does not say
     * @throws InterruptedException if the coroutine is cancelled
     */
    public long size() throws IOException, InterruptedException {
        return alone("asking for the size of", file::size);
    }

    /**
     * Cuts the file off. A position after its new end becomes that end.
     *
     * @param size how many bytes stay; nothing happens if there are fewer
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
     * Waits until what was written is on the disk.
     *
     * @param metadata whether the file's times and such as well
     * @throws IOException if the system says that it is not
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
     * Reads a file.
     *
     * @param path which
     * @param limit how many bytes it may have
     * @return its bytes
     * @throws InputTooLongException if it has more
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static byte[] readAllBytes(Path path, int limit) throws IOException, InterruptedException {
        ensureNotNegative("limit", limit);
        return Blocking.call(EventLoop.current(), () -> readNow(path, limit), bytes -> {});
    }

    /**
     * Reads a file of UTF-8. What is not UTF-8 becomes U+FFFD.
     *
     * @param path which
     * @param limit how many bytes it may have
     * @return its text
     * @throws InputTooLongException if it has more
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static String readString(Path path, int limit) throws IOException, InterruptedException {
        return new String(readAllBytes(path, limit), StandardCharsets.UTF_8);
    }

    private static byte[] readNow(Path path, int limit) throws IOException {
        try (FileChannel channel = openNow(path, Set.of(StandardOpenOption.READ))) {
            // one more than there are, to see the end; the size of a file that the system makes up is 0
            byte[] bytes = new byte[(int) Math.min(Math.max(channel.size(), 511) + 1, limit + 1L > MOST ? MOST : limit + 1L)];
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
     * Writes a file.
     *
     * @param path which
     * @param bytes what to write
     * @param options as for {@link Files#write(Path, byte[], OpenOption...)}: {@code CREATE}, {@code TRUNCATE_EXISTING} and {@code WRITE} if
     *     there are none, else with {@code WRITE} added to them; {@code CREATE} and {@code APPEND} to append
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled; the file may be written, in part or as a whole, nevertheless
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void writeAllBytes(Path path, byte[] bytes, OpenOption... options) throws IOException, InterruptedException {
        Set<OpenOption> wanted = new HashSet<>(options.length > 0
                ? List.of(options)
                : List.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING));
        wanted.add(StandardOpenOption.WRITE);
        byte[] copy = bytes.clone(); // the writing may outlast this call
        Blocking.call(
                EventLoop.current(),
                () -> {
                    try (FileChannel channel = openNow(path, wanted)) {
                        for (ByteBuffer rest = ByteBuffer.wrap(copy); rest.hasRemaining(); ) {
                            channel.write(rest);
                        }
                        return true;
                    }
                },
                written -> {});
    }

    /**
     * Writes a file in UTF-8, as {@link #writeAllBytes} does.
     *
     * @param path which
     * @param text what to write
     * @param options as for {@link #writeAllBytes}
     * @throws IOException as for {@link #open}
     * @throws InterruptedException if the coroutine is cancelled; the file may be written, in part or as a whole, nevertheless
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void writeString(Path path, String text, OpenOption... options) throws IOException, InterruptedException {
        writeAllBytes(path, text.getBytes(StandardCharsets.UTF_8), options);
    }

    /**
     * Looks at a folder and all that is in it, down to some depth. Links are not followed. At most 256 names of each folder on the way
     * are held here.
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
     * @param start where to begin; it is visited too
     * @param depth how many folders deep to go; 0 is the start alone
     * @param visitor looks at each, in the calling coroutine, which may wait in it
     * @throws NoSuchFileException if the start is not there; a file that goes away meanwhile is left out
     * @throws IOException if a folder cannot be read, or of the visitor
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static void walk(Path start, int depth, Visitor visitor) throws IOException, InterruptedException {
        ensureNotNegative("depth", depth);
        Objects.requireNonNull(visitor, "visitor");
        new FileWalk(EventLoop.current(), depth, visitor).from(start);
    }
}
