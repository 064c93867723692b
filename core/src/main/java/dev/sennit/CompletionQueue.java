package dev.sennit;

import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Hands out futures in the order in which they get done, each once, within one time limit for all.
 *
 * <p>Everything that waits for several futures waits here. For one thread.
 */
final class CompletionQueue<F extends CompletableFuture<?>> {
    static final @Nullable Duration FOREVER = null;

    private final LinkedBlockingQueue<F> done = new LinkedBlockingQueue<>();
    private final Set<F> notHandedOut = Collections.newSetFromMap(new IdentityHashMap<>());
    private final int total;
    private final boolean limited;
    private final long deadline;

    CompletionQueue(Collection<? extends F> futures, @Nullable Duration limit) {
        limited = limit != null;
        deadline = limit == null ? 0 : System.nanoTime() + Math.max(0, TimeUnit.NANOSECONDS.convert(limit));
        notHandedOut.addAll(futures);
        total = notHandedOut.size();
        Set<F> registered = Collections.newSetFromMap(new IdentityHashMap<>());
        for (F future : futures) { // not over the set: futures that are done already keep their order
            if (registered.add(future)) {
                future.whenComplete((value, failure) -> done.add(future));
            }
        }
    }

    boolean hasNext() {
        return !notHandedOut.isEmpty();
    }

    /** Waits for the next one; only if {@link #hasNext}. */
    F next() throws InterruptedException, TimeoutException {
        F next = done.poll();
        if (next == null) {
            next = limited ? done.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS) : takeOrHelp();
        }
        if (next == null) {
            throw new TimeoutException(notHandedOut.size() + " (of " + total + ") futures unfinished");
        }
        notHandedOut.remove(next);
        return next;
    }

    private F takeOrHelp() throws InterruptedException {
        for (F future : notHandedOut) {
            if (!done.isEmpty()) {
                break;
            }
            if (future instanceof TaskFuture<?> task) {
                task.aboutToWait(true);
            }
        }
        return done.take();
    }
}
