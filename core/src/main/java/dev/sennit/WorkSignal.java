package dev.sennit;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Tells workers that wait for a task which consists of others that there is more of it to run. From any thread. */
final class WorkSignal {
    /** Guarded by this. Completed when there is more. */
    private CompletableFuture<@Nullable Void> next = new CompletableFuture<>();
    /** Guarded by this. Called when there is more: a thread that waits for many tasks asks again and again until there is more of this. */
    private final Set<Runnable> asked = new LinkedHashSet<>(2);

    /** What is completed when there is more; ask before looking at what there is. */
    synchronized CompletableFuture<?> next() {
        return next;
    }

    /** Calls back when there is more: once, however often that was asked for. */
    synchronized void callOnce(Runnable onMore) {
        asked.add(onMore);
    }

    /** Does not call back any more. */
    synchronized void forget(Runnable onMore) {
        asked.remove(onMore);
    }

    /** There is more; called after that can be seen. */
    void signal() {
        CompletableFuture<@Nullable Void> reached;
        List<Runnable> told;
        synchronized (this) {
            told = List.copyOf(asked);
            asked.clear();
            reached = next;
            next = new CompletableFuture<>();
        }
        reached.complete(null);
        told.forEach(Runnable::run);
    }
}
