package dev.sennit;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The threads that wait for a future among others. Each can be removed when it no longer waits.
 *
 * <p>A {@link CompletableFuture} keeps all of its dependents until it is done: a program that polls a future ten
 * thousand times would leave ten thousand. So each future has one dependent of this class. A {@link TaskFuture} keeps
 * it in a field; those of other futures are in a map with weak keys.
 */
final class Waiters {
    private static final Map<Key, Waiters> OF_OTHERS = new ConcurrentHashMap<>();
    private static final ReferenceQueue<CompletableFuture<?>> GONE = new ReferenceQueue<>();

    /** Guarded by this. Null once the future is done. */
    private @Nullable Set<Runnable> waiting = new LinkedHashSet<>(2);

    private Waiters() {}

    /** Returns the waiters for a future that is not a {@link TaskFuture}. */
    static Waiters of(CompletableFuture<?> future) {
        for (var gone = GONE.poll(); gone != null; gone = GONE.poll()) {
            OF_OTHERS.remove(gone);
        }
        Waiters known = OF_OTHERS.get(new Key(future, null));
        if (known != null) {
            return known;
        }
        var key = new Key(future, GONE);
        Waiters made = new Waiters().dependingOn(future, () -> OF_OTHERS.remove(key)); // before others can find it
        known = OF_OTHERS.putIfAbsent(key, made);
        if (future.isDone()) { // the removal may have come before the insertion
            OF_OTHERS.remove(key);
        }
        return known != null ? known : made;
    }

    /** Returns how many futures other than {@link TaskFuture}s are in the map, for tests. */
    static int ofOthers() {
        return OF_OTHERS.size();
    }

    /** Creates the waiters for a future that keeps them itself. */
    static Waiters newFor(CompletableFuture<?> future) {
        return new Waiters().dependingOn(future, () -> {});
    }

    private Waiters dependingOn(CompletableFuture<?> future, Runnable onDone) {
        future.whenComplete((value, failure) -> {
            onDone.run();
            tellAll();
        });
        return this;
    }

    /**
     * Adds a callback for when the future is done; runs it at once if the future is done.
     *
     * @param waiter the callback; added twice, it is called once
     */
    void add(Runnable waiter) {
        synchronized (this) {
            if (waiting != null) {
                waiting.add(waiter);
                return;
            }
        }
        waiter.run();
    }

    /** Removes a callback. */
    synchronized void remove(Runnable waiter) {
        if (waiting != null) {
            waiting.remove(waiter);
        }
    }

    private void tellAll() {
        List<Runnable> all;
        synchronized (this) {
            all = waiting == null ? List.of() : new ArrayList<>(waiting);
            waiting = null;
        }
        all.forEach(Runnable::run);
    }

    /** A weak reference to a future, compared by the identity of the future. */
    private static final class Key extends WeakReference<CompletableFuture<?>> {
        private final int hash;

        Key(CompletableFuture<?> future, @Nullable ReferenceQueue<CompletableFuture<?>> queue) {
            super(future, queue);
            hash = System.identityHashCode(future);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return this == other
                    || (other instanceof Key key && key.hash == hash && !key.refersTo(null) && refersTo(key.get()));
        }
    }
}
