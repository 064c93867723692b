package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Serial;
import java.lang.invoke.VarHandle;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * A {@code double} that processes share: what {@link java.util.concurrent.atomic.AtomicLong} is, for a double in
 * {@link SharedMemory}.
 *
 * <p>A task captures the number, and the worker uses the same memory.
 *
 * {@snippet :
 * try (SharedDouble sum = SharedDouble.create(0);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(0.5, 0.25), part -> sum.addAndGet(part));
 *     System.out.println(sum.get()); // 0.75
 * }
 * }
 *
 * <p><b>Memory effects</b> as of {@code AtomicLong}, and between processes too. Each method is atomic; if a worker is
 * killed during a call, the call has had its whole effect or none. {@link #updateAndGet} changes one value only, and
 * does not lock others. Values are compared by their bits: 0.0 is not -0.0.
 *
 * <p><b>Lifetime.</b> A number from {@link #create} has a block of its own, which takes a file descriptor and a page;
 * {@link SharedMemory} describes its lifetime. {@link #in} places many numbers into one block: side by side to save
 * memory, or 64 bytes apart if different processes write them often, as writes to one cache line slow each other down.
 *
 * <p>Two objects are never equal, as with {@code AtomicLong} is.
 */
public final class SharedDouble extends SharedNumber {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle VALUE = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedDouble(Place place) {
        super(place);
    }

    /**
     * Makes a number, in a block of its own.
     *
     * @param initial the first value
     * @return the number; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDouble create(double initial) {
        var made = new SharedDouble(Place.create(Double.BYTES));
        made.set(initial);
        return made;
    }

    /**
     * Returns the number at a place in a block. It keeps its value, which is zero in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes; a multiple of 8
     * @return the number; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 8
     * @throws IndexOutOfBoundsException if the place does not lie in the block
     */
    public static SharedDouble in(SharedMemory memory, long offset) {
        return new SharedDouble(Place.in(memory, offset, Double.BYTES, Double.BYTES));
    }

    /**
     * Returns the value, with the memory effects of a volatile read.
     *
     * @return the value
     */
    public double get() {
        return Double.longBitsToDouble((long) VALUE.getVolatile(segment, 0L));
    }

    /**
     * Sets the value, with the memory effects of a volatile write.
     *
     * @param value the new value
     */
    public void set(double value) {
        VALUE.setVolatile(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Returns the value, without memory effects.
     *
     * @return the value
     */
    public double getPlain() {
        return Double.longBitsToDouble((long) VALUE.get(segment, 0L));
    }

    /**
     * Sets the value, without memory effects.
     *
     * @param value the new value
     */
    public void setPlain(double value) {
        VALUE.set(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Returns the value. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @return the value
     */
    public double getAcquire() {
        return Double.longBitsToDouble((long) VALUE.getAcquire(segment, 0L));
    }

    /**
     * Sets the value. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param value the new value
     */
    public void setRelease(double value) {
        VALUE.setRelease(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Replaces the value.
     *
     * @param value the new value
     * @return the value before
     */
    public double getAndSet(double value) {
        return Double.longBitsToDouble((long) VALUE.getAndSet(segment, 0L, Double.doubleToRawLongBits(value)));
    }

    /**
     * Sets the value if it is the expected one, bit for bit.
     *
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(double expected, double value) {
        return VALUE.compareAndSet(segment, 0L, Double.doubleToRawLongBits(expected),
                Double.doubleToRawLongBits(value));
    }

    /**
     * Sets the value if it is the expected one, bit for bit.
     *
     * @param expected the expected value
     * @param value the new value
     * @return the value before: the expected value if the new value was set
     */
    public double compareAndExchange(double expected, double value) {
        return Double.longBitsToDouble((long) VALUE.compareAndExchange(
                segment, 0L, Double.doubleToRawLongBits(expected), Double.doubleToRawLongBits(value)));
    }

    /**
     * Adds to the value.
     *
     * @param delta the number to add
     * @return the value before
     */
    public double getAndAdd(double delta) {
        return getAndUpdate(seen -> seen + delta);
    }

    /**
     * Adds to the value.
     *
     * @param delta the number to add
     * @return the value after
     */
    public double addAndGet(double delta) {
        return updateAndGet(seen -> seen + delta);
    }

    /**
     * Replaces the value by the result of a function of it.
     *
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public double updateAndGet(DoubleUnaryOperator update) {
        return AtomicUpdates.updateAndGetDouble(segment, 0L, update);
    }

    /**
     * Replaces the value by the result of a function of it.
     *
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public double getAndUpdate(DoubleUnaryOperator update) {
        return AtomicUpdates.getAndUpdateDouble(segment, 0L, update);
    }

    /**
     * Replaces the value by the result of a function of the value and an operand.
     *
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public double accumulateAndGet(double operand, DoubleBinaryOperator function) {
        return updateAndGet(seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Replaces the value by the result of a function of the value and an operand.
     *
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public double getAndAccumulate(double operand, DoubleBinaryOperator function) {
        return getAndUpdate(seen -> function.applyAsDouble(seen, operand));
    }

    @Override
    public int intValue() {
        return (int) get();
    }

    @Override
    public long longValue() {
        return (long) get();
    }

    @Override
    public float floatValue() {
        return (float) get();
    }

    @Override
    public double doubleValue() {
        return get();
    }

    @Override
    public String toString() {
        return Double.toString(get());
    }

    @Serial
    private Object readResolve() {
        return new SharedDouble(place);
    }
}
