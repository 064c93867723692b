package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What one submission asks for beside its body: a name, a limit on how long it may run, other attempts when it fails, and
 * a place before others.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2")) {
 *     var options = TaskOptions.named("report").timeout(java.time.Duration.ofSeconds(30));
 *     TaskFuture<String> report = pool.submit(() -> "written", options);
 *     System.out.println(report.join());
 * }
 * }
 *
 * @param name what errors and listings call the task, or null for a name made from its class. While a task with a given name
 *     runs, the worker's thread has that name, in a worker process too; so it stands in log lines and thread dumps. Where the
 *     submitter's own thread runs it - {@code inline}, {@code full=caller-runs} - that keeps its name.
 * @param timeout the longest the task may run, or null for no limit. Time spent waiting for a worker does not count.
 *     When it is over the future fails with {@link java.util.concurrent.TimeoutException} and the run is ended as
 *     {@link TaskFuture#cancel cancel(true)} would end it: by an interrupt, and on kinds that isolate by killing the
 *     worker. To bound waiting and running together use {@link TaskFuture#orTimeout}, which also ends the run.
 * @param retry when to try again a task that failed, and how long to wait before; null not to. Each attempt runs on a
 *     worker of its own choice, and the time limit is each attempt's. Between two of them no worker is kept busy. The
 *     statistics count one task, and what comes beyond the first attempt as {@code retried}.
 * @param priority which of the waiting tasks goes first: the one with the greater number; 0 unless said otherwise. Only a
 *     pool that orders by priority takes another number, see {@link ThreadPool.Builder#byPriority}.
 */
public record TaskOptions(
        @Nullable String name, @Nullable Duration timeout, int priority, @Nullable Retry retry) {

    /** No name, no limit, priority 0. */
    public static final TaskOptions NONE = new TaskOptions(null, null, 0, null);

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
     * Options with a name alone.
     *
     * @param name what errors and listings call the task
     * @return the options
     */
    public static TaskOptions named(String name) {
        return NONE.name(name);
    }

    /**
     * Options with a limit on the run alone.
     *
     * @param timeout the longest the task may run
     * @return the options
     */
    public static TaskOptions timeLimit(Duration timeout) {
        return NONE.timeout(timeout);
    }

    /**
     * These options with another name.
     *
     * @param newName what errors and listings call the task
     * @return the options
     */
    public TaskOptions name(String newName) {
        return new TaskOptions(Objects.requireNonNull(newName, "name"), timeout, priority, retry);
    }

    /**
     * These options with another limit.
     *
     * @param newTimeout the longest the task may run
     * @return the options
     */
    public TaskOptions timeout(Duration newTimeout) {
        return new TaskOptions(name, Objects.requireNonNull(newTimeout, "timeout"), priority, retry);
    }

    /**
     * These options with another priority.
     *
     * @param newPriority greater goes first
     * @return the options
     */
    public TaskOptions priority(int newPriority) {
        return new TaskOptions(name, timeout, newPriority, retry);
    }

    /**
     * These options with other attempts when the task fails.
     *
     * {@snippet :
     * try (Pool pool = Pools.open("processes:2")) {
     *     var retry = Retry.attempts(3).waiting(Backoff.exponential(java.time.Duration.ofMillis(10)).fullJitter());
     *     System.out.println(pool.submit(() -> "done", TaskOptions.NONE.retry(retry)).join());
     * }
     * }
     *
     * @param newRetry when to try again
     * @return the options
     */
    public TaskOptions retry(Retry newRetry) {
        return new TaskOptions(name, timeout, priority, Objects.requireNonNull(newRetry, "retry"));
    }

    /** For the attempts of a task. */
    TaskOptions withoutRetry() {
        return new TaskOptions(name, timeout, priority, null);
    }

    /** For a task whose attempts have the limit. */
    TaskOptions withoutLimits() {
        return new TaskOptions(name, null, priority, null);
    }
}
