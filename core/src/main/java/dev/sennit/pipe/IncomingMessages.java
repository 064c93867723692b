package dev.sennit.pipe;

import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The bytes that a {@link Connection} has received and not handed out. Used by one thread at a time. */
final class IncomingMessages {
    private static final int BUFFER = 1 << 13;
    /**
     * How much is allocated at most before any byte has arrived: a false length cannot make the reader allocate
     * gigabytes.
     */
    private static final int FIRST_ALLOCATION = 1 << 20;

    private final String pipe;
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    /** The kind of the message that is arriving; valid if length >= 0. */
    private byte kind;

    private int length = -1;
    private byte[] bytes = {};
    private int have;
    private @Nullable IOException ended;

    IncomingMessages(String pipe) {
        this.pipe = pipe;
    }

    /** Checks a message before it is taken; if the check throws, the message stays. */
    interface Check {
        void accept(byte kind, int length);
    }

    /** Notes that nothing more will come. {@link #take} then throws the reason. */
    void end(IOException why) {
        ended = why;
    }

    boolean isOver() {
        return ended != null;
    }

    /** Returns whether a part of a message is here. */
    boolean hasBegun() {
        return length >= 0 || buffer.hasRemaining();
    }

    /** Uses the bytes that were read. Returns whether a message is complete. */
    boolean isComplete() throws StreamCorruptedException {
        if (length < 0) {
            if (buffer.remaining() < PipeMessage.HEADER) {
                return false;
            }
            kind = buffer.get();
            int announced = buffer.getInt();
            if (kind != PipeMessage.OBJECT && kind != PipeMessage.BYTES || announced < 0) {
                throw new StreamCorruptedException("pipe " + pipe + " is broken: its other end sent a message of kind "
                        + kind + " and length " + announced);
            }
            bytes = new byte[Math.min(announced, FIRST_ALLOCATION)];
            have = 0;
            length = announced;
        }
        while (have < length && buffer.hasRemaining()) {
            int count = Math.min(buffer.remaining(), room()); // first, as it may make a new array
            buffer.get(bytes, have, count);
            have += count;
        }
        return have == length;
    }

    /** Returns how many bytes fit; at least 1 while some are missing. */
    private int room() {
        if (have == bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(length, 2L * have));
        }
        return bytes.length - have;
    }

    /** Reads the bytes that are there, when the buffer holds none that could be used. */
    int read(SocketChannel from) throws IOException {
        if (length >= 0 && length - have >= BUFFER) {
            int most = Math.min(room(), PipeMessage.PIECE); // first, as it may make a new array
            int count = from.read(ByteBuffer.wrap(bytes, have, most));
            have += Math.max(0, count);
            return count;
        }
        if (buffer.capacity() == 0) {
            buffer = ByteBuffer.allocate(BUFFER).limit(0);
        }
        buffer.compact();
        try {
            return from.read(buffer);
        } finally {
            buffer.flip();
        }
    }

    /** Takes the complete message, or throws why none will come. */
    PipeMessage take(Check check) throws IOException {
        if (ended instanceof StreamCorruptedException) {
            var again = new StreamCorruptedException(ended.getMessage());
            again.initCause(ended);
            throw again;
        }
        if (ended != null) {
            throw EndClaim.again(ended);
        }
        check.accept(kind, length);
        var taken = new PipeMessage(kind, bytes);
        length = -1;
        bytes = new byte[0];
        return taken;
    }
}
