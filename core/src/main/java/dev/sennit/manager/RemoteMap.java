package dev.sennit.manager;

import dev.sennit.TaskSerializationException;
import dev.sennit.internal.SnapshotIterator;
import dev.sennit.internal.SnapshotSpliterator;
import dev.sennit.manager.wire.MapOperations;
import java.io.Serializable;
import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.Spliterator;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A map in a manager. Each method is one call, and atomic. A function is applied here, atomically as
 * {@link ConcurrentMap} promises: it may be applied more than once.
 */
@SuppressWarnings({"unchecked", "serial"}) // it holds what was put in; the field is a proxy, which travels
final class RemoteMap<K, V> extends AbstractMap<K, V> implements ConcurrentMap<K, V>, Serializable {
    private static final long serialVersionUID = 1L;

    private static final String NO_NULLS = "a manager's map has no null keys or values";

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
        return (V) found(nonNull(key), map::get);
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return mayHave(() -> map.containsKey(nonNull(key)));
    }

    @Override
    public boolean containsValue(@Nullable Object value) {
        return mayHave(() -> map.containsValue(nonNull(value)));
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
        List<Object> entries = new ArrayList<>();
        for (Entry<? extends K, ? extends V> entry : others.entrySet()) { // the map may change meanwhile
            entries.add(nonNull(entry.getKey()));
            entries.add(nonNull(entry.getValue()));
        }
        map.putAll(entries.toArray());
    }

    @Override
    public @Nullable V remove(@Nullable Object key) {
        return (V) found(nonNull(key), map::remove);
    }

    @Override
    public boolean remove(@Nullable Object key, @Nullable Object value) {
        Objects.requireNonNull(key, NO_NULLS);
        return value != null && mayHave(() -> map.remove(key, value));
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
        return Objects.requireNonNull(given, NO_NULLS);
    }

    /** Asks the server; a key or value that cannot travel is not in the map. */
    private static boolean mayHave(BooleanSupplier question) {
        try {
            return question.getAsBoolean();
        } catch (TaskSerializationException e) {
            return false;
        }
    }

    /**
     * Calls a method that returns a value. If that fails, the key cannot travel and is not in the map, or the value
     * cannot be read.
     */
    private @Nullable Object found(Object key, Function<Object, @Nullable Object> call) {
        try {
            return call.apply(key);
        } catch (TaskSerializationException e) {
            if (canBeKey(key)) {
                throw e;
            }
            return null;
        }
    }

    private boolean canBeKey(Object key) {
        try {
            boolean ignored = map.containsKey(key);
            return true;
        } catch (TaskSerializationException e) {
            return false;
        }
    }

    // ---- views: their iterators use a snapshot; remove and setValue change the map ----

    @Override
    public Set<Entry<K, V>> entrySet() {
        return new Entries();
    }

    @Override
    public Set<K> keySet() {
        return new Keys();
    }

    @Override
    public Collection<V> values() {
        return new Values();
    }

    private abstract class SetView<T> extends AbstractSet<T> {
        @Override
        public int size() {
            return map.size();
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public Spliterator<T> spliterator() {
            return new SnapshotSpliterator<>(this::iterator, Spliterator.DISTINCT | Spliterator.NONNULL);
        }
    }

    private final class Entries extends SetView<Entry<K, V>> {
        @Override
        public boolean contains(@Nullable Object other) {
            return other instanceof Entry<?, ?> entry
                    && entry.getKey() != null
                    && Objects.equals(RemoteMap.this.get(entry.getKey()), entry.getValue());
        }

        @Override
        public boolean remove(@Nullable Object other) {
            return other instanceof Entry<?, ?> entry
                    && entry.getKey() != null
                    && RemoteMap.this.remove(entry.getKey(), entry.getValue());
        }

        @Override
        public Iterator<Entry<K, V>> iterator() {
            return overSnapshot(Function.identity());
        }
    }

    private final class Keys extends SetView<K> {
        @Override
        public boolean contains(@Nullable Object key) {
            return key != null && containsKey(key);
        }

        @Override
        public boolean remove(@Nullable Object key) {
            return key != null && mayHave(() -> map.removeKey(key));
        }

        @Override
        public Iterator<K> iterator() {
            return overSnapshot(Entry::getKey);
        }
    }

    private final class Values extends AbstractCollection<V> {
        @Override
        public int size() {
            return map.size();
        }

        @Override
        public void clear() {
            map.clear();
        }

        @Override
        public boolean contains(@Nullable Object value) {
            return value != null && containsValue(value);
        }

        @Override
        public Iterator<V> iterator() {
            return overSnapshot(Entry::getValue);
        }

        @Override
        public Spliterator<V> spliterator() {
            return new SnapshotSpliterator<>(this::iterator, Spliterator.NONNULL);
        }
    }

    private <T> Iterator<T> overSnapshot(Function<? super Entry<K, V>, ? extends T> part) {
        Object[] snapshot = map.snapshot();
        List<Entry<K, V>> entries = new ArrayList<>(snapshot.length / 2);
        for (int i = 0; i < snapshot.length; i += 2) {
            entries.add(new WritingEntry((K) snapshot[i], (V) snapshot[i + 1]));
        }
        return new SnapshotIterator<>(entries, part, entry -> map.removeKey(entry.getKey()));
    }

    /** An entry of a snapshot, whose value can be set in the map. */
    private final class WritingEntry extends SimpleEntry<K, V> {
        private static final long serialVersionUID = 1L;

        WritingEntry(K key, V value) {
            super(key, value);
        }

        @Override
        public V setValue(V value) {
            map.put(getKey(), nonNull(value));
            return super.setValue(value);
        }
    }
}
