package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.Serial;
import java.lang.invoke.VarHandle;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/**
 * An {@code int} that processes share: an {@link java.util.concurrent.atomic.AtomicInteger} in {@link SharedMemory}.
 *
 * <p>A task captures the number, and the worker uses the same memory.
 *
 * {@snippet :
 * try (SharedInt best = SharedInt.create(Integer.MAX_VALUE);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(7, 3, 5), length -> best.accumulateAndGet(length, Math::min));
 *     System.out.println(best.get()); // 3
 * }
 * }
 *
 * <p><b>Memory effects</b> as of {@code AtomicInteger}, and between processes too. Each method is atomic; if a worker
 * is killed during a call, the call has had its whole effect or none. {@link #updateAndGet} changes one value only, and
 * does not lock others.
 *
 * <p><b>Lifetime.</b> A number from {@link #create} has a block of its own, which takes a file descriptor and a page;
 * {@link SharedMemory} describes its lifetime. {@link #in} places many numbers into one block: side by side to save
 * memory, or 64 bytes apart if different processes write them often, as writes to one cache line slow each other down.
 *
 * <p>Two objects are never equal, as with {@code AtomicInteger} is.
 */
public final class SharedInt extends SharedNumber {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle VALUE = JAVA_INT.varHandle().withInvokeExactBehavior();

    SharedInt(Place place) {
        super(place);
    }

    /**
     * Makes a number, in a block of its own.
     *
     * @param initial the first value
     * @return the number; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedInt create(int initial) {
        var made = new SharedInt(Place.create(Integer.BYTES));
        made.set(initial);
        return made;
    }

    /**
     * Returns the number at a place in a block. It keeps its value, which is zero in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes; a multiple of 4
     * @return the number; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 4
     * @throws IndexOutOfBoundsException if the place does not lie in the block
     */
    public static SharedInt in(SharedMemory memory, long offset) {
        return new SharedInt(Place.in(memory, offset, Integer.BYTES, Integer.BYTES));
    }

    /**
     * Returns the value, with the memory effects of a volatile read.
     *
     * @return the value
     */
    public int get() {
        return (int) VALUE.getVolatile(segment, 0L);
    }

    /**
     * Sets the value, with the memory effects of a volatile write.
     *
     * @param value the new value
     */
    public void set(int value) {
        VALUE.setVolatile(segment, 0L, value);
    }

    /**
     * Returns the value, without memory effects.
     *
     * @return the value
     */
    public int getPlain() {
        return (int) VALUE.get(segment, 0L);
    }

    /**
     * Sets the value, without memory effects.
     *
     * @param value the new value
     */
    public void setPlain(int value) {
        VALUE.set(segment, 0L, value);
    }

    /**
     * Returns the value. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @return the value
     */
    public int getAcquire() {
        return (int) VALUE.getAcquire(segment, 0L);
    }

    /**
     * Sets the value. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param value the new value
     */
    public void setRelease(int value) {
        VALUE.setRelease(segment, 0L, value);
    }

    /**
     * Replaces the value.
     *
     * @param value the new value
     * @return the value before
     */
    public int getAndSet(int value) {
        return (int) VALUE.getAndSet(segment, 0L, value);
    }

    /**
     * Sets the value if it is the expected one.
     *
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(int expected, int value) {
        return VALUE.compareAndSet(segment, 0L, expected, value);
    }

    /**
     * Sets the value if it is the expected one.
     *
     * @param expected the expected value
     * @param value the new value
     * @return the value before: the expected value if the new value was set
     */
    public int compareAndExchange(int expected, int value) {
        return (int) VALUE.compareAndExchange(segment, 0L, expected, value);
    }

    /**
     * Adds to the value.
     *
     * @param delta the number to add
     * @return the value before
     */
    public int getAndAdd(int delta) {
        return (int) VALUE.getAndAdd(segment, 0L, delta);
    }

    /**
     * Adds to the value.
     *
     * @param delta the number to add
     * @return the value after
     */
    public int addAndGet(int delta) {
        return getAndAdd(delta) + delta;
    }

    /**
     * Adds 1.
     *
     * @return the value before
     */
    public int getAndIncrement() {
        return getAndAdd(1);
    }

    /**
     * Adds 1.
     *
     * @return the value after
     */
    public int incrementAndGet() {
        return addAndGet(1);
    }

    /**
     * Subtracts 1.
     *
     * @return the value before
     */
    public int getAndDecrement() {
        return getAndAdd(-1);
    }

    /**
     * Subtracts 1.
     *
     * @return the value after
     */
    public int decrementAndGet() {
        return addAndGet(-1);
    }

    /**
     * Replaces the value by the result of a function of it.
     *
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public int updateAndGet(IntUnaryOperator update) {
        return AtomicUpdates.updateAndGetInt(segment, 0L, update);
    }

    /**
     * Replaces the value by the result of a function of it.
     *
     * @param update a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public int getAndUpdate(IntUnaryOperator update) {
        return AtomicUpdates.getAndUpdateInt(segment, 0L, update);
    }

    /**
     * Replaces the value by the result of a function of the value and an operand.
     *
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value after
     */
    public int accumulateAndGet(int operand, IntBinaryOperator function) {
        return updateAndGet(seen -> function.applyAsInt(seen, operand));
    }

    /**
     * Replaces the value by the result of a function of the value and an operand.
     *
     * @param operand the function's second argument
     * @param function a function without side effects, as it is called again if another thread was faster
     * @return the value before
     */
    public int getAndAccumulate(int operand, IntBinaryOperator function) {
        return getAndUpdate(seen -> function.applyAsInt(seen, operand));
    }

    @Override
    public int intValue() {
        return get();
    }

    @Override
    public long longValue() {
        return get();
    }

    @Override
    public float floatValue() {
        return get();
    }

    @Override
    public double doubleValue() {
        return get();
    }

    @Override
    public String toString() {
        return Integer.toString(get());
    }

    @Serial
    private Object readResolve() {
        return new SharedInt(place);
    }
}
