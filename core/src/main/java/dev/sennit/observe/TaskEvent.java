package dev.sennit.observe;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A step of a task. What is not known is absent; no figure is 0 for want of knowledge.
 *
 * @param kind what has happened
 * @param task the number of the task, which no other task of this JVM has
 * @param pool the name of its pool
 * @param name the name of the task, without secrets: see {@link NameFilter}
 * @param at when it happened. Set clocks do not matter: differences are right
 * @param waited of {@link Kind#BEGUN}: how long the task has waited for the worker
 * @param ran of the ends, and of {@link Kind#RUN_OVER}: how long the run took, as its worker measured it; absent if the
 *     task never ran, or its run has not ended
 * @param cpu of the ends, and of {@link Kind#RUN_OVER}: the processor time of the thread that ran the task, during the
 *     run, right to a hundredth. It is not known for virtual threads and coroutines, and on threads of this JVM neither
 *     for runs that took less than 50 µs
 * @param worker of {@link Kind#BEGUN}: the thread that runs the task, or the worker process with its process id
 * @param failure of {@link Kind#FAILED}: the exception's class and message, without secrets
 */
public record TaskEvent(
        Kind kind,
        long task,
        String pool,
        String name,
        Instant at,
        Optional<Duration> waited,
        Optional<Duration> ran,
        Optional<Duration> cpu,
        Optional<String> worker,
        Optional<String> failure) {

    /** What can happen to a task. */
    public enum Kind {
        /** A pool has admitted it. */
        SUBMITTED,
        /** A worker begins it. */
        BEGUN,
        /** It waits again, as its worker was lost, or ended, before it began the task. */
        HANDED_BACK,
        /** An attempt at it has failed, and another follows. */
        RETRIED,
        /** It has ended with a value. */
        SUCCEEDED,
        /** It has ended with an exception, or ran out of time. */
        FAILED,
        /** It was cancelled. */
        CANCELLED,
        /** The run of a task that was cancelled, ran out of time or was completed from outside is over. */
        RUN_OVER;

        /**
         * Returns whether the task's future is done.
         *
         * @return true for three of them; each task has exactly one of these
         */
        public boolean isEnd() {
            return this == SUCCEEDED || this == FAILED || this == CANCELLED;
        }
    }

    /** Checks that all is there. */
    public TaskEvent {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(pool, "pool");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(waited, "waited");
        Objects.requireNonNull(ran, "ran");
        Objects.requireNonNull(cpu, "cpu");
        Objects.requireNonNull(worker, "worker");
        Objects.requireNonNull(failure, "failure");
    }
}
