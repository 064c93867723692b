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
 * Hands out futures in the order in which they get done, each once, within one time limit for all.
 *
 * <p>Everything that waits for several futures waits here. For one thread. Closing it takes it off the futures that it has not
 * handed out.
 */
final class CompletionQueue<F extends CompletableFuture<?>> implements AutoCloseable {
    /** What got done; nothing in it only says that there may be something to help with. */
    private final LinkedBlockingQueue<Optional<F>> done = new LinkedBlockingQueue<>();
    /** Always the same, so that who has it already need not be told again. */
    private final Runnable tellMore = () -> done.add(Optional.empty());
    /** With what each of them calls when it is done. */
    private final Map<F, Runnable> notHandedOut = new LinkedHashMap<>(); // futures are equal to themselves alone
    private final int total;
    private final Deadline deadline;

    /** Who asked last whether it {@link #isWorker}. */
    private @Nullable Thread asker;
    /** Whether the asker is a worker of a pool that one of the futures belongs to. */
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
                    task.asked(); // as one that is waited for
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

    /** Waits for the next one; only if {@link #hasNext}. */
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
                if (isWorker) { // which may have asked it for more
                    helpNoMore(next.get());
                }
                return next.get();
            }
        }
    }

    /** Asked once: with many futures it takes a while, and a thread does not become a worker. */
    private boolean canHelp() {
        if (asker != Thread.currentThread()) {
            asker = Thread.currentThread();
            isWorker = notHandedOut.keySet().stream().anyMatch(future -> future instanceof TaskFuture<?> task && task.isOfThisWorker());
        }
        return isWorker;
    }

    /** Runs what only this thread, a worker, can run; what is tried again later asks for that again. */
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
