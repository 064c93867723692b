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
 * <p>A task captures the array, or returns it, and nothing is copied: all processes use the same memory.
 *
 * {@snippet :
 * try (SharedDoubleArray roots = SharedDoubleArray.create(100);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(4, 9, 16), i -> roots.set(i, Math.sqrt(i)));
 *     System.out.println(roots.get(16)); // 4.0
 * }
 * }
 *
 * <p><b>Memory effects.</b> {@link #get} and {@link #set} have the effects of volatile access, and the plain methods
 * those of an ordinary array. Every method of one element is atomic, also between processes; methods of many elements
 * are plain and not atomic. A thread that has got the value of a task's future sees everything that the task wrote.
 * {@link #updateAndGet} changes one element only, and does not lock others. Elements are compared by their bits: 0.0 is
 * not -0.0.
 *
 * <p><b>Lifetime.</b> An array from {@link #create} or {@link #copyOf} has a block of its own, whose lifetime
 * {@link SharedMemory} describes; {@link #in} places an array in a block with others.
 */
public final class SharedDoubleArray extends SharedArray {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle ELEMENT = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedDoubleArray(Place place) {
        super(place, Double.BYTES);
    }

    /**
     * Makes an array, filled with zeros, in a block of its own.
     *
     * @param length the number of elements
     * @return the array; close it when no process needs it any more
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDoubleArray create(int length) {
        return new SharedDoubleArray(create(length, Double.BYTES));
    }

    /**
     * Makes an array with the elements of another, in a block of its own.
     *
     * @param source the array to copy
     * @return the array; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDoubleArray copyOf(double[] source) {
        SharedDoubleArray made = create(source.length);
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
    public static SharedDoubleArray in(SharedMemory memory, long offset, int length) {
        return new SharedDoubleArray(in(memory, offset, length, Double.BYTES));
    }

    private long at(int index) {
        return checked(index) * Double.BYTES;
    }

    /**
     * Returns an element, with the memory effects of a volatile read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public double get(int index) {
        return Double.longBitsToDouble((long) ELEMENT.getVolatile(segment, at(index)));
    }

    /**
     * Sets an element, with the memory effects of a volatile write.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void set(int index, double value) {
        ELEMENT.setVolatile(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * Returns an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public double getPlain(int index) {
        return Double.longBitsToDouble((long) ELEMENT.get(segment, at(index)));
    }

    /**
     * Sets an element, without memory effects, as an ordinary array.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setPlain(int index, double value) {
        ELEMENT.set(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * Returns an element. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @param index the index of the element
     * @return the value of the element
     */
    public double getAcquire(int index) {
        return Double.longBitsToDouble((long) ELEMENT.getAcquire(segment, at(index)));
    }

    /**
     * Sets an element. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param index the index of the element
     * @param value the new value
     */
    public void setRelease(int index, double value) {
        ELEMENT.setRelease(segment, at(index), Double.doubleToRawLongBits(value));
    }

    /**
     * Sets an element.
     *
     * @param index the index of the element
     * @param value the new value
     * @return the value before
     */
    public double getAndSet(int index, double value) {
        return Double.longBitsToDouble((long) ELEMENT.getAndSet(segment, at(index), Double.doubleToRawLongBits(value)));
    }

    /**
     * Sets an element if it has the expected value, bit for bit.
     *
     * @param index the index of the element
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(int index, double expected, double value) {
        return ELEMENT.compareAndSet(segment, at(index), Double.doubleToRawLongBits(expected),
                Double.doubleToRawLongBits(value));
    }

    /**
     * Sets an element if it has the expected value, bit for bit.
     *
     * @param index the index of the element
     * @param expected the expected value
     * @param value the new value
     * @return the value before: the expected value if the new value was set
     */
    public double compareAndExchange(int index, double expected, double value) {
        return Double.longBitsToDouble((long) ELEMENT.compareAndExchange(
                segment, at(index), Double.doubleToRawLongBits(expected), Double.doubleToRawLongBits(value)));
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value before
     */
    public double getAndAdd(int index, double delta) {
        return getAndUpdate(index, seen -> seen + delta);
    }

    /**
     * Adds to an element.
     *
     * @param index the index of the element
     * @param delta the number to add
     * @return the value after
     */
    public double addAndGet(int index, double delta) {
        return updateAndGet(index, seen -> seen + delta);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public double getAndUpdate(int index, DoubleUnaryOperator update) {
        return AtomicUpdates.getAndUpdateDouble(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value.
     *
     * @param index the index of the element
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public double updateAndGet(int index, DoubleUnaryOperator update) {
        return AtomicUpdates.updateAndGetDouble(segment, at(index), update);
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public double getAndAccumulate(int index, double operand, DoubleBinaryOperator function) {
        return getAndUpdate(index, seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Replaces an element by the result of a function of its value and an operand.
     *
     * @param index the index of the element
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public double accumulateAndGet(int index, double operand, DoubleBinaryOperator function) {
        return updateAndGet(index, seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Copies an array into this one, from its first element on.
     *
     * @param source the array to copy
     * @throws IndexOutOfBoundsException if the source is longer than this array
     */
    public void copyFrom(double[] source) {
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
    public void copyFrom(int index, double[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, JAVA_DOUBLE, checked(index, count) * Double.BYTES, count);
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
    public void copyTo(int index, double[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, JAVA_DOUBLE, checked(index, count) * Double.BYTES, target, targetIndex, count);
    }

    /**
     * Returns a copy of all elements.
     *
     * @return a new array
     */
    public double[] toArray() {
        return segment.toArray(JAVA_DOUBLE);
    }

    /**
     * Returns the elements in order. The stream reads each element when it needs it.
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
