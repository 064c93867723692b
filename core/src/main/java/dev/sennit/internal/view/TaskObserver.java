package dev.sennit.internal.view;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Is told what tasks and services do: the seam between pools and service managers, which know nothing of
 * views and recordings, and what makes them.
 *
 * <p>The threads that move a task on call these methods, between the steps of the task. So a method neither blocks nor
 * throws, calls no code of users, and does not keep what it was given longer than a view needs.
 *
 * <p>A task that was submitted while there was no observer is never told of: its number is 0. The parts of a whole that
 * a pool counts as one task are not told of either. So what an observer hears adds up as the figures of a pool do.
 *
 * <p>Pools and workers that were there before the observer are told of from then on: it may hear of an end alone.
 *
 * <p>The calls for one task come in this order, from whichever thread makes the step; {@code runOver} may also come
 * before the end that made the task stop, and {@code begun} or {@code progress} after it, as two threads are at work
 * then:
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
        /** With an exception, a time limit that was over among them. */
        FAILED,
        /** It was cancelled. */
        CANCELLED
    }

    /** What happens to the worker of a service, to a service, or to a service manager. */
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
        /** A process has ended that was not asked to, or could not be started. */
        DIED,
        /** A process has ended by itself, and no other is wanted. */
        DONE,
        /** A process that was to replace another did not get ready. */
        GIVEN_UP,
        /** Too many processes have died. */
        FAILED,
        /** A service is being reloaded. */
        RELOADING,
        /** A manager begins. */
        MANAGER_STARTED,
        /** A manager has ended: so have its workers. */
        MANAGER_ENDED
    }

    /** A time that is not known, or of a run that has not ended, or never began. */
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
     * A worker begins it.
     *
     * @param now when it does, by the clock of the backend, which the caller has just read
     * @param waitedNanos how long it has waited for the worker
     * @param worker the worker's name; null if that is not known
     */
    void begun(long task, String pool, Object named, long now, long waitedNanos, @Nullable String worker);

    /** It waits again: the worker that was to run it had not begun it. */
    void handedBack(long task, String pool, Object named);

    /** An attempt at it has ended, and another follows. */
    void retried(long task, String pool, Object named);

    /**
     * Its future is about to be done.
     *
     * @param ranNanos how long the run took; {@link #UNKNOWN} if the task was settled from outside
     * @param cpuNanos the processor time of the run, or {@link #UNKNOWN}
     * @param failure why it failed, or null
     */
    void ended(long task, String pool, Object named, Outcome outcome, long ranNanos, long cpuNanos,
            @Nullable Throwable failure);

    /** The run of a task that was stopped is over; its times are as those of {@link #ended}. */
    void runOver(long task, String pool, Object named, long ranNanos, long cpuNanos);

    /**
     * Its run has come so far. Also told of a whole that has tasks, but is none, with a number of its own: a call of
     * {@code map}, a run of a pipeline; there is no other event of that number.
     *
     * @param done 0 or more
     * @param total not less than done, or less than 0 if it is not known
     * @param message what is being done, or an empty string
     */
    void progress(long task, String pool, Object named, long done, long total, String message);

    /** A pool is open, and may get tasks. */
    void poolOpened(String pool);

    /** A pool has terminated: its tasks and its workers have ended. Not told of a pool that was never opened. */
    void poolClosed(String pool);

    /**
     * A worker can run tasks.
     *
     * @param worker its name, as {@link #begun} has it
     */
    void workerStarted(String pool, String worker);

    /**
     * A worker has ended, which was started before.
     *
     * @param why the cause, if it was not to end; else null
     */
    void workerEnded(String pool, String worker, @Nullable String why);

    /**
     * Something has happened to a worker of a service, to a service, or to a service manager.
     *
     * @param name the name of the service, or of the manager
     * @param worker the worker's name and process id; null if the step is none of a worker
     * @param why the cause, or null
     */
    void service(ServiceStep step, String name, @Nullable String worker, @Nullable String why);

    /** Holds the observer of this JVM. */
    final class Current {
        private static final AtomicLong TASKS = new AtomicLong();

        private static volatile @Nullable TaskObserver observer;

        private Current() {}

        /** Returns the observer; null if nobody wants to know. */
        public static @Nullable TaskObserver get() {
            return observer;
        }

        /** Sets the observer, or null. There is one at a time: whoever sets it sees to that. */
        public static void set(@Nullable TaskObserver next) {
            observer = next;
        }

        /** Returns the number of the next task that is told of: larger than all before. */
        public static long nextTask() {
            return TASKS.incrementAndGet();
        }

        /** Returns the number of the last task that is told of. */
        public static long lastTask() {
            return TASKS.get();
        }
    }
}
