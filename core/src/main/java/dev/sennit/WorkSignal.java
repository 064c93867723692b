package dev.sennit;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Signals new work to workers that wait for a composite task: there is another part of the task that they may run. Any
 * thread may call.
 */
final class WorkSignal {
    /** Guarded by this. The next signal completes it. */
    private CompletableFuture<@Nullable Void> next = new CompletableFuture<>();
    /**
     * Guarded by this. The next signal calls each once; a thread that waits for many tasks asks again and again until
     * then.
     */
    private final Set<Runnable> callbacks = new LinkedHashSet<>(2);

    /** Returns the future that the next signal completes. A worker gets it before it looks for work. */
    synchronized CompletableFuture<?> next() {
        return next;
    }

    /** Adds a callback for the next signal, which calls it once, however often it was added. */
    synchronized void callOnce(Runnable onMore) {
        callbacks.add(onMore);
    }

    /** Removes a callback. */
    synchronized void forget(Runnable onMore) {
        callbacks.remove(onMore);
    }

    /** Signals all waiting workers. The caller has published the new work before. */
    void signal() {
        CompletableFuture<@Nullable Void> reached;
        List<Runnable> told;
        synchronized (this) {
            told = List.copyOf(callbacks);
            callbacks.clear();
            reached = next;
            next = new CompletableFuture<>();
        }
        reached.complete(null);
        told.forEach(Runnable::run);
    }
}
