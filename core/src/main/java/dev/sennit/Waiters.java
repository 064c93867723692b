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
 * The threads that wait for one future beside others, and take their names off again when they wait no more.
 *
 * <p>A {@link CompletableFuture} forgets none of its dependents before it is done: a program that polls a future ten thousand
 * times would leave ten thousand. So each future has one dependent of this class, whatever waits for it. A {@link TaskFuture}
 * keeps it in a field; for others there is a map that does not keep them alive.
 */
final class Waiters {
    private static final Map<Key, Waiters> OF_OTHERS = new ConcurrentHashMap<>();
    private static final ReferenceQueue<CompletableFuture<?>> GONE = new ReferenceQueue<>();

    /** Guarded by this. Null once the future is done. */
    private @Nullable Set<Runnable> waiting = new LinkedHashSet<>(2);

    private Waiters() {}

    /** The waiters for a future that is no {@link TaskFuture}. */
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
        if (future.isDone()) { // it may have been removed before it was in
            OF_OTHERS.remove(key);
        }
        return known != null ? known : made;
    }

    /** How many futures that are no {@link TaskFuture}s have been waited for and are not done, for tests. */
    static int ofOthers() {
        return OF_OTHERS.size();
    }

    /** Waiters for a future whose owner keeps them. */
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
     * Calls back once the future is done: at once if it is.
     *
     * @param waiter what to call; one that is in already is called once
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

    /** Does not call back any more. */
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

    /** A future by its identity, as long as somebody else keeps it. */
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
            return this == other || (other instanceof Key key && key.hash == hash && !key.refersTo(null) && refersTo(key.get()));
        }
    }
}
