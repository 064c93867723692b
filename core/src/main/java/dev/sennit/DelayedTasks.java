package dev.sennit;

import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The admitted tasks of a pool whose delay is not over, with their timers. No queue holds them yet.
 *
 * <p>Each task is counted into the pool's gate a second time. The thread that removes the task from here counts it out
 * when it has dispatched or dropped the task: another thread may end the task meanwhile, which must not end the pool.
 */
final class DelayedTasks {
    private static final Future<?> TIMER_TO_COME = CompletableFuture.completedFuture(null);

    private final Map<Submission<?>, Future<?>> timers = new ConcurrentHashMap<>();
    /** For the tasks that a worker waits for: notified when the delay is over. */
    private final Map<Submission<?>, WorkSignal> awaited = new ConcurrentHashMap<>();

    /** Dispatches a task when its delay is over. */
    void dispatchAfter(Duration delay, Submission<?> submission) {
        put(submission);
        Future<?> timer;
        try {
            timer = submission.pool().callAfter(delay, () -> isDue(submission));
        } catch (RuntimeException | Error e) { // no thread, for example: no timer will dispatch it, so it ends here
            submission.settle(null, e, false);
            throw e;
        }
        if (!timers.replace(submission, TIMER_TO_COME, timer)) { // it is already due, or was dropped
            timer.cancel(false);
        }
    }

    private void isDue(Submission<?> submission) {
        if (timers.remove(submission) == null) {
            return;
        }
        submission.isDue();
        try {
            submission.pool().dispatchOrFail(submission);
        } catch (RuntimeException | Error e) {
            // the future has failed with it
        } finally {
            submission.pool().leave();
            tellEnd(submission);
        }
    }

    /** Lets a task's delay pass in the calling thread, unless the task is settled before. */
    void await(Duration delay, Submission<?> submission) {
        put(submission);
        try {
            submission.future().get(Timers.nanos(delay), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            submission.isDue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            submission.settle(null, new CancellationException("interrupted before the delay was over"), false);
        } catch (ExecutionException | CancellationException e) {
            // it was settled from outside
        }
        if (timers.remove(submission) != null) {
            submission.pool().leave();
            tellEnd(submission);
        }
    }

    private void put(Submission<?> submission) {
        submission.pool().enterAgain();
        timers.put(submission, TIMER_TO_COME);
        if (submission.pool().isStopping()) { // shutdownNow may have missed it
            submission.settle(null, new CancellationException(), false);
        }
    }

    /**
     * Removes a dropped task, which the caller then counts out; returns false if its delay was over, or it had none.
     */
    boolean remove(Submission<?> submission) {
        Future<?> timer = timers.remove(submission);
        if (timer == null) {
            return false;
        }
        timer.cancel(false);
        tellEnd(submission);
        return true;
    }

    boolean has(Submission<?> submission) {
        return timers.containsKey(submission);
    }

    /** Returns the object that is notified when a task's delay is over; null if it is over, or there is none. */
    @Nullable WorkSignal end(Submission<?> submission) {
        if (!has(submission)) {
            return null;
        }
        WorkSignal end = awaited.computeIfAbsent(submission, one -> new WorkSignal());
        if (!has(submission)) { // the thread that ended the delay may have missed the new object
            tellEnd(submission);
            return null;
        }
        return end;
    }

    /** Removes a callback from the end of a task's delay. */
    void forget(Submission<?> submission, Runnable onEnd) {
        WorkSignal end = awaited.get(submission);
        if (end != null) {
            end.forget(onEnd);
        }
    }

    private void tellEnd(Submission<?> submission) {
        WorkSignal end = awaited.remove(submission);
        if (end != null) {
            end.signal();
        }
    }

    Set<Submission<?>> all() {
        return timers.keySet();
    }
}
