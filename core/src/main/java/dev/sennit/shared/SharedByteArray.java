package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * An array of bytes that processes share, in {@link SharedMemory}.
 *
 * <p>A task captures the array, or returns it, and nothing is copied: all processes use the same memory.
 *
 * {@snippet :
 * try (SharedByteArray picture = SharedByteArray.copyOf(new byte[1_000_000]);
 *         Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> picture.copyFrom(10, new byte[] {1, 2, 3}, 0, 3)).get();
 *     System.out.println(picture.get(12)); // 3
 * }
 * }
 *
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} have the effects of volatile access, and the plain methods
 * those of an ordinary array. Every method of one element is atomic, also between processes; methods of many elements
 * are plain and not atomic. A thread that has got the value of a task's future sees everything that the task wrote.
 * There is no compare-and-set of a byte; {@link SharedIntArray} has one.
 *
 * <p><b>Lifetime.</b> An array from {@link #create} or {@link #copyOf} has a block of its own, whose lifetime
 * {@link SharedMemory} describes; {@link #in} places an array in a block with others.
 */
public final class SharedByteArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_BYTE.varHandle().withInvokeExactBehavior();

    SharedByteArray(Place place) {
        super(place, Byte.BYTES);
    }

    /**
     * Makes an array, filled with zeros, in a block of its own.
     *
     * @param length the number of elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedByteArray create(int length) {
        return new SharedByteArray(create(length, Byte.BYTES));
    }

    /**
     * Makes an array with the elements of another, in a block of its own.
     *
     * @param source the array to copy
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedByteArray copyOf(byte[] source) {
        SharedByteArray made = create(source.length);
        made.copyFrom(source);
        return made;
    }

    /**
     * Returns the array at a place in a block. Its elements keep their values, which are zero in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes
     * @param length the number of elements
     * @return the array; closing it does not close the block
     * @throws IllegalArgumentException if the length is negative
     * @throws IndexOutOfBoundsException if the array does not lie in the block
     */
    public static SharedByteArray in(SharedMemory memory, long offset, int length) {
        return new SharedByteArray(in(memory, offset, length, Byte.BYTES));
    }

    /**
     * Returns an element, with the memory effects of a volatile read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public byte get(int index) {
        return (byte) ELEMENT.getVolatile(segment, checked(index));
    }

    /**
     * Sets an element, with the memory effects of a volatile write.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void set(int index, byte value) {
        ELEMENT.setVolatile(segment, checked(index), value);
    }

    /**
     * Returns an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public byte getPlain(int index) {
        return (byte) ELEMENT.get(segment, checked(index));
    }

    /**
     * Sets an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setPlain(int index, byte value) {
        ELEMENT.set(segment, checked(index), value);
    }

    /**
     * Returns an element. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public byte getAcquire(int index) {
        return (byte) ELEMENT.getAcquire(segment, checked(index));
    }

    /**
     * Sets an element. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setRelease(int index, byte value) {
        ELEMENT.setRelease(segment, checked(index), value);
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source the array to copy
     * @throws IndexOutOfBoundsException if the source is longer than this array
     */
    public void copyFrom(byte[] source) {
        copyFrom(0, source, 0, source.length);
    }

    /**
     * Copies elements of an array into this one.
     *
     * @param index the index of the first element to set
     * @param source the array to copy from
     * @param sourceIndex the index of the first element to copy
     * @param count the number of elements
     * @throws IndexOutOfBoundsException if one of the ranges is outside of its array
     */
    public void copyFrom(int index, byte[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_BYTE, checked(index, count), count);
    }

    /**
     * Copies elements of this array into another.
     *
     * @param index the index of the first element to copy
     * @param target the array to copy into
     * @param targetIndex the index of the first element to set
     * @param count the number of elements
     * @throws IndexOutOfBoundsException if one of the ranges is outside of its array
     */
    public void copyTo(int index, byte[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_BYTE, checked(index, count), target, targetIndex, count);
    }

    /**
     * Returns a copy of all elements.
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
