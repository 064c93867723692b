package dev.sennit.observe;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A step of a task, a worker, a pool or a service. An unknown value is absent, and never 0.
 *
 * @param kind what has happened
 * @param task the number of the task, unique in this JVM; 0 where the kind is not {@linkplain Kind#isOfTask of a task}
 * @param pool the name of its pool; of the kinds of services, the name of the service; of the kinds of their managers,
 *     the name of the manager
 * @param name the name of the task, without secrets: see {@link NameFilter}; empty where the kind is not of a task
 * @param at when it happened. Differences between events are right even if the clock was set meanwhile
 * @param waited of {@link Kind#BEGUN}: how long the task has waited for the worker
 * @param ran of the ends, and of {@link Kind#RUN_OVER}: how long the run took, as its worker measured it; absent if the
 *     task never ran, or its run has not ended
 * @param cpu of the ends, and of {@link Kind#RUN_OVER}: the processor time of the thread that ran the task, during the
 *     run, right to a hundredth. It is not known for virtual threads and coroutines, and on threads of this JVM neither
 *     for runs that took less than 100 µs
 * @param worker of {@link Kind#BEGUN} and of the kinds of workers: the thread, or the worker process with its process
 *     id; without secrets, as a thread may have the name of a task; of the kinds of services: such as {@code
 *     printer worker(0) (pid 4711)}, without an id if there was no process
 * @param failure of {@link Kind#FAILED}: the exception's class and message, without secrets; of
 *     {@link Kind#WORKER_ENDED}: the cause, as in the pool's log, if the end was not intended; of the kinds of
 *     services: the cause, without secrets, if there is one
 * @param progress of {@link Kind#PROGRESS}: the progress of the task
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
        Optional<String> failure,
        Optional<Progress> progress) {

    /**
     * The progress of a task.
     *
     * @param done how much is done, 0 or more
     * @param total how much there is to do in all, not less than what is done; empty if that is not known
     * @param message what is being done, without secrets, or an empty string
     */
    public record Progress(long done, OptionalLong total, String message) {
        /** Checks that all is there. */
        public Progress {
            Objects.requireNonNull(total, "total");
            Objects.requireNonNull(message, "message");
        }
    }

    /** The kinds of events. */
    public enum Kind {
        /** A pool has admitted the task. */
        SUBMITTED,
        /**
         * A worker begins the task. A worker process that was sent the task ahead may have begun it a little earlier:
         * the pool tells it when it has read the answer to the task before.
         */
        BEGUN,
        /**
         * The task has {@linkplain dev.sennit.TaskProgress reported} its progress. Calls of {@code map} and runs of a
         * {@link dev.sennit.Pipeline} report progress too, each under a task number of its own that has no other
         * events; their tasks have other numbers.
         */
        PROGRESS,
        /** The task waits again, as its worker was lost, or ended, before it began the task. */
        HANDED_BACK,
        /** An attempt at the task has failed, and another follows. */
        RETRIED,
        /** The task has ended with a value. */
        SUCCEEDED,
        /** The task has ended with an exception, or exceeded its time limit. */
        FAILED,
        /** The task was cancelled. */
        CANCELLED,
        /** The run of a task is over that was cancelled, exceeded its time limit or was completed from outside. */
        RUN_OVER,
        /** A pool is open. */
        POOL_OPENED,
        /** A pool has terminated. The ends of its tasks and workers come before. */
        POOL_CLOSED,
        /**
         * A worker can run tasks: a thread of a pool of threads, or a worker process, once it is ready. There are no
         * such events for virtual threads and coroutines, of which each task has its own, nor for a process that does
         * not get ready.
         */
        WORKER_STARTED,
        /** A worker has ended. If it died, this comes before the end of the task that it ran. */
        WORKER_ENDED,
        /** A process of a service was started: a worker of a {@code dev.sennit.service.ServiceManager}. */
        SERVICE_STARTED,
        /** A process of a service is ready. */
        SERVICE_READY,
        /** A process of a service was asked to stop. */
        SERVICE_STOPPING,
        /** A process of a service that was asked to stop has ended in time. */
        SERVICE_STOPPED,
        /** A process of a service that was asked to stop did not end in time, and was killed. */
        SERVICE_KILLED,
        /** A process of a service has ended without being asked to, or could not be started. */
        SERVICE_DIED,
        /** A process of a service has ended by itself, and is not to be restarted. */
        SERVICE_DONE,
        /** A process that should replace another did not get ready, and has ended. The other process goes on. */
        SERVICE_GIVEN_UP,
        /** Too many processes have died: the worker of the service stays down. */
        SERVICE_FAILED,
        /** A service is being reloaded. */
        SERVICE_RELOADING,
        /** A manager of services begins to start them. */
        MANAGER_STARTED,
        /** A manager of services has ended. The ends of its workers come before. */
        MANAGER_ENDED;

        /**
         * Returns whether the task's future is done.
         *
         * @return true for {@link #SUCCEEDED}, {@link #FAILED} and {@link #CANCELLED}; each task has exactly one of
         *     these
         */
        public boolean isEnd() {
            return this == SUCCEEDED || this == FAILED || this == CANCELLED;
        }

        /**
         * Returns whether an event of this kind belongs to a task.
         *
         * @return false for the kinds of pools, workers, services and their managers
         */
        public boolean isOfTask() {
            return switch (this) {
                case SUBMITTED, BEGUN, PROGRESS, HANDED_BACK, RETRIED, SUCCEEDED, FAILED, CANCELLED, RUN_OVER -> true;
                default -> false;
            };
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
        Objects.requireNonNull(progress, "progress");
    }
}
