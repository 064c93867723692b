package dev.sennit.manager;

import dev.sennit.shared.SharedLongArray;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of values in a manager, each of which may be null: an
 * {@link java.util.concurrent.atomic.AtomicReferenceArray} for several processes. It compares values by {@code equals},
 * as a value that comes from the manager is always a copy.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:2")) {
 *     ManagedArray<Integer> sums = manager.client().newArray(java.util.List.of(0, 0));
 *     pool.forEach(java.util.List.of(1, 2, 3, 4), n -> sums.updateAndGet(n % 2, sum -> sum + n));
 *     System.out.println(sums.toList()); // [6, 4]
 * }
 * }
 *
 * <p>Each method is one call, and atomic. For numbers that are read often, use {@link SharedLongArray} and similar
 * classes.
 *
 * @param <T> the type of the values
 */
public interface ManagedArray<T> {
    /**
     * Returns how many values there are.
     *
     * @return the length, which never changes
     */
    int length();

    /**
     * Returns a value.
     *
     * @param index of the value
     * @return a copy of it
     * @throws IndexOutOfBoundsException if there is no such value
     */
    @Nullable T get(int index);

    /**
     * Sets a value.
     *
     * @param index of the value
     * @param value the new value, which is copied
     * @throws IndexOutOfBoundsException if there is no such value
     */
    void set(int index, @Nullable T value);

    /**
     * Sets a value, and returns the old one.
     *
     * @param index of the value
     * @param value the new value, which is copied
     * @return the value before
     * @throws IndexOutOfBoundsException if there is no such value
     */
    @Nullable T getAndSet(int index, @Nullable T value);

    /**
     * Sets a value if it equals an expected value.
     *
     * @param index of the value
     * @param before the expected value
     * @param after the new value
     * @return whether it was set
     * @throws IndexOutOfBoundsException if there is no such value
     */
    boolean compareAndSet(int index, @Nullable T before, @Nullable T after);

    /**
     * Changes a value by a function, which runs here, and again whenever another caller was quicker.
     *
     * @param index of the value
     * @param function computes a new value from the present one, without other effects
     * @return the new value
     * @throws IndexOutOfBoundsException if there is no such value
     */
    default @Nullable T updateAndGet(int index, UnaryOperator<@Nullable T> function) {
        Objects.requireNonNull(function, "function");
        while (true) {
            T before = get(index);
            T after = function.apply(before);
            if (compareAndSet(index, before, after)) {
                return after;
            }
        }
    }

    /**
     * Returns all values at one moment.
     *
     * @return a copy
     */
    List<@Nullable T> toList();

    /**
     * Sets all values at once.
     *
     * @param values as many as the array has
     * @throws IllegalArgumentException if they are more or fewer; then nothing is set
     */
    void setAll(List<? extends @Nullable T> values);
}
