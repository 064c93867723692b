package dev.sennit;

import dev.sennit.internal.Backend;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that wait for a thread, and threads that wait for a task.
 *
 * <p>Neither side takes a lock. A thread that finds no task spins for about as long as parking would cost, and then
 * adds itself to the parked threads; a thread that adds a task unparks one of those.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>A thread is among the parked <em>before</em> it polls for the last time, and a task is in the queue
 * <em>before</em> its submitter looks for a parked thread: one of the two sees the other. A thread that stops waiting
 * removes itself from the parked threads; if it has been removed before, it was woken for a task, and polls once more.
 */
final class WorkQueue {
    /** Takes some microseconds with a pause in each, about as long as to park a thread and wake it. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    private final Queue<Submission<?>> tasks;
    private final QueueSweeper sweeper = new QueueSweeper();
    /** The thread that parked last is the first. */
    private final ConcurrentLinkedDeque<Thread> parked = new ConcurrentLinkedDeque<>();
    private final boolean wakesLast;

    /**
     * Creates a work queue over a concurrent queue, which orders the tasks.
     *
     * @param wakesLast whether to wake the thread that parked last, so that the others reach their time-out. For
     *     threads without a time-out it is better to wake the thread that parked first: where each task follows the end
     *     of another, that thread finds a processor that is not asleep yet, which is four times as fast
     */
    WorkQueue(Queue<Submission<?>> tasks, boolean wakesLast) {
        this.tasks = tasks;
        this.wakesLast = wakesLast;
    }

    void add(Submission<?> task) {
        tasks.add(task);
        wakeOne();
    }

    private void wakeOne() {
        Thread waiting = wakesLast ? parked.pollFirst() : parked.pollLast();
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    /** Returns a snapshot of the waiting tasks. */
    Collection<Submission<?>> waiting() {
        return List.copyOf(tasks);
    }

    /** Notes that one of the tasks has been dropped. */
    void forgetOne() {
        sweeper.dropped(tasks);
    }

    /** Takes the next task, or returns null. */
    @Nullable Submission<?> poll() {
        return tasks.poll();
    }

    /**
     * Waits for a task, and ignores interrupts.
     *
     * @param nanos how long to wait at most; {@link Long#MAX_VALUE} for ever
     * @return the task, or null when the time elapsed first
     */
    @Nullable Submission<?> take(long nanos) {
        for (int i = 0; i < SPINS; i++) {
            Submission<?> next = tasks.poll();
            if (next != null) {
                return next;
            }
            Thread.onSpinWait();
        }
        boolean limited = nanos != Long.MAX_VALUE;
        long deadline = limited ? Backend.current().nanoTime() + nanos : 0;
        Thread self = Thread.currentThread();
        while (true) {
            parked.addFirst(self);
            Submission<?> next = tasks.poll();
            if (next == null) {
                long left = limited ? deadline - Backend.current().nanoTime() : 0;
                if (!limited) {
                    LockSupport.park(this);
                } else if (left > 0) {
                    LockSupport.parkNanos(this, left);
                }
                Thread.interrupted(); // an interrupted thread would not park again
            }
            boolean woken = !parked.removeFirstOccurrence(self);
            if (next == null) {
                next = tasks.poll();
            } else if (woken) {
                wakeAnother();
            }
            if (next != null) {
                return next;
            }
            if (limited && deadline - Backend.current().nanoTime() <= 0) {
                return null;
            }
        }
    }

    /** Passes on the wake-up of a thread that had found a task by itself. */
    private void wakeAnother() {
        if (!tasks.isEmpty()) {
            wakeOne();
        }
    }
}
