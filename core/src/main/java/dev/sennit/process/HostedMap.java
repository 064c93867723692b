package dev.sennit.process;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A map in a manager's server. */
final class HostedMap implements MapOperations {
    private final ConcurrentHashMap<Object, Object> map = new ConcurrentHashMap<>();

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public @Nullable Object get(Object key) {
        return map.get(key);
    }

    @Override
    public boolean containsKey(Object key) {
        return map.containsKey(key);
    }

    @Override
    public boolean containsValue(Object value) {
        return map.containsValue(value);
    }

    @Override
    public @Nullable Object put(Object key, Object value) {
        return map.put(key, value);
    }

    @Override
    public @Nullable Object putIfAbsent(Object key, Object value) {
        return map.putIfAbsent(key, value);
    }

    @Override
    public void putAll(Object[] entries) {
        for (int i = 0; i < entries.length; i += 2) {
            map.put(entries[i], entries[i + 1]);
        }
    }

    @Override
    public @Nullable Object remove(Object key) {
        return map.remove(key);
    }

    @Override
    public boolean remove(Object key, Object value) {
        return map.remove(key, value);
    }

    @Override
    public @Nullable Object replace(Object key, Object value) {
        return map.replace(key, value);
    }

    @Override
    public boolean replace(Object key, Object before, Object after) {
        return map.replace(key, before, after);
    }

    @Override
    public void clear() {
        map.clear();
    }

    @Override
    public Object[] snapshot() {
        List<Object> entries = new ArrayList<>();
        map.forEach((key, value) -> {
            entries.add(key);
            entries.add(value);
        });
        return entries.toArray();
    }
}
