package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** The common part of arrays in shared memory: their place and length. */
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

    /** Returns a checked index as a long, as memory segments need it. */
    final long checked(int index) {
        return Objects.checkIndex(index, length);
    }

    final long checked(int index, int count) {
        return Objects.checkFromIndexSize(index, count, length);
    }

    /**
     * Returns the number of elements.
     *
     * @return the length, which never changes
     */
    public int length() {
        return length;
    }

    /**
     * Returns the memory of the elements, in the byte order of this machine.
     *
     * @return a segment of this array's size
     */
    public MemorySegment segment() {
        return segment;
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
     * Returns the place in the block where it begins.
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

    @Override
    public String toString() {
        return getClass().getSimpleName() + "[" + length + " at " + place.offset() + " of " + place.memory() + "]";
    }
}
