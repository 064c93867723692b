package dev.sennit.manager;

import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One value in a manager, or null: an {@link java.util.concurrent.atomic.AtomicReference} for several processes. It
 * compares values by {@code equals}, as a value that comes from the manager is always a copy.
 *
 * @param <T> the type of the value
 */
public interface ManagedValue<T> {
    /**
     * Returns the value.
     *
     * @return a copy of it
     */
    @Nullable T get();

    /**
     * Sets the value.
     *
     * @param value the new value, which is copied
     */
    void set(@Nullable T value);

    /**
     * Sets the value, and returns the old one.
     *
     * @param value the new value, which is copied
     * @return the value before
     */
    @Nullable T getAndSet(@Nullable T value);

    /**
     * Sets the value if it equals an expected value.
     *
     * @param before the expected value
     * @param after the new value
     * @return whether it was set
     */
    boolean compareAndSet(@Nullable T before, @Nullable T after);

    /**
     * Changes the value by a function, which runs here, and again whenever another caller was quicker.
     *
     * @param function computes a new value from the present one, without other effects
     * @return the new value
     */
    default @Nullable T updateAndGet(UnaryOperator<@Nullable T> function) {
        Objects.requireNonNull(function, "function");
        while (true) {
            T before = get();
            T after = function.apply(before);
            if (compareAndSet(before, after)) {
                return after;
            }
        }
    }
}
