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
 * <p>A task captures it, or gives it back, and nothing is copied: it is the same memory in every process.
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
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} are volatile, the plain ones are as of an array, and every
 * method of one element is atomic, between processes too. Those of many elements are plain and not atomic. What a task
 * wrote is there for whoever got its future's value. {@link #updateAndGet} is for one element: it keeps nobody away
 * from others.
 *
 * <p><b>Life.</b> One that was made by {@link #create} or {@link #copyOf} has a block of its own, for as long as
 * {@link SharedMemory} says; {@link #in} places it in a block with others.
 */
public final class SharedLongArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedLongArray(Place place) {
        super(place, Long.BYTES);
    }

    /**
     * Makes one, filled with zeros, in a block of its own.
     *
     * @param length how many elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLongArray create(int length) {
        return new SharedLongArray(create(length, Long.BYTES));
    }

    /**
     * Makes one with the elements of an array, in a block of its own.
     *
     * @param source what is copied
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLongArray copyOf(long[] source) {
        SharedLongArray made = create(source.length);
        made.copyFrom(source);
        return made;
    }

    /**
     * The array at a place in a block, whatever is there: zeros in a new one.
     *
     * @param memory the block
     * @param offset where, in bytes; a multiple of 8
     * @param length how many elements
     * @return the array; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 8, or the length is negative
     * @throws IndexOutOfBoundsException if it does not lie in the block
     */
    public static SharedLongArray in(SharedMemory memory, long offset, int length) {
        return new SharedLongArray(in(memory, offset, length, Long.BYTES));
    }

    private long at(int index) {
        return checked(index) * Long.BYTES;
    }

    /**
     * An element, as of a volatile variable.
     *
     * @param index which
     * @return its value
     */
    public long get(int index) {
        return (long) ELEMENT.getVolatile(segment, at(index));
    }

    /**
     * Sets an element, as a volatile variable.
     *
     * @param index which
     * @param value the new value
     */
    public void set(int index, long value) {
        ELEMENT.setVolatile(segment, at(index), value);
    }

    /**
     * An element, without any order: as of an array.
     *
     * @param index which
     * @return its value
     */
    public long getPlain(int index) {
        return (long) ELEMENT.get(segment, at(index));
    }

    /**
     * Sets an element, without any order: as of an array.
     *
     * @param index which
     * @param value the new value
     */
    public void setPlain(int index, long value) {
        ELEMENT.set(segment, at(index), value);
    }

    /**
     * An element; what its writer did before {@link #setRelease} is seen after this.
     *
     * @param index which
     * @return its value
     */
    public long getAcquire(int index) {
        return (long) ELEMENT.getAcquire(segment, at(index));
    }

    /**
     * Sets an element; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param index which
     * @param value the new value
     */
    public void setRelease(int index, long value) {
        ELEMENT.setRelease(segment, at(index), value);
    }

    /**
     * Sets an element.
     *
     * @param index which
     * @param value the new value
     * @return the one before
     */
    public long getAndSet(int index, long value) {
        return (long) ELEMENT.getAndSet(segment, at(index), value);
    }

    /**
     * Sets an element if it has the expected value.
     *
     * @param index which
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(int index, long expected, long value) {
        return ELEMENT.compareAndSet(segment, at(index), expected, value);
    }

    /**
     * Sets an element if it has the expected value.
     *
     * @param index which
     * @param expected what it has to be
     * @param value the new value
     * @return what it was: the expected value if it is set
     */
    public long compareAndExchange(int index, long expected, long value) {
        return (long) ELEMENT.compareAndExchange(segment, at(index), expected, value);
    }

    /**
     * Adds to an element.
     *
     * @param index which
     * @param delta what is added
     * @return its value before
     */
    public long getAndAdd(int index, long delta) {
        return (long) ELEMENT.getAndAdd(segment, at(index), delta);
    }

    /**
     * Adds to an element.
     *
     * @param index which
     * @param delta what is added
     * @return its value after
     */
    public long addAndGet(int index, long delta) {
        return getAndAdd(index, delta) + delta;
    }

    /**
     * Adds 1 to an element.
     *
     * @param index which
     * @return its value before
     */
    public long getAndIncrement(int index) {
        return getAndAdd(index, 1);
    }

    /**
     * Adds 1 to an element.
     *
     * @param index which
     * @return its value after
     */
    public long incrementAndGet(int index) {
        return addAndGet(index, 1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index which
     * @return its value before
     */
    public long getAndDecrement(int index) {
        return getAndAdd(index, -1);
    }

    /**
     * Subtracts 1 from an element.
     *
     * @param index which
     * @return its value after
     */
    public long decrementAndGet(int index) {
        return addAndGet(index, -1);
    }

    /**
     * Replaces an element by what a function makes of it.
     *
     * @param index which
     * @param update is called again when somebody else was faster; should have no side effects
     * @return its value before
     */
    public long getAndUpdate(int index, LongUnaryOperator update) {
        return AtomicUpdates.getAndUpdateLong(segment, at(index), update);
    }

    /**
     * Replaces an element by what a function makes of it.
     *
     * @param index which
     * @param update is called again when somebody else was faster; should have no side effects
     * @return its value after
     */
    public long updateAndGet(int index, LongUnaryOperator update) {
        return AtomicUpdates.updateAndGetLong(segment, at(index), update);
    }

    /**
     * Replaces an element by what a function makes of it and an operand.
     *
     * @param index which
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return its value before
     */
    public long getAndAccumulate(int index, long operand, LongBinaryOperator function) {
        return getAndUpdate(index, seen -> function.applyAsLong(seen, operand));
    }

    /**
     * Replaces an element by what a function makes of it and an operand.
     *
     * @param index which
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return its value after
     */
    public long accumulateAndGet(int index, long operand, LongBinaryOperator function) {
        return updateAndGet(index, seen -> function.applyAsLong(seen, operand));
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source what is copied
     * @throws IndexOutOfBoundsException if it is longer than this
     */
    public void copyFrom(long[] source) {
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
    public void copyFrom(int index, long[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_LONG, checked(index, count) * Long.BYTES, count);
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
    public void copyTo(int index, long[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_LONG, checked(index, count) * Long.BYTES, target, targetIndex, count);
    }

    /**
     * A copy of all elements.
     *
     * @return a new array
     */
    public long[] toArray() {
        return segment.toArray(JAVA_LONG);
    }

    /**
     * The elements in order, each read when the stream comes to it.
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
