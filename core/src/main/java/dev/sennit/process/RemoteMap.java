package dev.sennit.process;

import java.io.Serializable;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * A map in a manager. Each method is one call, and atomic; what takes a function applies it here, and is atomic as {@link
 * ConcurrentMap} promises: it may be applied more than once.
 */
@SuppressWarnings({"unchecked", "serial"}) // it holds what was put in; the field is a proxy, which travels
final class RemoteMap<K, V> extends AbstractMap<K, V> implements ConcurrentMap<K, V>, Serializable {
    private static final long serialVersionUID = 1L;

    private final MapOperations map;

    RemoteMap(MapOperations map) {
        this.map = map;
    }

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public boolean isEmpty() {
        return map.size() == 0;
    }

    @Override
    public @Nullable V get(@Nullable Object key) {
        return (V) map.get(nonNull(key));
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return map.containsKey(nonNull(key));
    }

    @Override
    public boolean containsValue(@Nullable Object value) {
        return map.containsValue(nonNull(value));
    }

    @Override
    public @Nullable V put(K key, V value) {
        return (V) map.put(nonNull(key), nonNull(value));
    }

    @Override
    public @Nullable V putIfAbsent(K key, V value) {
        return (V) map.putIfAbsent(nonNull(key), nonNull(value));
    }

    @Override
    public void putAll(Map<? extends K, ? extends V> others) {
        Object[] entries = new Object[2 * others.size()];
        int i = 0;
        for (Entry<? extends K, ? extends V> entry : others.entrySet()) {
            entries[i++] = nonNull(entry.getKey());
            entries[i++] = nonNull(entry.getValue());
        }
        map.putAll(entries);
    }

    @Override
    public @Nullable V remove(@Nullable Object key) {
        return (V) map.remove(nonNull(key));
    }

    @Override
    public boolean remove(@Nullable Object key, @Nullable Object value) {
        return value != null && map.remove(nonNull(key), value);
    }

    @Override
    public @Nullable V replace(K key, V value) {
        return (V) map.replace(nonNull(key), nonNull(value));
    }

    @Override
    public boolean replace(K key, V before, V after) {
        return map.replace(nonNull(key), nonNull(before), nonNull(after));
    }

    @Override
    public void clear() {
        map.clear();
    }

    private static Object nonNull(@Nullable Object given) {
        return Objects.requireNonNull(given, "a manager's map has no null keys or values");
    }

    /** Its iterators go over a snapshot; to remove with them, and to set a value, changes the map. */
    @Override
    public Set<Entry<K, V>> entrySet() {
        return new Entries();
    }

    private final class Entries extends AbstractSet<Entry<K, V>> {
        @Override
        public int size() {
            return map.size();
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public boolean contains(@Nullable Object other) {
            return other instanceof Entry<?, ?> entry
                    && entry.getKey() != null
                    && Objects.equals(map.get(entry.getKey()), entry.getValue());
        }

        @Override
        public boolean remove(@Nullable Object other) {
            return other instanceof Entry<?, ?> entry
                    && entry.getKey() != null
                    && entry.getValue() != null
                    && map.remove(entry.getKey(), entry.getValue());
        }

        @Override
        public Iterator<Entry<K, V>> iterator() {
            return new EntryIterator(map.snapshot());
        }
    }

    private final class EntryIterator implements Iterator<Entry<K, V>> {
        private final Object[] entries;
        private int next;
        private @Nullable Object last;

        EntryIterator(Object[] entries) {
            this.entries = entries;
        }

        @Override
        public boolean hasNext() {
            return next < entries.length;
        }

        @Override
        public Entry<K, V> next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Object key = entries[next];
            var entry = new SimpleEntry<K, V>((K) key, (V) entries[next + 1]) {
                private static final long serialVersionUID = 1L;

                @Override
                public V setValue(V value) {
                    map.put(key, nonNull(value));
                    return super.setValue(value);
                }
            };
            last = key;
            next += 2;
            return entry;
        }

        @Override
        public void remove() {
            if (last == null) {
                throw new IllegalStateException("next was not called since the last remove");
            }
            map.remove(last);
            last = null;
        }
    }
}
