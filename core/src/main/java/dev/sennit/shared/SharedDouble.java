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
 * <p>A task captures it, and it is the same number in the worker.
 *
 * {@snippet :
 * try (SharedDouble sum = SharedDouble.create(0);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(0.5, 0.25), part -> sum.addAndGet(part));
 *     System.out.println(sum.get()); // 0.75
 * }
 * }
 *
 * <p><b>Memory effects</b> as of {@code AtomicLong}, and between processes too. Each method is atomic on its own; a
 * worker that is killed has done all of it or nothing. {@link #updateAndGet} is for one value: it keeps nobody away
 * from others. Values are compared by their bits: 0.0 is not -0.0.
 *
 * <p><b>Life.</b> One that was made by {@link #create} has a block, and with it a file descriptor and a page, of its
 * own, for as long as {@link SharedMemory} says. Many go into one block with {@link #in}: side by side to save memory,
 * 64 bytes apart where different processes write them often, as those on one cache line slow each other down.
 *
 * <p>It is equal only to itself, as {@code AtomicLong} is.
 */
public final class SharedDouble extends SharedNumber {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle VALUE = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedDouble(Place place) {
        super(place);
    }

    /**
     * Makes one, in a block of its own.
     *
     * @param initial its first value
     * @return the number; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedDouble create(double initial) {
        var made = new SharedDouble(Place.create(Double.BYTES));
        made.set(initial);
        return made;
    }

    /**
     * The number at a place in a block, whatever is there: zero in a new one.
     *
     * @param memory the block
     * @param offset where, in bytes; a multiple of 8
     * @return the number; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 8
     * @throws IndexOutOfBoundsException if it does not lie in the block
     */
    public static SharedDouble in(SharedMemory memory, long offset) {
        return new SharedDouble(Place.in(memory, offset, Double.BYTES, Double.BYTES));
    }

    /**
     * Its value, as of a volatile variable.
     *
     * @return the value
     */
    public double get() {
        return Double.longBitsToDouble((long) VALUE.getVolatile(segment, 0L));
    }

    /**
     * Sets it, as a volatile variable.
     *
     * @param value the new value
     */
    public void set(double value) {
        VALUE.setVolatile(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Its value, without any order.
     *
     * @return the value
     */
    public double getPlain() {
        return Double.longBitsToDouble((long) VALUE.get(segment, 0L));
    }

    /**
     * Sets it, without any order.
     *
     * @param value the new value
     */
    public void setPlain(double value) {
        VALUE.set(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Its value; what its writer did before {@link #setRelease} is seen after this.
     *
     * @return the value
     */
    public double getAcquire() {
        return Double.longBitsToDouble((long) VALUE.getAcquire(segment, 0L));
    }

    /**
     * Sets it; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param value the new value
     */
    public void setRelease(double value) {
        VALUE.setRelease(segment, 0L, Double.doubleToRawLongBits(value));
    }

    /**
     * Sets it.
     *
     * @param value the new value
     * @return the one before
     */
    public double getAndSet(double value) {
        return Double.longBitsToDouble((long) VALUE.getAndSet(segment, 0L, Double.doubleToRawLongBits(value)));
    }

    /**
     * Sets it if it has the expected value, bit for bit.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(double expected, double value) {
        return VALUE.compareAndSet(segment, 0L, Double.doubleToRawLongBits(expected),
                Double.doubleToRawLongBits(value));
    }

    /**
     * Sets it if it has the expected value, bit for bit.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return what it was: the expected value if it is set
     */
    public double compareAndExchange(double expected, double value) {
        return Double.longBitsToDouble((long) VALUE.compareAndExchange(
                segment, 0L, Double.doubleToRawLongBits(expected), Double.doubleToRawLongBits(value)));
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
     * @return the value before
     */
    public double getAndAdd(double delta) {
        return getAndUpdate(seen -> seen + delta);
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
     * @return the value after
     */
    public double addAndGet(double delta) {
        return updateAndGet(seen -> seen + delta);
    }

    /**
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public double updateAndGet(DoubleUnaryOperator update) {
        return AtomicUpdates.updateAndGetDouble(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value before
     */
    public double getAndUpdate(DoubleUnaryOperator update) {
        return AtomicUpdates.getAndUpdateDouble(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public double accumulateAndGet(double operand, DoubleBinaryOperator function) {
        return updateAndGet(seen -> function.applyAsDouble(seen, operand));
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
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
