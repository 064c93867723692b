package dev.sennit.manager;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a value that is looked for in a collection of a manager's server: each comparison is a step of the call's {@code Effort}.
 * Good for collections that ask what is looked for whether it equals an element, as those of the JDK do.
 */
final class Probe {
    private final Object value;

    private Probe(Object value) {
        this.value = value;
    }

    /** What to look for; null for null. */
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
