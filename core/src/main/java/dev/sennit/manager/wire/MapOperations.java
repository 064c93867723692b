package dev.sennit.manager.wire;

import org.jspecify.annotations.Nullable;

/** The calls of a {@code RemoteMap}. */
public interface MapOperations {
    int size();

    @Nullable Object get(Object key);

    boolean containsKey(Object key);

    boolean containsValue(Object value);

    @Nullable Object put(Object key, Object value);

    @Nullable Object putIfAbsent(Object key, Object value);

    /** Puts several entries: each key is followed by its value. */
    void putAll(Object[] entries);

    @Nullable Object remove(Object key);

    boolean remove(Object key, Object value);

    /** Removes a key without returning its value. */
    boolean removeKey(Object key);

    @Nullable Object replace(Object key, Object value);

    boolean replace(Object key, Object before, Object after);

    void clear();

    /** Returns all entries: each key is followed by its value. */
    Object[] snapshot();
}
