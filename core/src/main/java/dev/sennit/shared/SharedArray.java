package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** What the arrays in shared memory have in common: where they lie, and how long they are. */
abstract sealed class SharedArray implements Serializable, AutoCloseable
        permits SharedLongArray, SharedIntArray, SharedDoubleArray, SharedByteArray {
    @Serial
    private static final long serialVersionUID = 1L;

    final Place place;
    final transient MemorySegment segment;
    private final transient int length;

    SharedArray(Place place, int elementBytes) {
        this.place = place;
        this.segment = place.segment();
        this.length = Math.toIntExact(place.bytes() / elementBytes);
    }

    static Place create(int length, int elementBytes) {
        return Place.create(bytes(length, elementBytes));
    }

    static Place in(SharedMemory memory, long offset, int length, int elementBytes) {
        return Place.in(memory, offset, bytes(length, elementBytes), elementBytes);
    }

    private static long bytes(int length, int elementBytes) {
        if (length < 0) {
            throw new IllegalArgumentException("length must be >= 0, was " + length);
        }
        return (long) length * elementBytes;
    }

    /** An index, as the offsets of memory segments are: checked, and a long. */
    final long checked(int index) {
        return Objects.checkIndex(index, length);
    }

    final long checked(int index, int count) {
        return Objects.checkFromIndexSize(index, count, length);
    }

    /**
     * How many elements it has.
     *
     * @return a number that never changes
     */
    public int length() {
        return length;
    }

    /**
     * The memory of its elements, in the byte order of this machine.
     *
     * @return a segment of this array's size
     */
    public MemorySegment segment() {
        return segment;
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
     * Where in the block it begins.
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

    @Override
    public String toString() {
        return getClass().getSimpleName() + "[" + length + " at " + place.offset() + " of " + place.memory() + "]";
    }
}
