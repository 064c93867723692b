package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.Serial;
import java.lang.invoke.VarHandle;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/**
 * An {@code int} that processes share: an {@link java.util.concurrent.atomic.AtomicInteger} in {@link SharedMemory}.
 *
 * <p>A task captures it, and it is the same number in the worker.
 *
 * {@snippet :
 * try (SharedInt best = SharedInt.create(Integer.MAX_VALUE);
 *         Pool pool = Pools.open("processes:2")) {
 *     pool.forEach(List.of(7, 3, 5), length -> best.accumulateAndGet(length, Math::min));
 *     System.out.println(best.get()); // 3
 * }
 * }
 *
 * <p><b>Memory effects</b> as of {@code AtomicInteger}, and between processes too. Each method is atomic on its own; a
 * worker that is killed has done all of it or nothing. {@link #updateAndGet} is for one value: it keeps nobody away
 * from others.
 *
 * <p><b>Life.</b> One that was made by {@link #create} has a block, and with it a file descriptor and a page, of its
 * own, for as long as {@link SharedMemory} says. Many go into one block with {@link #in}: side by side to save memory,
 * 64 bytes apart where different processes write them often, as those on one cache line slow each other down.
 *
 * <p>It is equal only to itself, as {@code AtomicInteger} is.
 */
public final class SharedInt extends SharedNumber {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final VarHandle VALUE = JAVA_INT.varHandle().withInvokeExactBehavior();

    SharedInt(Place place) {
        super(place);
    }

    /**
     * Makes one, in a block of its own.
     *
     * @param initial its first value
     * @return the number; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedInt create(int initial) {
        var made = new SharedInt(Place.create(Integer.BYTES));
        made.set(initial);
        return made;
    }

    /**
     * The number at a place in a block, whatever is there: zero in a new one.
     *
     * @param memory the block
     * @param offset where, in bytes; a multiple of 4
     * @return the number; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 4
     * @throws IndexOutOfBoundsException if it does not lie in the block
     */
    public static SharedInt in(SharedMemory memory, long offset) {
        return new SharedInt(Place.in(memory, offset, Integer.BYTES, Integer.BYTES));
    }

    /**
     * Its value, as of a volatile variable.
     *
     * @return the value
     */
    public int get() {
        return (int) VALUE.getVolatile(segment, 0L);
    }

    /**
     * Sets it, as a volatile variable.
     *
     * @param value the new value
     */
    public void set(int value) {
        VALUE.setVolatile(segment, 0L, value);
    }

    /**
     * Its value, without any order.
     *
     * @return the value
     */
    public int getPlain() {
        return (int) VALUE.get(segment, 0L);
    }

    /**
     * Sets it, without any order.
     *
     * @param value the new value
     */
    public void setPlain(int value) {
        VALUE.set(segment, 0L, value);
    }

    /**
     * Its value; what its writer did before {@link #setRelease} is seen after this.
     *
     * @return the value
     */
    public int getAcquire() {
        return (int) VALUE.getAcquire(segment, 0L);
    }

    /**
     * Sets it; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param value the new value
     */
    public void setRelease(int value) {
        VALUE.setRelease(segment, 0L, value);
    }

    /**
     * Sets it.
     *
     * @param value the new value
     * @return the one before
     */
    public int getAndSet(int value) {
        return (int) VALUE.getAndSet(segment, 0L, value);
    }

    /**
     * Sets it if it has the expected value.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(int expected, int value) {
        return VALUE.compareAndSet(segment, 0L, expected, value);
    }

    /**
     * Sets it if it has the expected value.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return what it was: the expected value if it is set
     */
    public int compareAndExchange(int expected, int value) {
        return (int) VALUE.compareAndExchange(segment, 0L, expected, value);
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
     * @return the value before
     */
    public int getAndAdd(int delta) {
        return (int) VALUE.getAndAdd(segment, 0L, delta);
    }

    /**
     * Adds to it.
     *
     * @param delta what is added
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
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public int updateAndGet(IntUnaryOperator update) {
        return AtomicUpdates.updateAndGetInt(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it.
     *
     * @param update is called again when somebody else was faster; should have no side effects
     * @return the value before
     */
    public int getAndUpdate(IntUnaryOperator update) {
        return AtomicUpdates.getAndUpdateInt(segment, 0L, update);
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
     * @return the value after
     */
    public int accumulateAndGet(int operand, IntBinaryOperator function) {
        return updateAndGet(seen -> function.applyAsInt(seen, operand));
    }

    /**
     * Replaces it by what a function makes of it and an operand.
     *
     * @param operand the function's second argument
     * @param function is called again when somebody else was faster; should have no side effects
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
