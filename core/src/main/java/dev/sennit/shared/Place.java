package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * The place of a shared object in a block. A message carries this in place of the object; it is checked where it is
 * made and where it arrives.
 *
 * @param memory the block
 * @param offset of the first byte in the block
 * @param bytes the length
 * @param whole whether the block was made for the object, and is closed with it
 */
record Place(SharedMemory memory, long offset, long bytes, boolean whole) implements Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    Place {
        Objects.checkFromIndexSize(offset, bytes, memory.size());
    }

    /** Makes a new block for an object. */
    static Place create(long bytes) {
        return new Place(SharedMemory.create(Math.max(bytes, 1)), 0, bytes, true);
    }

    /** Returns a part of an existing block, aligned as atomic access needs it. */
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
