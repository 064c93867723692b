package dev.sennit;

import java.time.Duration;

/**
 * What a {@link Retry} has done so far: an immutable snapshot.
 *
 * <p>The counts add up: {@code calls == succeeded + exhausted + failed}, and {@code attempts >= calls}.
 *
 * @param calls calls that have ended
 * @param attempts attempts that have ended, those of calls still under way included
 * @param succeeded calls that ended with a value
 * @param exhausted calls that were given up by the stop
 * @param failed calls that ended in another way: a failure that the condition does not cover, an error, an interrupt
 * @param waited total time of the waits that have come to their end
 */
public record RetryStatistics(
        long calls, long attempts, long succeeded, long exhausted, long failed, Duration waited) {}
