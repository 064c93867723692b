package dev.sennit.manager;

import java.io.Serializable;
import java.util.AbstractSet;
import java.util.Iterator;
import java.util.Spliterator;
import org.jspecify.annotations.Nullable;

/** A set in a manager: the keys of a map. */
@SuppressWarnings("serial") // the field is a map that travels
final class RemoteSet<E> extends AbstractSet<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final RemoteMap<E, Boolean> map;

    RemoteSet(RemoteMap<E, Boolean> map) {
        this.map = map;
    }

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public boolean contains(@Nullable Object element) {
        return map.containsKey(element);
    }

    @Override
    public boolean add(E element) {
        return map.putIfAbsent(element, true) == null;
    }

    @Override
    public boolean remove(@Nullable Object element) {
        return map.remove(element) != null;
    }

    @Override
    public void clear() {
        map.clear();
    }

    /** Returns an iterator over a snapshot. {@link Iterator#remove} changes the set. */
    @Override
    public Iterator<E> iterator() {
        return map.keySet().iterator();
    }

    /** Returns a spliterator over a snapshot, which is taken at its first use. */
    @Override
    public Spliterator<E> spliterator() {
        return map.keySet().spliterator();
    }
}
