package dev.sennit.pipe;

import java.io.IOException;
import java.io.StreamCorruptedException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What has come to a {@link Connection} and has not been taken. Of one thread at a time. */
final class IncomingMessages {
    private static final int BUFFER = 1 << 13;
    /** How much is allocated before any of it has arrived: a header that lies cannot ask for gigabytes. */
    private static final int FIRST_ALLOCATION = 1 << 20;

    private final String pipe;
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    /** Of the message that is coming: there when length >= 0. */
    private byte kind;

    private int length = -1;
    private byte[] bytes = {};
    private int have;
    private @Nullable IOException ended;

    IncomingMessages(String pipe) {
        this.pipe = pipe;
    }

    /** Looks at a message before it is taken; what it throws leaves the message where it is. */
    interface Check {
        void accept(byte kind, int length);
    }

    /** Nothing more will come; why is what {@link #take} throws. */
    void end(IOException why) {
        ended = why;
    }

    boolean isOver() {
        return ended != null;
    }

    /** Whether some of a message is here. */
    boolean hasBegun() {
        return length >= 0 || buffer.hasRemaining();
    }

    /** Uses what has been read; whether a message is all there. */
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
            int count = Math.min(buffer.remaining(), room()); // first: it may make a new array
            buffer.get(bytes, have, count);
            have += count;
        }
        return have == length;
    }

    /** How much fits; at least 1, if some is missing. */
    private int room() {
        if (have == bytes.length) {
            bytes = Arrays.copyOf(bytes, (int) Math.min(length, 2L * have));
        }
        return bytes.length - have;
    }

    /** Reads what is there, when the buffer holds nothing that could be used. */
    int read(SocketChannel from) throws IOException {
        if (length >= 0 && length - have >= BUFFER) {
            int most = Math.min(room(), PipeMessage.PIECE); // first: it may make a new array
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

    /** Takes the message that is complete; or says why none will be. */
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
