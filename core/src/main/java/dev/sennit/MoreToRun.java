package dev.sennit;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Tells workers that wait for a task which consists of others that there is more of it to run. From any thread. */
final class MoreToRun {
    /** Guarded by this. Completed when there is more. */
    private CompletableFuture<@Nullable Void> next = new CompletableFuture<>();
    /** Guarded by this. Whom the next one calls: one that waits for many tasks asks again and again until there is more of this. */
    private final Set<Runnable> asked = new HashSet<>(2);

    /** What is completed when there is more; ask before looking at what there is. */
    synchronized CompletableFuture<?> next() {
        return next;
    }

    /** Calls back when there is more: once, however often that was asked for. */
    synchronized void callOnce(Runnable onMore) {
        if (asked.add(onMore)) {
            next.thenRun(onMore);
        }
    }

    /** There is more; called after that can be seen. */
    synchronized void isThere() {
        asked.clear();
        next.complete(null);
        next = new CompletableFuture<>();
    }
}
