package dev.sennit.service;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a worker and its manager say to each other in a note: a kind, and a number that most kinds leave zero.
 *
 * <pre>
 * byte kind, long number
 * </pre>
 */
record ServiceNote(Kind kind, long number) {
    /** The order is that of the bytes on the wire. */
    enum Kind {
        /** From the worker: it is ready. */
        READY,
        /** From the worker: it lives. */
        HEARTBEAT,
        /** From the worker: it has done so many more pieces of work. */
        WORKED,
        /** From the manager: the service is reloaded in place. */
        RELOAD,
        /** From the worker: it waits for its listener. */
        LISTENER
    }

    private static final int LENGTH = 1 + Long.BYTES;
    private static final Kind[] KINDS = Kind.values();

    static ServiceNote of(Kind kind) {
        return new ServiceNote(kind, 0);
    }

    byte[] bytes() {
        return ByteBuffer.allocate(LENGTH).put((byte) kind.ordinal()).putLong(number).array();
    }

    /** Reads a note; returns null if it is none. */
    static @Nullable ServiceNote read(byte[] bytes) {
        if (bytes.length != LENGTH || bytes[0] < 0 || bytes[0] >= KINDS.length) {
            return null;
        }
        long number = ByteBuffer.wrap(bytes).getLong(1);
        return number < 0 ? null : new ServiceNote(KINDS[bytes[0]], number);
    }
}
