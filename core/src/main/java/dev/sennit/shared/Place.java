package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Where something shared lies: what travels of it, checked where it is made and where it arrives.
 *
 * @param memory the block
 * @param offset its first byte there
 * @param bytes its length
 * @param whole whether the block was made for it, and is closed with it
 */
record Place(SharedMemory memory, long offset, long bytes, boolean whole) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    Place {
        Objects.checkFromIndexSize(offset, bytes, memory.size());
    }

    /** A new block for it. */
    static Place create(long bytes) {
        return new Place(SharedMemory.create(Math.max(bytes, 1)), 0, bytes, true);
    }

    /** A part of somebody's block, aligned as atomic access needs it. */
    static Place in(SharedMemory memory, long offset, long bytes, int alignment) {
        if (offset % alignment != 0) {
            throw new IllegalArgumentException("offset must be a multiple of " + alignment + ", was " + offset);
        }
        return new Place(memory, offset, bytes, false);
    }

    MemorySegment segment() {
        return memory.segment().asSlice(offset, bytes);
    }

    void close() {
        if (whole) {
            memory.close();
        }
    }
}
