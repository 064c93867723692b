package dev.sennit.server.files;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;

/**
 * Bytes of a file on their way through Jetty. Jetty counts and frames buffers; it gets a buffer that is as long as the
 * region and has nothing in it, and where that comes out at the connection, the system sends the region instead.
 */
public final class FileRegion {
    /**
     * A selector's thread may be the one that goes on with a region, and waits for the disk if the system has not read
     * the bytes yet: this is how much it may wait for.
     */
    public static final int MOST_BYTES = 256 << 10;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(MOST_BYTES).asReadOnlyBuffer();

    private final FileChannel file;
    private final long from;
    private final ByteBuffer standIn;

    public FileRegion(FileChannel file, long from, int length) {
        this.file = file;
        this.from = from;
        standIn = NOTHING.duplicate().limit(length);
    }

    /** The buffer that stands for the region: its position is how much was sent. */
    public ByteBuffer standIn() {
        return standIn;
    }

    /**
     * Sends what the connection takes.
     *
     * @return how many bytes; 0 if it takes none now
     */
    public long sendTo(SocketChannel connection) throws IOException {
        long sum = 0;
        while (standIn.hasRemaining()) {
            long position = from + standIn.position();
            long sent = file.transferTo(position, standIn.remaining(), connection);
            if (sent == 0) {
                if (position >= file.size()) {
                    throw tooShort();
                }
                break;
            }
            standIn.position(standIn.position() + (int) sent);
            sum += sent;
        }
        return sum;
    }

    public static EOFException tooShort() {
        return new EOFException("a file became shorter while it was sent");
    }
}
