package dev.sennit.queue.worker;

import dev.sennit.TaskSerializationException;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.RetryPolicy;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;

/** Decides what becomes of a task whose run has failed, by its {@link RetryPolicy}. */
public final class Verdicts {
    private Verdicts() {}

    /**
     * Decides after a run that has failed by itself, by its hard limit, or with its process.
     *
     * @param claim the task
     * @param failure what the run's future holds
     * @param random of the waits
     * @return what to tell the broker
     */
    public static Failure of(Claim claim, Throwable failure, RandomGenerator random) {
        if (failure instanceof RunFailure known) {
            return switch (known.kind()) {
                case GIVEN_BACK -> new Failure(claim.token(), known.error(), new Failure.GiveBack());
                case UNREADABLE ->
                    new Failure(claim.token(), known.error(), new Failure.Die(DeadReason.UNREADABLE));
                case FAILED -> failed(claim, known.error(), known.classes(), DeadReason.FAILED, random);
            };
        }
        ErrorInfo error = RunFailure.describe(failure);
        if (failure instanceof WorkerCrashedException) {
            return new Failure(claim.token(), error, new Failure.Crashed());
        }
        if (failure instanceof TimeoutException) { // the pool's: those of the run itself come as RunFailures
            var limit = new ErrorInfo(error.type(),
                    "the run was ended at its hard limit of " + claim.task().hardLimit(), "");
            return failed(claim, limit, RunFailure.classesOf(failure), DeadReason.TIMED_OUT, random);
        }
        if (failure instanceof TaskSerializationException) { // no other attempt would do better
            return new Failure(claim.token(), error, new Failure.Die(DeadReason.FAILED));
        }
        return failed(claim, error, RunFailure.classesOf(failure), DeadReason.FAILED, random);
    }

    /** Decides after a run that was ended with the worker, or for want of a lease: it counts as no failure. */
    static Failure interrupted(Claim claim, String why) {
        var error = new ErrorInfo("dev.sennit.queue.QueueWorker", why, "");
        return new Failure(claim.token(), error,
                claim.task().atMostOnce() ? new Failure.Crashed() : new Failure.GiveBack());
    }

    private static Failure failed(
            Claim claim, ErrorInfo error, List<String> classes, DeadReason reason, RandomGenerator random) {
        RetryPolicy retry = claim.task().retry();
        int failures = claim.failures() + 1;
        boolean isLast = failures >= retry.attempts() || retry.never().stream().anyMatch(classes::contains);
        return new Failure(claim.token(), error, isLast
                ? new Failure.Die(reason)
                : new Failure.RetryIn(retry.waitAfter(failures, random)));
    }
}
