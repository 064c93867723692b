package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;

/**
 * A flag that processes share: an {@link java.util.concurrent.atomic.AtomicBoolean} in {@link SharedMemory}.
 *
 * <p>A task captures the flag, and the worker uses the same memory.
 *
 * {@snippet :
 * try (SharedBoolean stop = SharedBoolean.create(false);
 *         Pool pool = Pools.open("processes:1")) {
 *     var rounds = pool.submit(() -> {
 *         long n = 0;
 *         while (!stop.get()) {
 *             n++;
 *         }
 *         return n;
 *     });
 *     stop.set(true);
 *     System.out.println(rounds.get());
 * }
 * }
 *
 * <p><b>Memory effects</b>, lifetime, and the sharing of blocks are as with {@link SharedInt}. A flag takes 4 bytes: 0
 * is false, 1 is true. Two objects are never equal.
 */
public final class SharedBoolean implements Serializable, AutoCloseable {
    @Serial
    private static final long serialVersionUID = 1L;

    private final SharedInt value;

    SharedBoolean(SharedInt value) {
        this.value = value;
    }

    /**
     * Makes a flag, in a block of its own.
     *
     * @param initial the first value
     * @return the flag; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedBoolean create(boolean initial) {
        return new SharedBoolean(SharedInt.create(number(initial)));
    }

    /**
     * Returns the flag at a place in a block. It keeps its value, which is false in a new block.
     *
     * @param memory the block
     * @param offset the place, in bytes; a multiple of 4
     * @return the flag; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 4
     * @throws IndexOutOfBoundsException if the place does not lie in the block
     */
    public static SharedBoolean in(SharedMemory memory, long offset) {
        return new SharedBoolean(SharedInt.in(memory, offset));
    }

    private static int number(boolean value) {
        return value ? 1 : 0;
    }

    /**
     * Returns the value, with the memory effects of a volatile read.
     *
     * @return the value
     */
    public boolean get() {
        return value.get() != 0;
    }

    /**
     * Sets the value, with the memory effects of a volatile write.
     *
     * @param value the new value
     */
    public void set(boolean value) {
        this.value.set(number(value));
    }

    /**
     * Returns the value, without memory effects.
     *
     * @return the value
     */
    public boolean getPlain() {
        return value.getPlain() != 0;
    }

    /**
     * Sets the value, without memory effects.
     *
     * @param value the new value
     */
    public void setPlain(boolean value) {
        this.value.setPlain(number(value));
    }

    /**
     * Returns the value. Actions of a thread before its {@link #setRelease} are visible after this read.
     *
     * @return the value
     */
    public boolean getAcquire() {
        return value.getAcquire() != 0;
    }

    /**
     * Sets the value. A thread that reads it with {@link #getAcquire} sees all earlier actions of this thread.
     *
     * @param value the new value
     */
    public void setRelease(boolean value) {
        this.value.setRelease(number(value));
    }

    /**
     * Replaces the value.
     *
     * @param value the new value
     * @return the value before
     */
    public boolean getAndSet(boolean value) {
        return this.value.getAndSet(number(value)) != 0;
    }

    /**
     * Sets the value if it is the expected one.
     *
     * @param expected the expected value
     * @param value the new value
     * @return whether the value was the expected one, and was set
     */
    public boolean compareAndSet(boolean expected, boolean value) {
        return this.value.compareAndSet(number(expected), number(value));
    }

    Place place() {
        return value.place;
    }

    /**
     * Returns the block that contains it.
     *
     * @return the block that was made for it, or in which it was placed
     */
    public SharedMemory memory() {
        return value.memory();
    }

    /**
     * Returns its place in the block.
     *
     * @return the bytes from the block's start
     */
    public long offset() {
        return value.offset();
    }

    /**
     * Frees the block that was made for it, as {@link SharedMemory#close} does. Does nothing if it was placed in
     * another block.
     */
    @Override
    public void close() {
        value.close();
    }

    @Override
    public String toString() {
        return Boolean.toString(get());
    }
}
