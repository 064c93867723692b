package dev.sennit;

import dev.sennit.internal.Turns;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Optional;
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

    /** What got done; nothing in it only says that there may be something to help with. */
    private final LinkedBlockingQueue<Optional<F>> done = new LinkedBlockingQueue<>();
    /** Always the same, so that who has it already need not be told again. */
    private final Runnable tellMore = () -> done.add(Optional.empty());
    private final Set<F> notHandedOut = Collections.newSetFromMap(new IdentityHashMap<>());
    private final int total;
    private final boolean limited;
    private final long deadline;

    /** Who asked last whether it {@link #isWorker}. */
    private @Nullable Thread asker;
    /** Whether the asker is a worker of a pool that one of the futures belongs to. */
    private boolean isWorker;

    CompletionQueue(Collection<? extends F> futures, @Nullable Duration limit) {
        limited = limit != null;
        deadline = limit == null ? 0 : System.nanoTime() + Math.max(0, TimeUnit.NANOSECONDS.convert(limit));
        notHandedOut.addAll(futures);
        total = notHandedOut.size();
        Set<F> registered = Collections.newSetFromMap(new IdentityHashMap<>());
        for (F future : futures) { // not over the set: futures that are done already keep their order
            if (registered.add(future)) {
                future.whenComplete((value, failure) -> done.add(Optional.of(future)));
            }
        }
    }

    boolean hasNext() {
        return !notHandedOut.isEmpty();
    }

    /** Waits for the next one; only if {@link #hasNext}. */
    F next() throws InterruptedException, TimeoutException {
        while (true) {
            if (done.isEmpty() && !limited && canHelp()) {
                help();
            }
            Optional<F> next;
            Turns.Turn mine = done.isEmpty() ? Turns.giveUp() : null;
            try {
                next = limited ? done.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS) : done.take();
            } finally {
                Turns.regain(mine);
            }
            if (next == null) {
                throw new TimeoutException(notHandedOut.size() + " (of " + total + ") futures unfinished");
            }
            if (next.isPresent()) {
                notHandedOut.remove(next.get());
                return next.get();
            }
        }
    }

    /** Asked once: with many futures it takes a while, and a thread does not become a worker. */
    private boolean canHelp() {
        if (asker != Thread.currentThread()) {
            asker = Thread.currentThread();
            isWorker = notHandedOut.stream().anyMatch(future -> future instanceof TaskFuture<?> task && task.isOfThisWorker());
        }
        return isWorker;
    }

    /** Runs what only this thread, a worker, can run; what is tried again later asks for that again. */
    private void help() {
        for (F future : notHandedOut) {
            if (!done.isEmpty()) {
                return;
            }
            if (future instanceof TaskFuture<?> task) {
                task.help(tellMore);
            }
        }
    }
}
