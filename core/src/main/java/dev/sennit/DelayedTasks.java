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
 * The tasks of a pool whose delay is not over, and what will end it. They have been admitted, and are nowhere else.
 *
 * <p>Each keeps its pool open once more than by itself, until it is {@linkplain #remove removed} and whoever removed it is done
 * with it: one thread may cancel it while another is about to dispatch it.
 */
final class DelayedTasks {
    private static final Future<?> TIMER_TO_COME = CompletableFuture.completedFuture(null);

    private final Map<Submission<?>, Future<?>> timers = new ConcurrentHashMap<>();
    /** Of those that a worker waits for: told when the delay is over. */
    private final Map<Submission<?>, WorkSignal> awaited = new ConcurrentHashMap<>();

    /** Dispatches a task when its delay is over. */
    void dispatchAfter(Duration delay, Submission<?> submission) {
        put(submission);
        Future<?> timer;
        try {
            timer = submission.pool().callAfter(delay, () -> isDue(submission));
        } catch (RuntimeException | Error e) { // no thread to be had, say: nobody will dispatch it, so it ends here
            submission.settle(null, e, false);
            throw e;
        }
        if (!timers.replace(submission, TIMER_TO_COME, timer)) { // it is due, or was dropped, already
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
        if (submission.pool().isStopping()) { // shutdownNow may have looked before it was there
            submission.settle(null, new CancellationException(), false);
        }
    }

    /** Forgets a task that was dropped, whose pool is then to be left; false if its delay was over, or it had none. */
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

    /** Signalled when a task's delay is over; null if it is over, or there is none. */
    @Nullable WorkSignal end(Submission<?> submission) {
        if (!has(submission)) {
            return null;
        }
        WorkSignal end = awaited.computeIfAbsent(submission, one -> new WorkSignal());
        if (!has(submission)) { // whoever ended it may have found nothing to tell
            tellEnd(submission);
            return null;
        }
        return end;
    }

    /** Does not call somebody back who waited for the end of a task's delay. */
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
