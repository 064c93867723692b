package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * An array of bytes that processes share, in {@link SharedMemory}.
 *
 * <p>A task captures it, or gives it back, and nothing is copied: it is the same memory in every process.
 *
 * {@snippet :
 * try (SharedByteArray picture = SharedByteArray.copyOf(new byte[1_000_000]);
 *         Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> picture.copyFrom(10, new byte[] {1, 2, 3}, 0, 3)).get();
 *     System.out.println(picture.get(12)); // 3
 * }
 * }
 *
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} are volatile, the plain ones are as of an array, and every
 * method of one element is atomic, between processes too. Those of many elements are plain and not atomic. What a task
 * wrote is there for whoever got its future's value. There is no compare-and-set of a byte; {@link SharedIntArray} has
 * it.
 *
 * <p><b>Life.</b> One that was made by {@link #create} or {@link #copyOf} has a block of its own, for as long as
 * {@link SharedMemory} says; {@link #in} places it in a block with others.
 */
public final class SharedByteArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_BYTE.varHandle().withInvokeExactBehavior();

    SharedByteArray(Place place) {
        super(place, Byte.BYTES);
    }

    /**
     * Makes one, filled with zeros, in a block of its own.
     *
     * @param length how many elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedByteArray create(int length) {
        return new SharedByteArray(create(length, Byte.BYTES));
    }

    /**
     * Makes one with the elements of an array, in a block of its own.
     *
     * @param source what is copied
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedByteArray copyOf(byte[] source) {
        SharedByteArray made = create(source.length);
        made.copyFrom(source);
        return made;
    }

    /**
     * The array at a place in a block, whatever is there: zeros in a new one.
     *
     * @param memory the block
     * @param offset where, in bytes
     * @param length how many elements
     * @return the array; closing it does not close the block
     * @throws IllegalArgumentException if the length is negative
     * @throws IndexOutOfBoundsException if it does not lie in the block
     */
    public static SharedByteArray in(SharedMemory memory, long offset, int length) {
        return new SharedByteArray(in(memory, offset, length, Byte.BYTES));
    }

    /**
     * An element, as of a volatile variable.
     *
     * @param index which
     * @return its value
     */
    public byte get(int index) {
        return (byte) ELEMENT.getVolatile(segment, checked(index));
    }

    /**
     * Sets an element, as a volatile variable.
     *
     * @param index which
     * @param value the new value
     */
    public void set(int index, byte value) {
        ELEMENT.setVolatile(segment, checked(index), value);
    }

    /**
     * An element, without any order: as of an array.
     *
     * @param index which
     * @return its value
     */
    public byte getPlain(int index) {
        return (byte) ELEMENT.get(segment, checked(index));
    }

    /**
     * Sets an element, without any order: as of an array.
     *
     * @param index which
     * @param value the new value
     */
    public void setPlain(int index, byte value) {
        ELEMENT.set(segment, checked(index), value);
    }

    /**
     * An element; what its writer did before {@link #setRelease} is seen after this.
     *
     * @param index which
     * @return its value
     */
    public byte getAcquire(int index) {
        return (byte) ELEMENT.getAcquire(segment, checked(index));
    }

    /**
     * Sets an element; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param index which
     * @param value the new value
     */
    public void setRelease(int index, byte value) {
        ELEMENT.setRelease(segment, checked(index), value);
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source what is copied
     * @throws IndexOutOfBoundsException if it is longer than this
     */
    public void copyFrom(byte[] source) {
        copyFrom(0, source, 0, source.length);
    }

    /**
     * Copies elements of an array into this one.
     *
     * @param index where the first goes
     * @param source from what
     * @param sourceIndex its first that is copied
     * @param count how many
     * @throws IndexOutOfBoundsException if not all of them are in both
     */
    public void copyFrom(int index, byte[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_BYTE, checked(index, count), count);
    }

    /**
     * Copies elements of this array into another.
     *
     * @param index the first that is copied
     * @param target into what
     * @param targetIndex where the first goes
     * @param count how many
     * @throws IndexOutOfBoundsException if not all of them are in both
     */
    public void copyTo(int index, byte[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_BYTE, checked(index, count), target, targetIndex, count);
    }

    /**
     * A copy of all elements.
     *
     * @return a new array
     */
    public byte[] toArray() {
        return segment.toArray(JAVA_BYTE);
    }

    @Serial
    private Object readResolve() {
        return new SharedByteArray(place);
    }
}
