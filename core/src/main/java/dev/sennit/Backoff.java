package dev.sennit;

import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Decides how long a {@link Retry} waits before the next attempt.
 *
 * {@snippet :
 * Backoff backoff = Backoff.exponential(java.time.Duration.ofMillis(100)) // 100, 200, 400, ... ms
 *         .atMost(java.time.Duration.ofSeconds(10))
 *         .fullJitter();
 * Retry retry = Retry.attempts(5).waiting(backoff);
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * <p>Clients that failed together and wait for the same time fail together again. {@link #fullJitter} spreads them
 * best, with the least work (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * <p>The waits of these backoffs, and of backoffs composed of them, are between zero and 2<sup>63</sup>-1 ns, 292
 * years; longer waits are cut to that, so none overflows. Every thread that uses the {@link Retry} calls its backoff,
 * which should be immutable, as all of these are. An exception of the backoff ends the call.
 */
@FunctionalInterface
public interface Backoff {
    /**
     * Returns the wait after an attempt. A backoff of your own may look at the failure, such as a response with a
     * Retry-After header.
     *
     * @param last the attempt that has just ended
     * @param random the source of random numbers
     * @return how long to wait; a negative wait counts as zero, more than 292 years as 292 years
     */
    Duration waitAfter(Attempt last, RandomGenerator random);

    /**
     * Returns a backoff that does not wait.
     *
     * @return the backoff
     */
    static Backoff none() {
        return (last, random) -> Duration.ZERO;
    }

    /**
     * Returns a backoff with the same wait each time.
     *
     * @param wait the wait
     * @return the backoff
     * @throws IllegalArgumentException if it is negative
     */
    static Backoff fixed(Duration wait) {
        Duration fixed = Duration.ofNanos(nanos(wait, "wait"));
        return (last, random) -> fixed;
    }

    /**
     * Returns a backoff with random waits, uniformly distributed.
     *
     * @param least the shortest wait
     * @param most the longest wait
     * @return the backoff
     * @throws IllegalArgumentException if a wait is negative, or the longest is less than the shortest
     */
    static Backoff random(Duration least, Duration most) {
        long from = nanos(least, "least");
        long to = nanos(most, "most");
        if (to < from) {
            throw new IllegalArgumentException("most must be >= least, was " + most + " and " + least);
        }
        return (last, random) -> Duration.ofNanos(from + upTo(to - from, random));
    }

    /**
     * Returns a backoff whose wait grows by the same step after each attempt.
     *
     * @param first the first wait
     * @param step the difference between two waits
     * @return the backoff
     * @throws IllegalArgumentException if an argument is negative
     */
    static Backoff incrementing(Duration first, Duration step) {
        long start = nanos(first, "first");
        long more = nanos(step, "step");
        return (last, random) -> {
            long steps = last.number() - 1L;
            boolean tooMuch = more > 0 && steps > (Long.MAX_VALUE - start) / more;
            return Duration.ofNanos(tooMuch ? Long.MAX_VALUE : start + steps * more);
        };
    }

    /**
     * Returns a backoff whose wait doubles after each attempt. Give it a bound with {@link #atMost}.
     *
     * @param first the first wait
     * @return the backoff
     * @throws IllegalArgumentException if it is negative
     */
    static Backoff exponential(Duration first) {
        return exponential(first, 2);
    }

    /**
     * Returns a backoff whose wait is multiplied after each attempt. Give it a bound with {@link #atMost}.
     *
     * @param first the first wait
     * @param factor the quotient of two successive waits
     * @return the backoff
     * @throws IllegalArgumentException if the wait is negative, or the factor not a finite number of at least 1
     */
    static Backoff exponential(Duration first, double factor) {
        long start = nanos(first, "first");
        if (!(factor >= 1 && Double.isFinite(factor))) {
            throw new IllegalArgumentException("factor must be >= 1 and finite, was " + factor);
        }
        return (last, random) -> {
            double wait = start * Math.pow(factor, last.number() - 1.0);
            return Duration.ofNanos((long) wait); // the cast turns infinity into the largest long, and NaN into 0
        };
    }

    /**
     * Returns a backoff that uses the first of several backoffs after the first attempt, the second after the second,
     * and so on, and the last backoff from then on.
     *
     * @param backoffs in the order of the attempts; each gets the attempt with its number within the whole call
     * @return the backoff
     * @throws IllegalArgumentException if the array is empty
     */
    static Backoff chain(Backoff... backoffs) {
        List<Backoff> links = List.of(backoffs);
        if (links.isEmpty()) {
            throw new IllegalArgumentException("backoffs must not be empty");
        }
        return (last, random) -> links.get(Math.min(last.number(), links.size()) - 1).waitAfter(last, random);
    }

    /**
     * Returns this backoff with a bound. A wait that is added afterwards, such as {@link #plusJitter}, is not bounded
     * by it.
     *
     * @param most the bound
     * @return the bounded backoff
     * @throws IllegalArgumentException if it is negative
     */
    default Backoff atMost(Duration most) {
        long bound = nanos(most, "most");
        return (last, random) -> Duration.ofNanos(Math.min(bound, nanosAfter(last, random)));
    }

    /**
     * Returns a backoff with random waits, uniformly distributed between zero and the wait of this backoff.
     *
     * @return the backoff with jitter
     */
    default Backoff fullJitter() {
        return (last, random) -> Duration.ofNanos(upTo(nanosAfter(last, random), random));
    }

    /**
     * Returns this backoff plus a random wait, uniformly distributed between zero and a bound.
     *
     * @param most the longest wait to add
     * @return the backoff with jitter
     * @throws IllegalArgumentException if it is negative
     */
    default Backoff plusJitter(Duration most) {
        return plus(random(Duration.ZERO, most));
    }

    /**
     * Returns the sum of this backoff and another.
     *
     * @param other the other backoff
     * @return the sum
     */
    default Backoff plus(Backoff other) {
        Objects.requireNonNull(other, "other");
        return (last, random) -> {
            long sum = nanosAfter(last, random) + other.nanosAfter(last, random);
            return Duration.ofNanos(sum < 0 ? Long.MAX_VALUE : sum);
        };
    }

    private long nanosAfter(Attempt last, RandomGenerator random) {
        return Math.max(0, Timers.nanos(waitAfter(last, random)));
    }

    private static long nanos(Duration duration, String name) {
        if (Objects.requireNonNull(duration, name).isNegative()) {
            throw new IllegalArgumentException(name + " must be >= 0, was " + duration);
        }
        return Timers.nanos(duration);
    }

    /** Returns a random number, uniformly distributed between zero and a bound, both included. */
    private static long upTo(long most, RandomGenerator random) {
        return most == Long.MAX_VALUE ? random.nextLong() >>> 1 : random.nextLong(most + 1);
    }
}
