package dev.sennit.manager;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a value that is searched for in a collection of a manager's server: each comparison is a step of the
 * call's {@code Effort}. For collections that call {@code equals} of the searched value and not of their elements, as
 * those of the JDK do.
 */
final class Probe {
    private final Object value;

    private Probe(Object value) {
        this.value = value;
    }

    /** Returns what to search for; null for null. */
    static @Nullable Object of(@Nullable Object value) {
        return value == null ? null : new Probe(value);
    }

    @Override
    public boolean equals(@Nullable Object element) {
        ServerCall.step();
        return value.equals(element);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(value);
    }
}
