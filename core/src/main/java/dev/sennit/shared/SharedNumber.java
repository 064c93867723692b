package dev.sennit.shared;

import java.io.Serial;
import java.lang.foreign.MemorySegment;

/** What the numbers in shared memory have in common: where they lie. */
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
     * The block that it lies in.
     *
     * @return the one made for it, or the one it was placed in
     */
    public SharedMemory memory() {
        return place.memory();
    }

    /**
     * Where in the block it lies.
     *
     * @return bytes from the block's start
     */
    public long offset() {
        return place.offset();
    }

    /**
     * Frees the block that was made for it, as {@link SharedMemory#close} says; of one that was placed in somebody's
     * block, nothing.
     */
    @Override
    public void close() {
        place.close();
    }
}
