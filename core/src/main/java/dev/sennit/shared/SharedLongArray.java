package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * An array that processes share: an {@link java.util.concurrent.atomic.AtomicLongArray} in {@link SharedMemory}.
 *
 * <p>A task captures the array, or returns it, and nothing is copied: all processes use the same memory.
 *
 * {@snippet :
 * try (SharedLongArray squares = SharedLongArray.create(1_000_000);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(0, 500_000), start -> {
 *         for (int i = start; i < start + 500_000; i++) {
 *             squares.setPlain(i, (long) i * i);
 *         }
 *     });
 *     System.out.println(squares.stream().max().getAsLong()); // 999998000001
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
public final class SharedLongArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedLongArray(Place place) {
        super(place, Long.BYTES);
    }

    /**
     * Makes an array, filled with zeros, in a block of its own.
     *
     * @param length the number of elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLongArray create(int length) {
        return new SharedLongArray(create(length, Long.BYTES));
    }

    /**
     * Makes an array with the elements of another, in a block of its own.
     *
     * @param source the array to copy
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLongArray copyOf(long[] source) {
        SharedLongArray made = create(source.length);
        made.copyFrom(source);
        return made;
    }

    /**
     * Returns the array at a place in a block. Its elements keep their values, which are zero in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes; a multiple of 8
     * @param length the number of elements
     * @return the array; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 8, or the length is negative
     * @throws IndexOutOfBoundsException if the array does not lie in the block
     */
    public static SharedLongArray in(SharedMemory memory, long offset, int length) {
        return new SharedLongArray(in(memory, offset, length, Long.BYTES));
    }

    private long at(int index) {
        return checked(index) * Long.BYTES;
    }

    /**
     * Returns an element, with the memory effects of a volatile read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public long get(int index) {
        return (long) ELEMENT.getVolatile(segment, at(index));
    }

    /**
     * Sets an element, with the memory effects of a volatile write.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void set(int index, long value) {
        ELEMENT.setVolatile(segment, at(index), value);
    }

    /**
     * Returns an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public long getPlain(int index) {
        return (long) ELEMENT.get(segment, at(index));
    }

    /**
     * Sets an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setPlain(int index, long value) {
        ELEMENT.set(segment, at(index), value);
    }

    /**
     * Returns an element. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public long getAcquire(int index) {
        return (long) ELEMENT.getAcquire(segment, at(index));
    }

    /**
     * Sets an element. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setRelease(int index, long value) {
        ELEMENT.setRelease(segment, at(index), value);
    }

    /**
     * Sets an element.
     *
     * @param index the index of the element
     * @param value the new value
     * @return the value before
     */
    public long getAndSet(int index, long value) {
        return (long) ELEMENT.getAndSet(segment, at(index), value);
    }

    /**
     * Sets an element if it has the expected value.
     *
     * @param index the index of the element
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(int index, long expected, long value) {
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
    public long compareAndExchange(int index, long expected, long value) {
        return (long) ELEMENT.compareAndExchange(segment, at(index), expected, value);
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value before
     */
    public long getAndAdd(int index, long delta) {
        return (long) ELEMENT.getAndAdd(segment, at(index), delta);
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value after
     */
    public long addAndGet(int index, long delta) {
        return getAndAdd(index, delta) + delta;
    }

    /**
     * Adds 1 to an element.
     *
     * @param index the index of the element
     * @return the value before
     */
    public long getAndIncrement(int index) {
        return getAndAdd(index, 1);
    }

    /**
     * Adds 1 to an element.
     *
     * @param index the index of the element
     * @return the value after
     */
    public long incrementAndGet(int index) {
        return addAndGet(index, 1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index the index of the element
     * @return the value before
     */
    public long getAndDecrement(int index) {
        return getAndAdd(index, -1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index the index of the element
     * @return the value after
     */
    public long decrementAndGet(int index) {
        return addAndGet(index, -1);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public long getAndUpdate(int index, LongUnaryOperator update) {
        return AtomicUpdates.getAndUpdateLong(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public long updateAndGet(int index, LongUnaryOperator update) {
        return AtomicUpdates.updateAndGetLong(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public long getAndAccumulate(int index, long operand, LongBinaryOperator function) {
        return getAndUpdate(index, seen -> function.applyAsLong(seen, operand));
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public long accumulateAndGet(int index, long operand, LongBinaryOperator function) {
        return updateAndGet(index, seen -> function.applyAsLong(seen, operand));
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source the array to copy
     * @throws IndexOutOfBoundsException if the source is longer than this array
     */
    public void copyFrom(long[] source) {
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
    public void copyFrom(int index, long[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_LONG, checked(index, count) * Long.BYTES, count);
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
    public void copyTo(int index, long[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_LONG, checked(index, count) * Long.BYTES, target, targetIndex, count);
    }

    /**
     * Returns a copy of all elements.
     *
     * @return a new array
     */
    public long[] toArray() {
        return segment.toArray(JAVA_LONG);
    }

    /**
     * Returns the elements in order. The stream reads each element when it needs it.
     *
     * @return a stream, which may be made parallel
     */
    public LongStream stream() {
        return IntStream.range(0, length()).mapToLong(this::get);
    }

    @Serial
    private Object readResolve() {
        return new SharedLongArray(place);
    }
}
