package dev.sennit.internal;

import java.time.Duration;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Limits how many tasks run at a time, each in a thread or coroutine of its own. Further tasks wait in the order they
 * came. Thread-safe.
 *
 * <p>A thread acquires a slot before it takes a task from the queue. The slot is released when the task's thread has
 * ended, or could not be started. A thread that releases a slot then looks at the queue, and a thread that adds to the
 * queue then looks for a slot: one of the two sees the other.
 *
 * <p>A task that cannot be started goes on waiting if other tasks run: the next task that ends tries again, and so does
 * a timer, as the running tasks may wait for this task. If no task runs, or no timer can be had, the task fails.
 *
 * @param <T> the type of the tasks
 */
public final class StartLimit<T> {
    private static final Duration TRY_AGAIN = Duration.ofMillis(100);

    private final int most;
    private final Consumer<? super T> start;
    private final Predicate<? super T> isWanted;
    private final BiConsumer<? super T, ? super Throwable> fail;
    private final Deque<T> waiting = new ConcurrentLinkedDeque<>();
    /** How many slots are taken, by tasks that run or are about to. */
    private final AtomicInteger taken = new AtomicInteger();
    /** Whether a timer is going to try again. */
    private final AtomicBoolean triesAgain = new AtomicBoolean();

    /**
     * Creates a limit with all slots free.
     *
     * @param most how many tasks may run at a time; {@link Integer#MAX_VALUE} for no limit
     * @param start starts a task, which calls {@link #ended} at its end, or throws
     * @param isWanted whether a task that waited is still to be started: it may have been cancelled, or run elsewhere
     * @param fail called with a task that could not be started, and the reason
     */
    public StartLimit(
            int most,
            Consumer<? super T> start,
            Predicate<? super T> isWanted,
            BiConsumer<? super T, ? super Throwable> fail) {
        this.most = most;
        this.start = start;
        this.isWanted = isWanted;
        this.fail = fail;
    }

    /**
     * Returns whether any number of tasks may run.
     *
     * @return true if no task ever waits
     */
    public boolean isNone() {
        return most == Integer.MAX_VALUE;
    }

    /**
     * Returns the tasks that wait, which may include tasks that are not wanted any more.
     *
     * @return the queue itself
     */
    public Queue<T> waiting() {
        return waiting;
    }

    /**
     * Starts a task, or lets it wait.
     *
     * @param task the task
     */
    public void add(T task) {
        if (isNone()) {
            start.accept(task);
        } else {
            waiting.addLast(task);
            startNext();
        }
    }

    /** Releases a slot. Called once for each started task, when it has ended. */
    public void ended() {
        if (!isNone()) {
            taken.decrementAndGet();
            startNext();
        }
    }

    private void startNext() {
        while (!waiting.isEmpty() && takeSlot()) {
            T next = pollWanted();
            if (next == null) {
                taken.decrementAndGet(); // then look again, as another task may have been added
                continue;
            }
            try {
                start.accept(next);
            } catch (Throwable e) { // no thread, for example
                if (taken.get() == 1) {
                    taken.decrementAndGet();
                    fail.accept(next, e);
                    continue;
                }
                waiting.addFirst(next);
                if (taken.decrementAndGet() > 0) {
                    tryAgainLater(next, e);
                    return;
                }
            }
        }
    }

    /**
     * Starts a timer that tries again. Called after the slot is released, as the timer needs a free slot when it runs.
     */
    private void tryAgainLater(T task, Throwable why) {
        if (!triesAgain.compareAndSet(false, true)) {
            return;
        }
        try {
            Timers.after(TRY_AGAIN, () -> {
                triesAgain.set(false);
                startNext();
            });
        } catch (Throwable e) { // no timer available
            triesAgain.set(false);
            if (waiting.removeFirstOccurrence(task)) {
                fail.accept(task, why);
            }
        }
    }

    private boolean takeSlot() {
        for (int seen = taken.get(); seen < most; seen = taken.get()) {
            if (taken.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    private @Nullable T pollWanted() {
        T next = waiting.pollFirst();
        while (next != null && !isWanted.test(next)) {
            next = waiting.pollFirst();
        }
        return next;
    }
}
