package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * An array of doubles that processes share: what {@link java.util.concurrent.atomic.AtomicLongArray} is, for doubles in
 * {@link SharedMemory}.
 *
 * <p>A task captures it, or gives it back, and nothing is copied: it is the same memory in every process.
 *
 * {@snippet :
 * try (SharedDoubleArray roots = SharedDoubleArray.create(100);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(4, 9, 16), i -> roots.set(i, Math.sqrt(i)));
 *     System.out.println(roots.get(16)); // 4.0
 * }
 * }
 *
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} are volatile, the plain ones are as of an array, and every
 * method of one element is atomic, between processes too. Those of many elements are plain and not atomic. What a task
 * wrote is there for whoever got its future's value. {@link #updateAndGet} is for one element: it keeps nobody away
 * from others. Elements are compared by their bits: 0.0 is not -0.0.
 *
 * <p><b>Life.</b> One that was made by {@link #create} or {@link #copyOf} has a block of its own, for as long as
 * {@link SharedMemory} says; {@link #in} places it in a block with others.
 */
public final class SharedDoubleArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedDoubleArray(Place place) {
        super(place, Double.BYTES);
    }

    /**
     * Makes one, filled with zeros, in a block of its own.
     *
     * @param length how many elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDoubleArray create(int length) {
        return new SharedDoubleArray(create(length, Double.BYTES));
    }

    /**
     * Makes one with the elements of an array, in a block of its own.
     *
     * @param source what is copied
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDoubleArray copyOf(double[] source) {
        SharedDoubleArray made = create(source.length);
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
    public static SharedDoubleArray in(SharedMemory memory, long offset, int length) {
        return new SharedDoubleArray(in(memory, offset, length, Double.BYTES));
    }

    private long at(int index) {
        return checked(index) * Double.BYTES;
    }

    /**
     * An element, as of a volatile variable.
     *
     * @param index which
     * @return its value
     */
    public double get(int index) {
        return Double.longBitsToDouble((long) ELEMENT.getVolatile(segment, at(index)));
    }

    /**
     * Sets an element, as a volatile variable.
     *
     * @param index which
     * @param value the new value
     */
    public void set(int index, double value) {
        ELEMENT.setVolatile(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * An element, without any order: as of an array.
     *
     * @param index which
     * @return its value
     */
    public double getPlain(int index) {
        return Double.longBitsToDouble((long) ELEMENT.get(segment, at(index)));
    }

    /**
     * Sets an element, without any order: as of an array.
     *
     * @param index which
     * @param value the new value
     */
    public void setPlain(int index, double value) {
        ELEMENT.set(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * An element; what its writer did before {@link #setRelease} is seen after this.
     *
     * @param index which
     * @return its value
     */
    public double getAcquire(int index) {
        return Double.longBitsToDouble((long) ELEMENT.getAcquire(segment, at(index)));
    }

    /**
     * Sets an element; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param index which
     * @param value the new value
     */
    public void setRelease(int index, double value) {
        ELEMENT.setRelease(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * Sets an element.
     *
     * @param index which
     * @param value the new value
     * @return the one before
     */
    public double getAndSet(int index, double value) {
        return Double.longBitsToDouble((long) ELEMENT.getAndSet(segment, at(index), Double.doubleToRawLongBits(value)));
    }

    /**
     * Sets an element if it has the expected value, bit for bit.
     *
     * @param index which
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(int index, double expected, double value) {
        return ELEMENT.compareAndSet(segment, at(index), Double.doubleToRawLongBits(expected),
                Double.doubleToRawLongBits(value));
    }

    /**
     * Sets an element if it has the expected value, bit for bit.
     *
     * @param index which
     * @param expected what it has to be
     * @param value the new value
     * @return what it was: the expected value if it is set
     */
    public double compareAndExchange(int index, double expected, double value) {
        return Double.longBitsToDouble((long) ELEMENT.compareAndExchange(
                segment, at(index), Double.doubleToRawLongBits(expected), Double.doubleToRawLongBits(value)));
    }

    /**
     * Adds to an element.
     *
     * @param index which
     * @param delta what is added
     * @return its value before
     */
    public double getAndAdd(int index, double delta) {
        return getAndUpdate(index, seen -> seen + delta);
    }

    /**
     * Adds to an element.
     *
     * @param index which
     * @param delta what is added
     * @return its value after
     */
    public double addAndGet(int index, double delta) {
        return updateAndGet(index, seen -> seen + delta);
    }

    /**
     * Replaces an element by what a function makes of it.
     *
     * @param index which
     * @param update is called again when somebody else was faster; should have no side effects
     * @return its value before
     */
    public double getAndUpdate(int index, DoubleUnaryOperator update) {
        return AtomicUpdates.getAndUpdateDouble(segment, at(index), update);
    }

    /**
     * Replaces an element by what a function makes of it.
     *
     * @param index which
     * @param update is called again when somebody else was faster; should have no side effects
     * @return its value after
     */
    public double updateAndGet(int index, DoubleUnaryOperator update) {
        return AtomicUpdates.updateAndGetDouble(segment, at(index), update);
    }

    /**
     * Replaces an element by what a function makes of it and an operand.
     *
     * @param index which
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return its value before
     */
    public double getAndAccumulate(int index, double operand, DoubleBinaryOperator function) {
        return getAndUpdate(index, seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Replaces an element by what a function makes of it and an operand.
     *
     * @param index which
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return its value after
     */
    public double accumulateAndGet(int index, double operand, DoubleBinaryOperator function) {
        return updateAndGet(index, seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source what is copied
     * @throws IndexOutOfBoundsException if it is longer than this
     */
    public void copyFrom(double[] source) {
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
    public void copyFrom(int index, double[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_DOUBLE, checked(index, count) * Double.BYTES, count);
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
    public void copyTo(int index, double[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_DOUBLE, checked(index, count) * Double.BYTES, target, targetIndex, count);
    }

    /**
     * A copy of all elements.
     *
     * @return a new array
     */
    public double[] toArray() {
        return segment.toArray(JAVA_DOUBLE);
    }

    /**
     * The elements in order, each read when the stream comes to it.
     *
     * @return a stream, which may be made parallel
     */
    public DoubleStream stream() {
        return IntStream.range(0, length()).mapToDouble(this::get);
    }

    @Serial
    private Object readResolve() {
        return new SharedDoubleArray(place);
    }
}
