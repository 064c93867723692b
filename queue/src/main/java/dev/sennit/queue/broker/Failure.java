package dev.sennit.queue.broker;

import java.time.Duration;

/**
 * The end of a run without a result. The worker decides what is to become of the task, by its {@link RetryPolicy}.
 *
 * @param token the proof of the claim
 * @param error why
 * @param verdict what is to become of the task. If the task was cancelled meanwhile, it becomes CANCELLED whatever the
 *     verdict says
 */
public record Failure(Token token, ErrorInfo error, Verdict verdict) {
    /** The decision about a task whose run has ended without a result. */
    public sealed interface Verdict {}

    /**
     * The run has failed, and is repeated later.
     *
     * @param delay how long to wait, 0 or more
     */
    public record RetryIn(Duration delay) implements Verdict {}

    /**
     * The run has failed for the last time.
     *
     * @param reason why it is not repeated
     */
    public record Die(DeadReason reason) implements Verdict {}

    /** The worker gives the task back, because it stops. This is no failure: nothing is counted, the task is READY. */
    public record GiveBack() implements Verdict {}

    /**
     * The worker lives, but the process in which it ran the task has died. This counts as a crash, as an expired lease
     * does: the task is READY again, or DEAD with the reason {@link DeadReason#CRASHED} if that was one of
     * {@link RetryPolicy#crashes} too many, or {@link DeadReason#LOST} if it may run once only.
     */
    public record Crashed() implements Verdict {}

    /** The run was stopped, because the task was cancelled. */
    public record Cancelled() implements Verdict {}
}
