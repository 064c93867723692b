package dev.sennit.internal.view;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Things of one kind in this JVM that have not ended, for views. One that its program has forgotten is not kept: it
 * drops out once the garbage collector has found it.
 *
 * @param <T> the kind; {@code Object} where this package may not know it
 */
public final class OpenThings<T> {
    /** Each is a {@code dev.sennit.PeriodicWorker}. */
    public static final OpenThings<Object> PERIODIC_WORKERS = new OpenThings<>();

    private final Set<Entry<T>> open = ConcurrentHashMap.newKeySet();
    private final ReferenceQueue<T> forgotten = new ReferenceQueue<>();

    /** Creates a list of none. */
    public OpenThings() {}

    /** The place of a thing among the open ones. */
    public static class Entry<T> extends WeakReference<T> {
        private final OpenThings<T> among;

        Entry(OpenThings<T> among, T thing) {
            super(thing, among.forgotten);
            this.among = among;
        }

        /** Takes the thing out, which has ended. */
        public final void remove() {
            among.open.remove(this);
        }
    }

    /** Adds a thing, and returns the handle to take it out. */
    public Entry<T> add(T thing) {
        return add(new Entry<>(this, thing));
    }

    <E extends Entry<T>> E add(E entry) {
        dropForgotten();
        open.add(entry);
        return entry;
    }

    /** Returns the things, in no order. */
    public List<T> all() {
        return entries().stream().map(Reference::get).filter(Objects::nonNull).toList();
    }

    List<Entry<T>> entries() {
        dropForgotten();
        return new ArrayList<>(open);
    }

    /** Returns whether there is none. */
    public boolean areNone() {
        dropForgotten();
        return open.isEmpty();
    }

    private void dropForgotten() {
        for (Reference<?> lost = forgotten.poll(); lost != null; lost = forgotten.poll()) {
            open.remove(lost);
        }
    }
}
