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
 * <p>Neither side takes a lock. A thread that finds no task looks again for about as long as parking would cost, and then
 * puts itself among the parked; whoever adds a task unparks one of those.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>A thread is among the parked <em>before</em> it looks for the last time, and a task is in the queue <em>before</em>
 * its submitter looks for a parked thread: one of them sees the other. A thread that gives up waiting takes itself out;
 * if somebody has taken it out before, it was woken for a task, and looks once more.
 */
final class WorkQueue {
    /** With a pause in each, some microseconds: what it costs to park a thread and wake it. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    private final Queue<Submission<?>> tasks;
    private final QueueSweeper sweeper = new QueueSweeper();
    /** The one that parked last is the first. */
    private final ConcurrentLinkedDeque<Thread> parked = new ConcurrentLinkedDeque<>();
    private final boolean wakesLast;

    /**
     * Over a queue that any number of threads may use, in whose order tasks are taken.
     *
     * @param wakesLast whether the thread that parked last is woken first, so that the others come to their time-out.
     *     If nobody has one, they had better take turns: where one task follows the end of another, the thread that is
     *     woken then finds a processor that has not gone to sleep yet, which makes four times the difference
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

    /** A snapshot of what waits. */
    Collection<Submission<?>> waiting() {
        return List.copyOf(tasks);
    }

    /** Notes that one of the tasks has been dropped. */
    void forgetOne() {
        sweeper.dropped(tasks);
    }

    /** Takes the next task if there is one. */
    @Nullable Submission<?> poll() {
        return tasks.poll();
    }

    /**
     * Waits for a task, whatever interrupts come.
     *
     * @param nanos how long at most; {@link Long#MAX_VALUE} for ever
     * @return null when the time was over first
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
                Thread.interrupted(); // else it would not park again
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

    /** Passes on a wake-up that came to a thread which had found a task by itself. */
    private void wakeAnother() {
        if (!tasks.isEmpty()) {
            wakeOne();
        }
    }
}
