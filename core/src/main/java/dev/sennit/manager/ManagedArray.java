package dev.sennit.manager;

import dev.sennit.shared.SharedLongArray;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of values in a manager, each of which may be null: an {@link
 * java.util.concurrent.atomic.AtomicReferenceArray} for several processes, which compares by {@code equals}, as what comes from the
 * manager is always a copy.
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
 * <p>Each method is one call, and atomic. For numbers that are read often, see {@link SharedLongArray} and its like.
 *
 * @param <T> the type of the values
 */
public interface ManagedArray<T> {
    /**
     * How many values there are.
     *
     * @return always the same
     */
    int length();

    /**
     * A value.
     *
     * @param index which
     * @return a copy of it
     * @throws IndexOutOfBoundsException if there is no such one
     */
    @Nullable T get(int index);

    /**
     * Sets a value.
     *
     * @param index which
     * @param value what is copied there
     * @throws IndexOutOfBoundsException if there is no such one
     */
    void set(int index, @Nullable T value);

    /**
     * Sets a value.
     *
     * @param index which
     * @param value what is copied there
     * @return the value before
     * @throws IndexOutOfBoundsException if there is no such one
     */
    @Nullable T getAndSet(int index, @Nullable T value);

    /**
     * Sets a value if it equals another.
     *
     * @param index which
     * @param before what it has to equal
     * @param after what it becomes then
     * @return whether it was set
     * @throws IndexOutOfBoundsException if there is no such one
     */
    boolean compareAndSet(int index, @Nullable T before, @Nullable T after);

    /**
     * Changes a value by a function, which runs here, and again whenever somebody else was quicker.
     *
     * @param index which
     * @param function makes a new value of the present one, without other effects
     * @return the new value
     * @throws IndexOutOfBoundsException if there is no such one
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
     * All values, at one moment.
     *
     * @return a copy
     */
    List<@Nullable T> toList();

    /**
     * Sets all values at once.
     *
     * @param values as many as there are
     * @throws IllegalArgumentException if they are more or fewer; then nothing is set
     */
    void setAll(List<? extends @Nullable T> values);
}
