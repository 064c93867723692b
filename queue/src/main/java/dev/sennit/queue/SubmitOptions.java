package dev.sennit.queue;

import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.When;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a task is to be run: where, when, how often, for how long. What is not set here is as the task type says, or else
 * as usual: the queue {@code default}, priority 5, at once, one attempt, no limits, a result that is kept for a day.
 *
 * {@snippet :
 * import dev.sennit.queue.SubmitOptions;
 * import dev.sennit.queue.broker.RetryPolicy;
 * import java.time.Duration;
 *
 * SubmitOptions options = SubmitOptions.NONE.queue("images").priority(9).delay(Duration.ofMinutes(1))
 *         .retry(RetryPolicy.attempts(5)).hardLimit(Duration.ofMinutes(10)).key("customer 42", 1);
 * }
 *
 * @param queue the queue, or null
 * @param priority from 0 to 9, the greatest goes first; or null
 * @param due when it may begin, or null
 * @param expires when it is too late to begin, or null
 * @param retry what happens after a failure, or null
 * @param softLimit after how long a run is asked to stop, or null
 * @param hardLimit after how long a run is ended, or null
 * @param atMostOnce whether a run that was begun is never repeated, or null
 * @param unique which other tasks are refused meanwhile, or null
 * @param key with which other tasks it takes turns, or null
 * @param headers what travels along; those of the task type are added
 * @param resultTtl how long its result is kept, or null
 */
public record SubmitOptions(@Nullable String queue, @Nullable Integer priority, @Nullable When due,
        @Nullable When expires, @Nullable RetryPolicy retry, @Nullable Duration softLimit, @Nullable Duration hardLimit,
        @Nullable Boolean atMostOnce, @Nullable Unique unique, @Nullable KeyLimit key, Map<String, String> headers,
        @Nullable Duration resultTtl) {
    /** Nothing is set. */
    public static final SubmitOptions NONE = new SubmitOptions(null, null, null, null, null, null, null, null, null,
            null, Map.of(), null);

    /** Copies the map. */
    public SubmitOptions {
        headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
    }

    /**
     * Sets the queue.
     *
     * @param name its name
     * @return the options
     */
    public SubmitOptions queue(String name) {
        return new SubmitOptions(Objects.requireNonNull(name, "name"), priority, due, expires, retry, softLimit,
                hardLimit, atMostOnce, unique, key, headers, resultTtl);
    }

    /**
     * Sets the priority.
     *
     * @param number from 0 to 9; the greatest goes first
     * @return the options
     */
    public SubmitOptions priority(int number) {
        return new SubmitOptions(queue, number, due, expires, retry, softLimit, hardLimit, atMostOnce, unique, key,
                headers, resultTtl);
    }

    /**
     * Has the task begin some time from now, by the broker's clock.
     *
     * @param delay the time
     * @return the options
     */
    public SubmitOptions delay(Duration delay) {
        return due(When.after(delay));
    }

    /**
     * Has the task begin at a time of day.
     *
     * @param moment the time
     * @return the options
     */
    public SubmitOptions at(Instant moment) {
        return due(When.at(moment));
    }

    private SubmitOptions due(When when) {
        return new SubmitOptions(queue, priority, when, expires, retry, softLimit, hardLimit, atMostOnce, unique, key,
                headers, resultTtl);
    }

    /**
     * Has the task expire if no worker has begun it some time from now.
     *
     * @param time the time
     * @return the options
     */
    public SubmitOptions expiresAfter(Duration time) {
        return expires(When.after(time));
    }

    /**
     * Has the task expire if no worker has begun it by then.
     *
     * @param moment the time of day
     * @return the options
     */
    public SubmitOptions expiresAt(Instant moment) {
        return expires(When.at(moment));
    }

    private SubmitOptions expires(When when) {
        return new SubmitOptions(queue, priority, due, when, retry, softLimit, hardLimit, atMostOnce, unique, key,
                headers, resultTtl);
    }

    /**
     * Sets what happens after a failure.
     *
     * @param policy the policy
     * @return the options
     */
    public SubmitOptions retry(RetryPolicy policy) {
        return new SubmitOptions(queue, priority, due, expires, Objects.requireNonNull(policy, "policy"), softLimit,
                hardLimit, atMostOnce, unique, key, headers, resultTtl);
    }

    /**
     * Has a run asked to stop after some time: its thread is interrupted, and {@link RunContext#isStopRequested} holds.
     *
     * @param limit the time
     * @return the options
     */
    public SubmitOptions softLimit(Duration limit) {
        return new SubmitOptions(queue, priority, due, expires, retry, Objects.requireNonNull(limit, "limit"),
                hardLimit, atMostOnce, unique, key, headers, resultTtl);
    }

    /**
     * Has a run ended after some time: in a worker process by killing it, else by interrupts.
     *
     * @param limit the time
     * @return the options
     */
    public SubmitOptions hardLimit(Duration limit) {
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit,
                Objects.requireNonNull(limit, "limit"), atMostOnce, unique, key, headers, resultTtl);
    }

    /**
     * Has the task never begin a second time after its worker was lost. A claim counts as begun: if the worker is lost
     * between the claim and the first line of the task, the task is dead without having run. Workers keep such tasks
     * waiting for no place, so that this moment is short.
     *
     * @return the options
     */
    public SubmitOptions once() {
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit, hardLimit, true, unique, key, headers,
                resultTtl);
    }

    /**
     * Refuses other tasks with the same key until this one has ended.
     *
     * @param uniqueKey the key
     * @return the options
     */
    public SubmitOptions unique(String uniqueKey) {
        return unique(new Unique(uniqueKey, Unique.Until.ENDED, null));
    }

    /**
     * Refuses other tasks with the same key for some time.
     *
     * @param newUnique the key and the time
     * @return the options
     */
    public SubmitOptions unique(Unique newUnique) {
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit, hardLimit, atMostOnce,
                Objects.requireNonNull(newUnique, "unique"), key, headers, resultTtl);
    }

    /**
     * Has the task take turns with those of other keys in its queue.
     *
     * @param turnKey the key: a tenant or a customer
     * @return the options
     */
    public SubmitOptions key(String turnKey) {
        return key(turnKey, KeyLimit.UNLIMITED);
    }

    /**
     * Has the task take turns with those of other keys in its queue, and limits how many of its key run at a time.
     *
     * @param turnKey the key: a tenant or a customer
     * @param limit how many may be under way at a time; with 1 they run in order
     * @return the options
     */
    public SubmitOptions key(String turnKey, int limit) {
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit, hardLimit, atMostOnce, unique,
                new KeyLimit(turnKey, limit), headers, resultTtl);
    }

    /**
     * Adds a header.
     *
     * @param name its name
     * @param value its value
     * @return the options
     */
    public SubmitOptions header(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit, hardLimit, atMostOnce, unique, key,
                more, resultTtl);
    }

    /**
     * Sets how long the result is kept for those who ask for it by the id of the task.
     *
     * @param time the time; zero for not at all
     * @return the options
     */
    public SubmitOptions resultTtl(Duration time) {
        return new SubmitOptions(queue, priority, due, expires, retry, softLimit, hardLimit, atMostOnce, unique, key,
                headers, Objects.requireNonNull(time, "time"));
    }

    /** Returns these options, with those of another where these have none. */
    SubmitOptions over(SubmitOptions other) {
        Map<String, String> all = new LinkedHashMap<>(other.headers);
        all.putAll(headers);
        return new SubmitOptions(queue != null ? queue : other.queue, priority != null ? priority : other.priority,
                due != null ? due : other.due, expires != null ? expires : other.expires,
                retry != null ? retry : other.retry, softLimit != null ? softLimit : other.softLimit,
                hardLimit != null ? hardLimit : other.hardLimit, atMostOnce != null ? atMostOnce : other.atMostOnce,
                unique != null ? unique : other.unique, key != null ? key : other.key, all,
                resultTtl != null ? resultTtl : other.resultTtl);
    }

    /** Sets what is set here. */
    void applyTo(QueuedTask.Builder task) {
        task.due(due).expires(expires).softLimit(softLimit).hardLimit(hardLimit).unique(unique).key(key)
                .headers(headers);
        if (queue != null) {
            task.queue(queue);
        }
        if (priority != null) {
            task.priority(priority);
        }
        if (retry != null) {
            task.retry(retry);
        }
        if (atMostOnce != null) {
            task.atMostOnce(atMostOnce);
        }
        if (resultTtl != null) {
            task.resultTtl(resultTtl);
        }
    }
}
