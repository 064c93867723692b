package dev.sennit;

import dev.sennit.InContext.Captured;
import dev.sennit.TaskTracker.End;
import dev.sennit.TaskTracker.Outcome;
import dev.sennit.internal.Uncaught;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * The trackers of a task and the facts for them at its end. The field of the body of a {@link Submission} holds this
 * object, so that a task without trackers needs no field for it; the attempts at a task share it.
 */
final class Tracked {
    private static final long NEVER = -1;

    private final List<Captured<?>> captured;
    /** In nanoseconds. Written by the thread that begins a run; of two attempts, the second begins after the first. */
    private volatile long waited = NEVER;
    /** Written as {@link #waited}. */
    private volatile @Nullable String worker;

    private Tracked(List<Captured<?>> captured) {
        this.captured = captured;
    }

    /**
     * The content of the body's field of a tracked submission, until its trackers were notified.
     *
     * @param body the body itself
     */
    record Holder(Object body, Tracked tracked) {}

    /** Returns the trackers of a task with this body, or null. */
    static @Nullable Tracked of(Callable<?> body) {
        return body instanceof InContext<?> inContext ? of(inContext.contexts()) : null;
    }

    private static @Nullable Tracked of(List<Captured<?>> captured) {
        List<Captured<?>> followed =
                captured.stream().filter(one -> one.context() instanceof TaskTracker).toList();
        return followed.isEmpty() ? null : new Tracked(followed);
    }

    /** Notifies trackers that have captured values for a task that was refused. */
    static void refused(List<Captured<?>> captured, Throwable failure) {
        Tracked tracked = of(captured);
        if (tracked != null) {
            tracked.refused(failure);
        }
    }

    /** Notes that a worker begins the task, or an attempt at it. */
    void begun(long waitedNanos, boolean wasHandedBack, @Nullable String byWorker) {
        long before = waited;
        if (before == NEVER || wasHandedBack) {
            waited = Math.max(0, before) + waitedNanos;
        }
        if (byWorker != null) { // a task with a retry does not know the workers of its attempts
            worker = byWorker;
        }
    }

    void refused(Throwable failure) {
        tell(new End(Outcome.REFUSED, Optional.of(failure), Optional.empty(), Optional.empty()));
    }

    void ended(@Nullable Throwable failure) {
        Outcome outcome = failure == null
                ? Outcome.SUCCEEDED
                : failure instanceof CancellationException ? Outcome.CANCELLED : Outcome.FAILED;
        long nanos = waited;
        tell(new End(
                outcome, outcome == Outcome.FAILED ? Optional.ofNullable(failure) : Optional.empty(),
                nanos == NEVER ? Optional.empty() : Optional.of(Duration.ofNanos(nanos)),
                Optional.ofNullable(worker)));
    }

    private void tell(End end) {
        for (int i = captured.size() - 1; i >= 0; i--) { // the inner trackers first
            tell(captured.get(i), end);
        }
    }

    private static <C> void tell(Captured<C> one, End end) {
        try {
            if (one.context() instanceof TaskTracker<C> tracker) {
                tracker.ended(one.value(), end);
            }
        } catch (Throwable e) { // code of a user has failed; the task ends in any case
            Uncaught.log("tracker " + one.context().getClass().getName() + " failed at the end of a task", e);
        }
    }
}
