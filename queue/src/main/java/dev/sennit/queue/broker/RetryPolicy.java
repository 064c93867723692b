package dev.sennit.queue.broker;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Whether and when a task that has failed runs again. It is data, so it travels with the task: each worker keeps to
 * it, also one that was started later.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.RetryPolicy;
 * import java.time.Duration;
 *
 * RetryPolicy policy = RetryPolicy.attempts(5).waiting(Duration.ofSeconds(1), 2, Duration.ofMinutes(10)).jitter(0.5);
 * }
 *
 * <p>The wait after attempt {@code n} is {@code first * factor^(n-1)}, at most {@code most}, less a random part.
 * A lost worker is no failure of the task: it is counted apart, by {@code crashes}.
 *
 * @param attempts how often the task may fail before it is dead; 1 or more
 * @param first the wait after the first failure, 0 or more
 * @param factor by how much each wait is longer than the one before; 1 or more
 * @param most the longest wait
 * @param jitter which part of the wait is random: from 0, none, to 1, all of it
 * @param never the names of exception classes after which the task is dead at once. A worker looks at the class of the
 *     exception, its superclasses, and its cause's
 * @param crashes how often a worker may be lost while it runs the task, before the task is dead; 1 or more
 */
public record RetryPolicy(
        int attempts, Duration first, double factor, Duration most, double jitter, List<String> never, int crashes) {
    /** One attempt; three crashes. */
    public static final RetryPolicy NONE = new RetryPolicy(1, Duration.ZERO, 1, Duration.ZERO, 0, List.of(), 3);

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of its bounds
     */
    public RetryPolicy {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts must be >= 1, was " + attempts);
        }
        if (first.isNegative()) {
            throw new IllegalArgumentException("first must be >= 0, was " + first);
        }
        if (!(factor >= 1 && factor <= 1000)) {
            throw new IllegalArgumentException("factor must be from 1 to 1000, was " + factor);
        }
        if (most.compareTo(first) < 0) {
            throw new IllegalArgumentException("most must be >= first, was " + most + " with first " + first);
        }
        if (!(jitter >= 0 && jitter <= 1)) {
            throw new IllegalArgumentException("jitter must be from 0 to 1, was " + jitter);
        }
        if (crashes < 1) {
            throw new IllegalArgumentException("crashes must be >= 1, was " + crashes);
        }
        never = List.copyOf(never);
    }

    /**
     * Returns a policy of several attempts: the first wait is a second, each next twice as long, up to ten minutes,
     * and half of each wait is random.
     *
     * @param attempts how often the task may fail before it is dead, 1 or more
     * @return the policy
     */
    public static RetryPolicy attempts(int attempts) {
        return new RetryPolicy(attempts, Duration.ofSeconds(1), 2, Duration.ofMinutes(10), 0.5, List.of(), 3);
    }

    /**
     * Returns this policy with other waits.
     *
     * @param newFirst the wait after the first failure
     * @param newFactor by how much each wait is longer than the one before; 1 for waits of one length
     * @param newMost the longest wait
     * @return the policy
     */
    public RetryPolicy waiting(Duration newFirst, double newFactor, Duration newMost) {
        return new RetryPolicy(attempts, newFirst, newFactor, newMost, jitter, never, crashes);
    }

    /**
     * Returns this policy with waits of one length.
     *
     * @param wait the wait
     * @return the policy
     */
    public RetryPolicy waiting(Duration wait) {
        return waiting(wait, 1, wait);
    }

    /**
     * Returns this policy with another random part.
     *
     * @param part which part of each wait is random: from 0 to 1
     * @return the policy
     */
    public RetryPolicy jitter(double part) {
        return new RetryPolicy(attempts, first, factor, most, part, never, crashes);
    }

    /**
     * Returns this policy with failures that end the task at once.
     *
     * @param classes the names of exception classes
     * @return the policy
     */
    public RetryPolicy neverAfter(List<String> classes) {
        return new RetryPolicy(attempts, first, factor, most, jitter, classes, crashes);
    }

    /**
     * Returns this policy with another limit for lost workers.
     *
     * @param most how often a worker may be lost while it runs the task
     * @return the policy
     */
    public RetryPolicy crashes(int most) {
        return new RetryPolicy(attempts, first, factor, this.most, jitter, never, most);
    }

    /**
     * Returns how long to wait after a failure.
     *
     * @param failures how often the task has failed, this time included: 1 or more
     * @param random the source of the random part
     * @return the wait, 0 or more
     */
    public Duration waitAfter(int failures, RandomGenerator random) {
        Objects.requireNonNull(random, "random");
        double wait = Math.min(first.toMillis() * Math.pow(factor, failures - 1.0), most.toMillis());
        return Duration.ofMillis(Math.round(wait * (1 - jitter * random.nextDouble())));
    }
}
