package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A context that is also notified of each task's end. For tracers, which begin a span when a task is submitted and have
 * to end it in every case.
 *
 * {@snippet :
 *     record Log() implements TaskTracker<String> {
 *         @Override
 *         public String capture() {
 *             return null; // nothing to carry but with a task
 *         }
 *
 *         @Override
 *         public String capture(Submitted task) {
 *             return task.name();
 *         }
 *
 *         @Override
 *         public <T> T around(String captured, java.util.concurrent.Callable<T> body) throws Exception {
 *             return body.call();
 *         }
 *
 *         @Override
 *         public void ended(String captured, End end) {
 *             System.out.println(captured + ": " + end.outcome());
 *         }
 *     }
 *
 *     try (Pool pool = Pools.open("threads:1"); var _ = TaskContext.register(new Log())) {
 *         pool.submit(() -> 6 * 7, TaskOptions.named("answer")).join(); // answer: SUCCEEDED
 *     }
 * }
 *
 * <p>A tracker is {@linkplain TaskContext#register registered} as any context, and {@link #around} is called as for any
 * context. The tracked tasks are those that the {@linkplain Pool#statistics figures} of a pool count, and refused
 * submissions: a task with a retry is one task, and so is each chunk of {@code map}. For the thread of
 * {@code mapAsync}, which runs no task of its own, {@link #capture()} is called.
 *
 * <p>With worker processes, {@code capture} and {@code ended} are called in the JVM of the submitter, with the same
 * object; the worker, which calls {@code around}, has a copy. As any context, a tracker that is not serializable is not
 * called in worker processes.
 *
 * @param <C> the type of the captured value
 */
public interface TaskTracker<C> extends TaskContext<C> {
    /** How a task ended. */
    enum Outcome {
        /** With a value. */
        SUCCEEDED,
        /** With an exception, for example as its time limit passed, or its worker died. */
        FAILED,
        /** It was cancelled, before or while it ran. */
        CANCELLED,
        /** It was not admitted: the pool was full or shut down, or the task could not travel. */
        REFUSED
    }

    /**
     * A task that is being submitted.
     *
     * @param name its name, from its submitter or its class, which may contain secrets
     * @param pool the pool that runs it
     */
    record Submitted(String name, Pool pool) {
        /** Checks that all is there. */
        public Submitted {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(pool, "pool");
        }
    }

    /**
     * The end of a task. Unknown values are absent.
     *
     * @param outcome how it ended
     * @param failure why it failed or was refused
     * @param waited how long it has waited for a worker; absent if no worker has begun it
     * @param worker the worker that began it last: the thread, or the worker process with its process id
     */
    record End(Outcome outcome, Optional<Throwable> failure, Optional<Duration> waited, Optional<String> worker) {
        /** Checks that all is there. */
        public End {
            Objects.requireNonNull(outcome, "outcome");
            Objects.requireNonNull(failure, "failure");
            Objects.requireNonNull(waited, "waited");
            Objects.requireNonNull(worker, "worker");
        }
    }

    /**
     * Captures the context of the calling thread for a task, as {@link #capture()}. Each value that this method returns
     * gets one call of {@link #ended}.
     *
     * @param task the task
     * @return the captured value; null if there is nothing to track or to carry
     */
    @Nullable C capture(Submitted task);

    /**
     * Called once for each value that was captured for a task: before the task's future is done, or before the
     * exception of a refused submission is thrown. The run of a stopped task may still go on. Called by the thread that
     * ends the task, so this method should be fast. An exception of this method is logged.
     *
     * @param captured the value that {@link #capture(Submitted)} returned
     * @param end how the task ended
     */
    void ended(C captured, End end);
}
