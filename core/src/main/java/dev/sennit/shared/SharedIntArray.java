package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * An array that processes share: an {@link java.util.concurrent.atomic.AtomicIntegerArray} in {@link SharedMemory}.
 *
 * <p>A task captures the array, or returns it, and nothing is copied: all processes use the same memory.
 *
 * {@snippet :
 * try (SharedIntArray counts = SharedIntArray.create(26);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of("process", "pool"), word -> word.chars().forEach(c -> counts.incrementAndGet(c - 'a')));
 *     System.out.println(counts.get('o' - 'a')); // 3
 * }
 * }
 *
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} have the effects of volatile access, and the plain methods
 * those of an ordinary array. Every method of one element is atomic, also between processes; methods of many elements
 * are plain and not atomic. A thread that has got the value of a task's future sees everything that the task wrote.
 * {@link #updateAndGet} changes one element only, and does not lock others.
 *
 * <p><b>Lifetime.</b> An array from {@link #create} or {@link #copyOf} has a block of its own, whose lifetime
 * {@link SharedMemory} describes; {@link #in} places an array in a block with others.
 */
public final class SharedIntArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_INT.varHandle().withInvokeExactBehavior();

    SharedIntArray(Place place) {
        super(place, Integer.BYTES);
    }

    /**
     * Makes an array, filled with zeros, in a block of its own.
     *
     * @param length the number of elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedIntArray create(int length) {
        return new SharedIntArray(create(length, Integer.BYTES));
    }

    /**
     * Makes an array with the elements of another, in a block of its own.
     *
     * @param source the array to copy
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedIntArray copyOf(int[] source) {
        SharedIntArray made = create(source.length);
        made.copyFrom(source);
        return made;
    }

    /**
     * Returns the array at a place in a block. Its elements keep their values, which are zero in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes; a multiple of 4
     * @param length the number of elements
     * @return the array; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 4, or the length is negative
     * @throws IndexOutOfBoundsException if the array does not lie in the block
     */
    public static SharedIntArray in(SharedMemory memory, long offset, int length) {
        return new SharedIntArray(in(memory, offset, length, Integer.BYTES));
    }

    private long at(int index) {
        return checked(index) * Integer.BYTES;
    }

    /**
     * Returns an element, with the memory effects of a volatile read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public int get(int index) {
        return (int) ELEMENT.getVolatile(segment, at(index));
    }

    /**
     * Sets an element, with the memory effects of a volatile write.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void set(int index, int value) {
        ELEMENT.setVolatile(segment, at(index), value);
    }

    /**
     * Returns an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public int getPlain(int index) {
        return (int) ELEMENT.get(segment, at(index));
    }

    /**
     * Sets an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setPlain(int index, int value) {
        ELEMENT.set(segment, at(index), value);
    }

    /**
     * Returns an element. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public int getAcquire(int index) {
        return (int) ELEMENT.getAcquire(segment, at(index));
    }

    /**
     * Sets an element. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setRelease(int index, int value) {
        ELEMENT.setRelease(segment, at(index), value);
    }

    /**
     * Sets an element.
     *
     * @param index the index of the element
     * @param value the new value
     * @return the value before
     */
    public int getAndSet(int index, int value) {
        return (int) ELEMENT.getAndSet(segment, at(index), value);
    }

    /**
     * Sets an element if it has the expected value.
     *
     * @param index the index of the element
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(int index, int expected, int value) {
        return ELEMENT.compareAndSet(segment, at(index), expected, value);
    }

    /**
     * Sets an element if it has the expected value.
     *
     * @param index the index of the element
     * @param expected the expected value
     * @param value the new value
     * @return the value before: the expected value if the new value was set
     */
    public int compareAndExchange(int index, int expected, int value) {
        return (int) ELEMENT.compareAndExchange(segment, at(index), expected, value);
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value before
     */
    public int getAndAdd(int index, int delta) {
        return (int) ELEMENT.getAndAdd(segment, at(index), delta);
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value after
     */
    public int addAndGet(int index, int delta) {
        return getAndAdd(index, delta) + delta;
    }

    /**
     * Adds 1 to an element.
     *
     * @param index the index of the element
     * @return the value before
     */
    public int getAndIncrement(int index) {
        return getAndAdd(index, 1);
    }

    /**
     * Adds 1 to an element.
     *
     * @param index the index of the element
     * @return the value after
     */
    public int incrementAndGet(int index) {
        return addAndGet(index, 1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index the index of the element
     * @return the value before
     */
    public int getAndDecrement(int index) {
        return getAndAdd(index, -1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index the index of the element
     * @return the value after
     */
    public int decrementAndGet(int index) {
        return addAndGet(index, -1);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public int getAndUpdate(int index, IntUnaryOperator update) {
        return AtomicUpdates.getAndUpdateInt(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public int updateAndGet(int index, IntUnaryOperator update) {
        return AtomicUpdates.updateAndGetInt(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public int getAndAccumulate(int index, int operand, IntBinaryOperator function) {
        return getAndUpdate(index, seen -> function.applyAsInt(seen, operand));
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public int accumulateAndGet(int index, int operand, IntBinaryOperator function) {
        return updateAndGet(index, seen -> function.applyAsInt(seen, operand));
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source the array to copy
     * @throws IndexOutOfBoundsException if the source is longer than this array
     */
    public void copyFrom(int[] source) {
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
    public void copyFrom(int index, int[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_INT, checked(index, count) * Integer.BYTES, count);
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
    public void copyTo(int index, int[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_INT, checked(index, count) * Integer.BYTES, target, targetIndex, count);
    }

    /**
     * Returns a copy of all elements.
     *
     * @return a new array
     */
    public int[] toArray() {
        return segment.toArray(JAVA_INT);
    }

    /**
     * Returns the elements in order. The stream reads each element when it needs it.
     *
     * @return a stream, which may be made parallel
     */
    public IntStream stream() {
        return IntStream.range(0, length()).map(this::get);
    }

    @Serial
    private Object readResolve() {
        return new SharedIntArray(place);
    }
}
