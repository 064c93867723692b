package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.Serial;
import java.lang.invoke.VarHandle;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * A {@code long} that processes share: an {@link java.util.concurrent.atomic.AtomicLong} in {@link SharedMemory}.
 *
 * <p>A task captures it, and it is the same number in the worker.
 *
 * {@snippet :
 * try (SharedLong count = SharedLong.create(0);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of("a", "b", "c"), file -> count.incrementAndGet());
 *     System.out.println(count.get()); // 3
 * }
 * }
 *
 * <p><b>Memory effects</b> as of {@code AtomicLong}, and between processes too. Each method is atomic on its own; a
 * worker that is killed has done all of it or nothing. {@link #updateAndGet} is for one value: it keeps nobody away
 * from others.
 *
 * <p><b>Life.</b> One that was made by {@link #create} has a block, and with it a file descriptor and a page, of its
 * own, for as long as {@link SharedMemory} says. Many go into one block with {@link #in}: side by side to save memory,
 * 64 bytes apart where different processes write them often, as those on one cache line slow each other down.
 *
 * <p>It is equal only to itself, as {@code AtomicLong} is.
 */
public final class SharedLong extends SharedNumber {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle VALUE = JAVA_LONG.varHandle().withInvokeExactBehavior();

    SharedLong(Place place) {
        super(place);
    }

    /**
     * Makes one, in a block of its own.
     *
     * @param initial its first value
     * @return the number; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedLong create(long initial) {
        var made = new SharedLong(Place.create(Long.BYTES));
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
    public static SharedLong in(SharedMemory memory, long offset) {
        return new SharedLong(Place.in(memory, offset, Long.BYTES, Long.BYTES));
    }

    /**
     * Its value, as of a volatile variable.
     *
     * @return the value
     */
    public long get() {
        return (long) VALUE.getVolatile(segment, 0L);
    }

    /**
     * Sets it, as a volatile variable.
     *
     * @param value the new value
     */
    public void set(long value) {
        VALUE.setVolatile(segment, 0L, value);
    }

    /**
     * Its value, without any order.
     *
     * @return the value
     */
    public long getPlain() {
        return (long) VALUE.get(segment, 0L);
    }

    /**
     * Sets it, without any order.
     *
     * @param value the new value
     */
    public void setPlain(long value) {
        VALUE.set(segment, 0L, value);
    }

    /**
     * Its value; what its writer did before {@link #setRelease} is seen after this.
     *
     * @return the value
     */
    public long getAcquire() {
        return (long) VALUE.getAcquire(segment, 0L);
    }

    /**
     * Sets it; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param value the new value
     */
    public void setRelease(long value) {
        VALUE.setRelease(segment, 0L, value);
    }

    /**
     * Sets it.
     *
     * @param value the new value
     * @return the one before
     */
    public long getAndSet(long value) {
        return (long) VALUE.getAndSet(segment, 0L, value);
    }

    /**
     * Sets it if it has the expected value.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(long expected, long value) {
        return VALUE.compareAndSet(segment, 0L, expected, value);
    }

    /**
     * Sets it if it has the expected value.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return what it was: the expected value if it is set
     */
    public long compareAndExchange(long expected, long value) {
        return (long) VALUE.compareAndExchange(segment, 0L, expected, value);
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
     * @return the value before
     */
    public long getAndAdd(long delta) {
        return (long) VALUE.getAndAdd(segment, 0L, delta);
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
     * @return the value after
     */
    public long addAndGet(long delta) {
        return getAndAdd(delta) + delta;
    }

    /**
     * Adds 1.
     *
     * @return the value before
     */
    public long getAndIncrement() {
        return getAndAdd(1);
    }

    /**
     * Adds 1.
     *
     * @return the value after
     */
    public long incrementAndGet() {
        return addAndGet(1);
    }

    /**
     * Subtracts 1.
     *
     * @return the value before
     */
    public long getAndDecrement() {
        return getAndAdd(-1);
    }

    /**
     * Subtracts 1.
     *
     * @return the value after
     */
    public long decrementAndGet() {
        return addAndGet(-1);
    }

    /**
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public long updateAndGet(LongUnaryOperator update) {
        return AtomicUpdates.updateAndGetLong(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value before
     */
    public long getAndUpdate(LongUnaryOperator update) {
        return AtomicUpdates.getAndUpdateLong(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public long accumulateAndGet(long operand, LongBinaryOperator function) {
        return updateAndGet(seen -> function.applyAsLong(seen, operand));
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return the value before
     */
    public long getAndAccumulate(long operand, LongBinaryOperator function) {
        return getAndUpdate(seen -> function.applyAsLong(seen, operand));
    }

    @Override
    public int intValue() {
        return (int) get();
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
        return Long.toString(get());
    }

    @Serial
    private Object readResolve() {
        return new SharedLong(place);
    }
}
