package dev.sennit.internal;

import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
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
 * <p>A task that cannot be started waits on if others are under way: the next of those to end tries again. If there are none, the task
 * fails.
 *
 * @param <T> the tasks
 */
public final class StartLimit<T> {
    private final int most;
    private final Consumer<? super T> start;
    private final Predicate<? super T> isWanted;
    private final BiConsumer<? super T, ? super Throwable> fail;
    private final Deque<T> waiting = new ConcurrentLinkedDeque<>();
    /** Slots of tasks that run or are about to. */
    private final AtomicInteger taken = new AtomicInteger();

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
                boolean isAlone = taken.get() == 1;
                if (!isAlone) {
                    waiting.addFirst(next);
                }
                boolean othersLook = taken.decrementAndGet() > 0;
                if (isAlone) {
                    fail.accept(next, e);
                } else if (othersLook) {
                    return;
                }
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
