package dev.sennit.shared;

import java.io.Serial;
import java.lang.foreign.MemorySegment;

/** The common part of numbers in shared memory: their place. */
abstract sealed class SharedNumber extends Number implements AutoCloseable permits SharedLong, SharedInt, SharedDouble {
    @Serial
    private static final long serialVersionUID = 1L;

    final Place place;
    final transient MemorySegment segment;

    SharedNumber(Place place) {
        this.place = place;
        this.segment = place.segment();
    }

    /**
     * Returns the block that contains it.
     *
     * @return the block that was made for it, or in which it was placed
     */
    public SharedMemory memory() {
        return place.memory();
    }

    /**
     * Returns its place in the block.
     *
     * @return the bytes from the block's start
     */
    public long offset() {
        return place.offset();
    }

    /**
     * Frees the block that was made for it, as {@link SharedMemory#close} does. Does nothing if it was placed in
     * another block.
     */
    @Override
    public void close() {
        place.close();
    }
}
