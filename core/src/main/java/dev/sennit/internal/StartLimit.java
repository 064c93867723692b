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
 * Starts at most so many tasks at a time, each in a thread or coroutine of its own; the others wait in the order they came. For any
 * thread.
 *
 * <p>A slot is taken before a task leaves the queue, and given back when its thread has ended, or could not be started. A thread that
 * gives a slot back looks at the queue after that, and a thread that fills the queue looks for a slot after that: one of them sees the
 * other.
 *
 * <p>A task that cannot be started waits on if others are under way: the next of those to end tries again, and so does a timer, as
 * what is under way may wait for this task. If there are none, or there is no timer, the task fails.
 *
 * @param <T> the tasks
 */
public final class StartLimit<T> {
    private static final Duration TRY_AGAIN = Duration.ofMillis(100);

    private final int most;
    private final Consumer<? super T> start;
    private final Predicate<? super T> isWanted;
    private final BiConsumer<? super T, ? super Throwable> fail;
    private final Deque<T> waiting = new ConcurrentLinkedDeque<>();
    /** Slots of tasks that run or are about to. */
    private final AtomicInteger taken = new AtomicInteger();
    /** Whether a timer is going to try again. */
    private final AtomicBoolean triesAgain = new AtomicBoolean();

    /**
     * A limit that nothing counts against.
     *
     * @param most how many tasks at a time; {@link Integer#MAX_VALUE} is no limit
     * @param start starts a task, which calls {@link #ended} in the end, or throws
     * @param isWanted whether a task that waited is still to be started: it may have been cancelled, or run elsewhere
     * @param fail told of a task that is not started, and why
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
     * Whether any number of tasks may run.
     *
     * @return true if nothing ever waits
     */
    public boolean isNone() {
        return most == Integer.MAX_VALUE;
    }

    /**
     * The tasks that were not started, and some that are not wanted any more.
     *
     * @return the queue itself
     */
    public Queue<T> waiting() {
        return waiting;
    }

    /**
     * Starts a task, or lets it wait.
     *
     * @param task what to start
     */
    public void add(T task) {
        if (isNone()) {
            start.accept(task);
        } else {
            waiting.addLast(task);
            startNext();
        }
    }

    /** Called once for each task that was started, when it has ended. */
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
                taken.decrementAndGet(); // and look again, as another may have come since
                continue;
            }
            try {
                start.accept(next);
            } catch (Throwable e) { // no thread to be had, say
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

    /** After the slot was given back: else the timer might find none, and would not come again. */
    private void tryAgainLater(T task, Throwable why) {
        if (!triesAgain.compareAndSet(false, true)) {
            return;
        }
        try {
            Timers.after(TRY_AGAIN, () -> {
                triesAgain.set(false);
                startNext();
            });
        } catch (Throwable e) { // no timer to be had
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
