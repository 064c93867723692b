package dev.sennit.internal.view;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Receives the events of tasks and services. This is the seam between pools and service managers, which do not depend
 * on views and recordings, and the code that makes these.
 *
 * <p>The threads that run tasks call these methods, between the steps of a task. So a method must not block, throw,
 * call code of users, or keep its arguments longer than a view needs.
 *
 * <p>There are no events of a task that was submitted while there was no observer: its number is 0. Nor are there
 * events of the parts of a whole that a pool counts as one task. So the events of an observer add up to the figures of
 * a pool.
 *
 * <p>For pools and workers that existed before the observer, there are only later events: an observer may get the end
 * alone.
 *
 * <p>The calls for one task come in this order, from the thread that makes the step. If a task is stopped, two threads
 * call: then {@code runOver} may also come before {@code ended}, and {@code begun} or {@code progress} after it.
 * <pre>
 * submitted -> begun -> ended                          the usual way
 * submitted -> ended                                   dropped before a worker began it
 * submitted -> begun -> ended -> runOver               stopped; the run ends when it heeds that
 * submitted -> begun -> handedBack -> begun -> ...     its worker certainly had not begun it
 * </pre>
 */
public interface TaskObserver {
    /** How a task ended. */
    enum Outcome {
        /** With a value. */
        SUCCEEDED,
        /** With an exception, for example at a time limit. */
        FAILED,
        /** It was cancelled. */
        CANCELLED
    }

    /** The steps of a worker of a service, of a service, or of a service manager. */
    enum ServiceStep {
        /** A process was started. */
        STARTED,
        /** A process is ready. */
        READY,
        /** A process was asked to stop. */
        STOPPING,
        /** A process that was asked to stop has ended in time. */
        STOPPED,
        /** A process that was asked to stop was killed. */
        KILLED,
        /** A process has ended without being asked to, or could not be started. */
        DIED,
        /** A process has ended by itself, and is not to be restarted. */
        DONE,
        /** A process that should replace another did not get ready. */
        GIVEN_UP,
        /** Too many processes have died. */
        FAILED,
        /** A service is being reloaded. */
        RELOADING,
        /** A manager has started. */
        MANAGER_STARTED,
        /** A manager and its workers have ended. */
        MANAGER_ENDED
    }

    /** An unknown time, or the time of a run that has not ended or never began. */
    long UNKNOWN = -1;

    /**
     * A pool has admitted a task.
     *
     * @param task its number, which no other task of this JVM has
     * @param pool the name of its pool
     * @param named its name, or the class from which a name is made
     */
    void submitted(long task, String pool, Object named);

    /**
     * A worker begins a task.
     *
     * @param now when it begins, by the clock of the backend, which the caller has just read
     * @param waitedNanos how long the task has waited for the worker
     * @param worker the worker's name; null if it is not known
     */
    void begun(long task, String pool, Object named, long now, long waitedNanos, @Nullable String worker);

    /** A task waits again: its worker had not begun it. */
    void handedBack(long task, String pool, Object named);

    /** An attempt at a task has ended, and another follows. */
    void retried(long task, String pool, Object named);

    /**
     * The future of a task is about to be done.
     *
     * @param ranNanos how long the run took; {@link #UNKNOWN} if the task was settled from outside
     * @param cpuNanos the processor time of the run, or {@link #UNKNOWN}
     * @param failure why the task failed, or null
     */
    void ended(long task, String pool, Object named, Outcome outcome, long ranNanos, long cpuNanos,
            @Nullable Throwable failure);

    /** The run of a task that was stopped is over; its times are as those of {@link #ended}. */
    void runOver(long task, String pool, Object named, long ranNanos, long cpuNanos);

    /**
     * A task has reported progress. Calls of {@code map} and runs of a pipeline report progress too, each under a
     * number of its own that has no other events.
     *
     * @param done 0 or more
     * @param total not less than done, or less than 0 if it is not known
     * @param message what is being done, or an empty string
     */
    void progress(long task, String pool, Object named, long done, long total, String message);

    /** A pool is open, and may get tasks. */
    void poolOpened(String pool);

    /** A pool has terminated: its tasks and its workers have ended. Not called for a pool that was never opened. */
    void poolClosed(String pool);

    /**
     * A worker can run tasks.
     *
     * @param worker its name, as in {@link #begun}
     */
    void workerStarted(String pool, String worker);

    /**
     * A worker that was started before has ended.
     *
     * @param why the cause, if the end was not intended, or null
     */
    void workerEnded(String pool, String worker, @Nullable String why);

    /**
     * A worker of a service, a service, or a service manager has made a step.
     *
     * @param name the name of the service, or of the manager
     * @param worker the worker's name and process id; null if the step does not concern a worker
     * @param why the cause, or null
     */
    void service(ServiceStep step, String name, @Nullable String worker, @Nullable String why);

    /** Holds the observer of this JVM. */
    final class Current {
        private static final AtomicLong TASKS = new AtomicLong();

        private static volatile @Nullable TaskObserver observer;

        private Current() {}

        /** Returns the observer, or null. */
        public static @Nullable TaskObserver get() {
            return observer;
        }

        /** Sets the observer, or null. The caller ensures that there is one at a time. */
        public static void set(@Nullable TaskObserver next) {
            observer = next;
        }

        /** Returns the number of the next observed task, which is larger than all before. */
        public static long nextTask() {
            return TASKS.incrementAndGet();
        }

        /** Returns the number of the last observed task. */
        public static long lastTask() {
            return TASKS.get();
        }
    }
}
