package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The options of a submission: a name, a time limit for the run, a retry, a priority, and who hears its messages.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     var options = TaskOptions.named("report").timeout(java.time.Duration.ofSeconds(30));
 *     TaskFuture<String> report = pool.submit(() -> "written", options);
 *     System.out.println(report.join());
 * }
 * }
 *
 * @param name the name of the task in errors and listings, or null for a name made from its class. While a task with a
 *     given name runs, the worker's thread has that name, in a worker process too, so it appears in log lines and
 *     thread dumps. If the submitter's own thread runs the task - {@code inline}, {@code full=caller-runs} - the thread
 *     keeps its name.
 * @param timeout the longest the task may run, or null for no limit. Time spent waiting for a worker does not count.
 *     When it is over, the future fails with {@link java.util.concurrent.TimeoutException} and the run is stopped as by
 *     {@link TaskFuture#cancel cancel(true)}: by an interrupt and, on kinds that isolate tasks, by killing the worker.
 *     To bound waiting and running together use {@link TaskFuture#orTimeout}, which also stops the run.
 * @param retry whether and when to repeat a failed task; null for a single attempt. Any worker may run each attempt,
 *     and the time limit applies to each attempt. Between two attempts no worker is occupied. The statistics count one
 *     task, and the attempts beyond the first as {@code retried}.
 * @param priority the waiting task with the greatest number goes first; the default is 0. Only a pool that orders by
 *     priority takes another number, see {@link ThreadPool.Builder#byPriority}.
 * @param onMessage gets what the task {@linkplain TaskMessages#send sends} while it runs, in each of its attempts; or
 *     null
 */
public record TaskOptions(
        @Nullable String name, @Nullable Duration timeout, int priority, @Nullable Retry retry,
        @Nullable TaskMessageListener onMessage) {

    /** No name, no limit, priority 0, no listener. */
    public static final TaskOptions NONE = new TaskOptions(null, null, 0, null, null);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the name is blank, or the timeout is zero or negative
     */
    public TaskOptions {
        if (name != null && name.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        if (timeout != null && !timeout.isPositive()) {
            throw new IllegalArgumentException("timeout must be > 0, was " + timeout);
        }
    }

    /**
     * Returns options with only a name.
     *
     * @param name the name of the task in errors and listings
     * @return the options
     */
    public static TaskOptions named(String name) {
        return NONE.name(name);
    }

    /**
     * Returns options with only a time limit for the run.
     *
     * @param timeout the longest the task may run
     * @return the options
     */
    public static TaskOptions timeLimit(Duration timeout) {
        return NONE.timeout(timeout);
    }

    /**
     * Returns these options with another name.
     *
     * @param newName the name of the task in errors and listings
     * @return the options
     */
    public TaskOptions name(String newName) {
        return new TaskOptions(Objects.requireNonNull(newName, "name"), timeout, priority, retry, onMessage);
    }

    /**
     * Returns these options with another time limit.
     *
     * @param newTimeout the longest the task may run
     * @return the options
     */
    public TaskOptions timeout(Duration newTimeout) {
        return new TaskOptions(name, Objects.requireNonNull(newTimeout, "timeout"), priority, retry, onMessage);
    }

    /**
     * Returns these options with another priority.
     *
     * @param newPriority the task with the greatest number goes first
     * @return the options
     */
    public TaskOptions priority(int newPriority) {
        return new TaskOptions(name, timeout, newPriority, retry, onMessage);
    }

    /**
     * Returns these options with a retry.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     var retry = Retry.attempts(3).waiting(Backoff.exponential(java.time.Duration.ofMillis(10)).fullJitter());
     *     System.out.println(pool.submit(() -> "done", TaskOptions.NONE.retry(retry)).join());
     * }
     * }
     *
     * @param newRetry the retry
     * @return the options
     */
    public TaskOptions retry(Retry newRetry) {
        return new TaskOptions(name, timeout, priority, Objects.requireNonNull(newRetry, "retry"), onMessage);
    }

    /**
     * Returns these options with a listener for the messages of the task.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     var options = TaskOptions.NONE.onMessage(message -> System.out.println(new String(message)));
     *     pool.submit(() -> TaskMessages.send("half of it".getBytes()), options).join();
     * }
     * }
     *
     * @param listener called for each message; stays in this JVM, so that it need not be serializable
     * @return the options
     */
    public TaskOptions onMessage(TaskMessageListener listener) {
        return new TaskOptions(name, timeout, priority, retry, Objects.requireNonNull(listener, "listener"));
    }

    /** Returns the options of the attempts of a task. */
    TaskOptions withoutRetry() {
        return new TaskOptions(name, timeout, priority, null, onMessage);
    }

    /** Returns the options of a task whose attempts have the time limit. */
    TaskOptions withoutLimits() {
        return new TaskOptions(name, null, priority, null, onMessage);
    }
}
