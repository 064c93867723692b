package dev.sennit.manager;

import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One value in a manager, or null: an {@link java.util.concurrent.atomic.AtomicReference} for several processes, which compares
 * by {@code equals}, as what comes from the manager is always a copy.
 *
 * @param <T> the type of the value
 */
public interface ManagedValue<T> {
    /**
     * The value.
     *
     * @return a copy of it
     */
    @Nullable T get();

    /**
     * Sets the value.
     *
     * @param value what is copied there
     */
    void set(@Nullable T value);

    /**
     * Sets the value.
     *
     * @param value what is copied there
     * @return the value before
     */
    @Nullable T getAndSet(@Nullable T value);

    /**
     * Sets the value if it equals another.
     *
     * @param before what it has to equal
     * @param after what it becomes then
     * @return whether it was set
     */
    boolean compareAndSet(@Nullable T before, @Nullable T after);

    /**
     * Changes the value by a function, which runs here, and again whenever somebody else was quicker.
     *
     * @param function makes a new value of the present one, without other effects
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
