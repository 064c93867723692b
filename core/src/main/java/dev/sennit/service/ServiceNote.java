package dev.sennit.service;

import dev.sennit.internal.view.WorkerFigures;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A message between a worker and its manager: a kind, and a number, which is zero for most kinds.
 *
 * <pre>
 * byte kind, long number
 * byte FIGURES, WorkerFigures
 * </pre>
 */
record ServiceNote(Kind kind, long number) {
    /** The order is that of the bytes on the wire. */
    enum Kind {
        /** From the worker: the service is ready. */
        READY,
        /** From the worker: a heartbeat. */
        HEARTBEAT,
        /** From the worker: the number of further pieces of work that it has done. */
        WORKED,
        /** From the manager: reload in place. */
        RELOAD,
        /** From the worker: it waits for its listener. */
        LISTENER,
        /** From the worker: its figures, in place of the number. */
        FIGURES
    }

    private static final int LENGTH = 1 + Long.BYTES;
    private static final Kind[] KINDS = Kind.values();

    static ServiceNote of(Kind kind) {
        return new ServiceNote(kind, 0);
    }

    byte[] bytes() {
        return ByteBuffer.allocate(LENGTH).put((byte) kind.ordinal()).putLong(number).array();
    }

    static byte[] ofFigures(WorkerFigures figures) {
        byte[] all = figures.bytes();
        return ByteBuffer.allocate(1 + all.length).put((byte) Kind.FIGURES.ordinal()).put(all).array();
    }

    static boolean isFigures(byte[] bytes) {
        return bytes.length > 0 && bytes[0] == Kind.FIGURES.ordinal();
    }

    /** Reads the figures of a note; returns null if they are none. */
    static @Nullable WorkerFigures figures(byte[] bytes) {
        return WorkerFigures.read(bytes, 1);
    }

    /** Reads a note; returns null if the bytes are not a note. */
    static @Nullable ServiceNote read(byte[] bytes) {
        if (bytes.length != LENGTH || isFigures(bytes) || bytes[0] < 0 || bytes[0] >= KINDS.length) {
            return null;
        }
        long number = ByteBuffer.wrap(bytes).getLong(1);
        return number < 0 ? null : new ServiceNote(KINDS[bytes[0]], number);
    }
}
