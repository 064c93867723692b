package dev.sennit;

import java.time.Duration;

/**
 * An immutable snapshot of the figures of a {@link Retry}.
 *
 * <p>The counts add up: {@code calls == succeeded + exhausted + failed}, and {@code attempts >= calls}.
 *
 * @param calls calls that have ended
 * @param attempts attempts that have ended, those of calls still under way included
 * @param succeeded calls that ended with a value
 * @param exhausted calls that the stop gave up
 * @param failed calls that ended in another way: a failure that the condition does not cover, an error, an interrupt
 * @param waited total time of the completed waits
 */
public record RetryStatistics(
        long calls, long attempts, long succeeded, long exhausted, long failed, Duration waited) {}
