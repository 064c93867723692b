package dev.sennit;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Waits;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Returns futures in the order in which they become done, each once, within one time limit for all.
 *
 * <p>All methods that wait for several futures wait here. For a single thread. Closing removes the callbacks from the
 * futures that were not returned.
 */
final class CompletionQueue<F extends CompletableFuture<?>> implements AutoCloseable {
    /** The futures that became done. An empty element says that there may be tasks that this thread can run. */
    private final LinkedBlockingQueue<Optional<F>> done = new LinkedBlockingQueue<>();
    /** Always the same object, so that a future adds it only once. */
    private final Runnable tellMore = () -> done.add(Optional.empty());
    /** The futures not returned yet, each with its callback. */
    private final Map<F, Runnable> notHandedOut = new LinkedHashMap<>(); // futures have identity equality
    private final int total;
    private final Deadline deadline;

    /** The thread for which {@link #isWorker} was determined. */
    private @Nullable Thread asker;
    /** Whether the asker is a worker of the pool of any of the futures. */
    private boolean isWorker;

    CompletionQueue(Collection<? extends F> futures, Deadline deadline) {
        this.deadline = deadline;
        for (F future : futures) { // in this order: that of futures that are done already
            Runnable isDone = () -> done.add(Optional.of(future));
            if (notHandedOut.putIfAbsent(future, isDone) != null) {
                continue;
            }
            if (future.isDone()) {
                if (future instanceof TaskFuture<?> task) {
                    task.asked(); // as for a future that is not done, whose waiters ask
                }
                isDone.run();
            } else {
                waitersOf(future).add(isDone);
            }
        }
        total = notHandedOut.size();
    }

    private static Waiters waitersOf(CompletableFuture<?> future) {
        return future instanceof TaskFuture<?> task ? task.waiters() : Waiters.of(future);
    }

    @Override
    public void close() {
        notHandedOut.forEach((future, isDone) -> {
            if (!future.isDone()) {
                waitersOf(future).remove(isDone);
            }
            helpNoMore(future);
        });
        notHandedOut.clear();
    }

    private void helpNoMore(F future) {
        if (future instanceof TaskFuture<?> task) {
            task.helpNoMore(tellMore);
        }
    }

    boolean hasNext() {
        return !notHandedOut.isEmpty();
    }

    /** Waits for the next future that becomes done; only if {@link #hasNext}. */
    F next() throws InterruptedException, TimeoutException {
        while (true) {
            if (done.isEmpty() && !deadline.isLimited() && canHelp()) {
                help();
            }
            Optional<F> next;
            try (var _ = done.isEmpty() ? Waits.outOfTurn() : null) {
                next = deadline.isLimited() ? done.poll(deadline.left(), TimeUnit.NANOSECONDS) : done.take();
            }
            if (next == null) {
                throw new TimeoutException(notHandedOut.size() + " (of " + total + ") futures unfinished");
            }
            if (next.isPresent()) {
                notHandedOut.remove(next.get());
                if (isWorker) { // help() may have added a callback
                    helpNoMore(next.get());
                }
                return next.get();
            }
        }
    }

    /**
     * Returns whether the calling thread is a worker. Determined once: it takes a while with many futures, and stays
     * true.
     */
    private boolean canHelp() {
        if (asker != Thread.currentThread()) {
            asker = Thread.currentThread();
            isWorker = notHandedOut.keySet().stream()
                    .anyMatch(future -> future instanceof TaskFuture<?> task && task.isOfThisWorker());
        }
        return isWorker;
    }

    /**
     * Runs queued tasks among the futures in this thread, a worker; a task with a retry calls back for its next
     * attempt.
     */
    private void help() {
        for (F future : notHandedOut.keySet()) {
            if (!done.isEmpty()) {
                return;
            }
            if (future instanceof TaskFuture<?> task) {
                task.help(tellMore);
            }
        }
    }
}
