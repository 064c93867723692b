package dev.sennit.shared;

import java.io.Serial;
import java.io.Serializable;

/**
 * A flag that processes share: an {@link java.util.concurrent.atomic.AtomicBoolean} in {@link SharedMemory}.
 *
 * <p>A task captures it, and it is the same flag in the worker.
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
 * <p><b>Memory effects</b>, life, and how many share a block, as of {@link SharedInt}, whose 4 bytes it takes: 0 is
 * false, 1 is true. It is equal only to itself.
 */
public final class SharedBoolean implements Serializable, AutoCloseable {
    @Serial
    private static final long serialVersionUID = 1L;

    private final SharedInt value;

    SharedBoolean(SharedInt value) {
        this.value = value;
    }

    /**
     * Makes one, in a block of its own.
     *
     * @param initial its first value
     * @return the flag; close it when no process needs it any more
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedBoolean create(boolean initial) {
        return new SharedBoolean(SharedInt.create(number(initial)));
    }

    /**
     * The flag at a place in a block, whatever is there: false in a new one.
     *
     * @param memory the block
     * @param offset where, in bytes; a multiple of 4
     * @return the flag; closing it does not close the block
     * @throws IllegalArgumentException if the offset is not a multiple of 4
     * @throws IndexOutOfBoundsException if it does not lie in the block
     */
    public static SharedBoolean in(SharedMemory memory, long offset) {
        return new SharedBoolean(SharedInt.in(memory, offset));
    }

    private static int number(boolean value) {
        return value ? 1 : 0;
    }

    /**
     * Its value, as of a volatile variable.
     *
     * @return the value
     */
    public boolean get() {
        return value.get() != 0;
    }

    /**
     * Sets it, as a volatile variable.
     *
     * @param value the new value
     */
    public void set(boolean value) {
        this.value.set(number(value));
    }

    /**
     * Its value, without any order.
     *
     * @return the value
     */
    public boolean getPlain() {
        return value.getPlain() != 0;
    }

    /**
     * Sets it, without any order.
     *
     * @param value the new value
     */
    public void setPlain(boolean value) {
        this.value.setPlain(number(value));
    }

    /**
     * Its value; what its writer did before {@link #setRelease} is seen after this.
     *
     * @return the value
     */
    public boolean getAcquire() {
        return value.getAcquire() != 0;
    }

    /**
     * Sets it; what was done before is seen by who reads it with {@link #getAcquire}.
     *
     * @param value the new value
     */
    public void setRelease(boolean value) {
        this.value.setRelease(number(value));
    }

    /**
     * Sets it.
     *
     * @param value the new value
     * @return the one before
     */
    public boolean getAndSet(boolean value) {
        return this.value.getAndSet(number(value)) != 0;
    }

    /**
     * Sets it if it has the expected value.
     *
     * @param expected what it has to be
     * @param value the new value
     * @return whether it was, and is set
     */
    public boolean compareAndSet(boolean expected, boolean value) {
        return this.value.compareAndSet(number(expected), number(value));
    }

    Place place() {
        return value.place;
    }

    /**
     * The block that it lies in.
     *
     * @return the one made for it, or the one it was placed in
     */
    public SharedMemory memory() {
        return value.memory();
    }

    /**
     * Where in the block it lies.
     *
     * @return bytes from the block's start
     */
    public long offset() {
        return value.offset();
    }

    /**
     * Frees the block that was made for it, as {@link SharedMemory#close} says; of one that was placed in somebody's
     * block, nothing.
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
