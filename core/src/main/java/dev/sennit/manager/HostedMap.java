package dev.sennit.manager;

import dev.sennit.manager.wire.MapOperations;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A map in a manager's server. */
final class HostedMap implements MapOperations {
    private final ConcurrentHashMap<Key, Object> map = new ConcurrentHashMap<>();

    /**
     * A key with its hash. Clients may choose keys that all have the same hash, so each comparison with another key is
     * a step of the call's {@code Effort}. Comparable classes of the JDK keep their order, which lets the map find one
     * of many such keys quickly.
     */
    private static final class Key implements Comparable<Key> {
        private final Object value;
        private final int hash;

        Key(@Nullable Object value) {
            this.value = Objects.requireNonNull(value, "null is no key");
            hash = value.hashCode();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            if (!(other instanceof Key key) || hash != key.hash) {
                return false;
            }
            ServerCall.step();
            return value.equals(key.value);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        @SuppressWarnings("unchecked") // of the same class, which can compare its own objects
        public int compareTo(Key other) {
            Class<?> type = value.getClass();
            return type == other.value.getClass() && type.getClassLoader() == null
                    && value instanceof Comparable<?> comparable
                            ? ((Comparable<Object>) comparable).compareTo(other.value)
                            : 0;
        }
    }

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public @Nullable Object get(Object key) {
        return map.get(new Key(key));
    }

    @Override
    public boolean containsKey(Object key) {
        return map.containsKey(new Key(key));
    }

    @Override
    public boolean containsValue(Object value) {
        return map.containsValue(Objects.requireNonNull(Probe.of(value), "null is no value"));
    }

    @Override
    public @Nullable Object put(Object key, Object value) {
        return map.put(new Key(key), value);
    }

    @Override
    public @Nullable Object putIfAbsent(Object key, Object value) {
        return map.putIfAbsent(new Key(key), value);
    }

    @Override
    public void putAll(Object[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            map.put(new Key(entries[i]), entries[i + 1]);
        }
    }

    @Override
    public @Nullable Object remove(Object key) {
        return map.remove(new Key(key));
    }

    @Override
    public boolean remove(Object key, Object value) {
        return map.remove(new Key(key), value);
    }

    @Override
    public boolean removeKey(Object key) {
        return map.remove(new Key(key)) != null;
    }

    @Override
    public @Nullable Object replace(Object key, Object value) {
        return map.replace(new Key(key), value);
    }

    @Override
    public boolean replace(Object key, Object before, Object after) {
        return map.replace(new Key(key), before, after);
    }

    @Override
    public void clear() {
        map.clear();
    }

    @Override
    public Object[] snapshot() {
        List<Object> entries = new ArrayList<>();
        map.forEach((key, value) -> {
            entries.add(key.value);
            entries.add(value);
        });
        return entries.toArray();
    }
}
