package dev.sennit.manager;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An array in a manager's server. */
final class HostedArray implements ManagedArray<Object> {
    /** Its elements are guarded by this. */
    private final @Nullable Object[] values;

    HostedArray(@Nullable Object[] initial) {
        values = Arrays.copyOf(initial, initial.length, Object[].class);
    }

    @Override
    public int length() {
        return values.length;
    }

    @Override
    public synchronized @Nullable Object get(int index) {
        return values[index];
    }

    @Override
    public synchronized void set(int index, @Nullable Object value) {
        values[index] = value;
    }

    @Override
    public synchronized @Nullable Object getAndSet(int index, @Nullable Object value) {
        Object before = values[index];
        values[index] = value;
        return before;
    }

    @Override
    public synchronized boolean compareAndSet(int index, @Nullable Object before, @Nullable Object after) {
        boolean equal = Objects.equals(values[index], before);
        if (equal) {
            values[index] = after;
        }
        return equal;
    }

    @Override
    public synchronized List<@Nullable Object> toList() {
        return new ArrayList<@Nullable Object>(Arrays.asList(values));
    }

    @Override
    public synchronized void setAll(List<? extends @Nullable Object> replacement) {
        @Nullable Object[] copy = replacement.toArray();
        if (copy.length != values.length) {
            throw new IllegalArgumentException("values must be " + values.length + ", were " + copy.length);
        }
        System.arraycopy(copy, 0, values, 0, copy.length);
    }
}
