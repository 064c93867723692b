package dev.sennit.server.traffic;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file to which several processes append whole lines. It is opened again once it was renamed or removed, as rotation
 * does: so no signal is needed. One thread uses it.
 */
public final class LogFile implements AccessLog.Sink {
    private static final long LOOK_NANOS = 1_000_000_000;

    private final Path path;
    private final long lookNanos;
    private @Nullable FileChannel file;
    private @Nullable Object key;
    private long lookedAt;
    /** Whether the last line in the file has no end, as the disk was full. */
    private boolean isTorn;

    public LogFile(Path path) {
        this(path, LOOK_NANOS);
    }

    /**
     * Makes a file, which is opened when the first lines are written.
     *
     * @param lookNanos how often it looks whether the file is still there
     */
    public LogFile(Path path, long lookNanos) {
        this.path = path;
        this.lookNanos = lookNanos;
    }

    /** Returns standard output as a sink, which is never opened again. */
    public static AccessLog.Sink standardOutput() {
        PrintStream out = System.out;
        return lines -> {
            out.write(lines.array(), lines.arrayOffset() + lines.position(), lines.remaining());
            out.flush();
            if (out.checkError()) { // for good: a PrintStream does not tell whether it works again
                throw new IOException("standard output is closed");
            }
            lines.position(lines.limit());
        };
    }

    @Override
    public void write(ByteBuffer lines) throws IOException {
        FileChannel open = opened();
        if (isTorn) {
            writeAll(open, ByteBuffer.wrap(new byte[] {'\n'}));
            isTorn = false;
        }
        int before = lines.position();
        try {
            writeAll(open, lines); // one call of the system: what others append does not come between
        } finally {
            isTorn = lines.position() > before && lines.get(lines.position() - 1) != '\n';
        }
    }

    private static void writeAll(FileChannel open, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            open.write(bytes);
        }
    }

    private FileChannel opened() throws IOException {
        long now = System.nanoTime();
        FileChannel open = file;
        if (open != null && now - lookedAt >= lookNanos) {
            lookedAt = now;
            if (!Objects.equals(key, keyOf(path))) {
                file = null;
                isTorn = false;
                open.close();
                open = null;
            }
        }
        if (open == null) {
            Path folder = path.toAbsolutePath().getParent();
            if (folder != null && !Files.isDirectory(folder)) {
                Files.createDirectories(folder);
            }
            Object before = keyOf(path);
            if (before == null) {
                create(path);
                before = keyOf(path);
            }
            open = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
            file = open;
            key = before; // if it was rotated since, the next look finds another, and opens that
            lookedAt = now;
        }
        return open;
    }

    private static void create(Path path) throws IOException {
        try {
            Files.createFile(path);
        } catch (FileAlreadyExistsException e) {
            // another worker was faster
        }
    }

    /** Returns what tells one file from another; null if there is none. */
    private static @Nullable Object keyOf(Path path) throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return null;
        }
    }
}
