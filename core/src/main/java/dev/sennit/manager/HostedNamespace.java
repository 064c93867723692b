package dev.sennit.manager;

import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A namespace in a manager's server. */
final class HostedNamespace implements ManagedNamespace {
    /** Guarded by this. */
    private final TreeMap<String, @Nullable Object> values = new TreeMap<>();

    @Override
    public synchronized @Nullable Object get(String name) {
        if (!has(name)) {
            throw new NoSuchElementException("the namespace has no \"" + name + "\"");
        }
        return values.get(name);
    }

    @Override
    public synchronized void set(String name, @Nullable Object value) {
        values.put(Objects.requireNonNull(name, "name"), value);
    }

    @Override
    public synchronized boolean delete(String name) {
        boolean had = has(name);
        values.remove(name);
        return had;
    }

    @Override
    public synchronized boolean has(String name) {
        return values.containsKey(Objects.requireNonNull(name, "name"));
    }

    @Override
    public synchronized Map<String, @Nullable Object> toMap() {
        return new TreeMap<>(values);
    }
}
