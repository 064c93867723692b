package dev.sennit.manager;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A value in a manager's server. */
final class HostedValue implements ManagedValue<Object> {
    /** Guarded by this. */
    private @Nullable Object value;

    HostedValue(@Nullable Object initial) {
        value = initial;
    }

    @Override
    public synchronized @Nullable Object get() {
        return value;
    }

    @Override
    public synchronized void set(@Nullable Object after) {
        value = after;
    }

    @Override
    public synchronized @Nullable Object getAndSet(@Nullable Object after) {
        Object before = value;
        value = after;
        return before;
    }

    @Override
    public synchronized boolean compareAndSet(@Nullable Object before, @Nullable Object after) {
        boolean equal = Objects.equals(value, before);
        if (equal) {
            value = after;
        }
        return equal;
    }
}
