package dev.sennit;

import dev.sennit.internal.Timers;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * How long a {@link Retry} waits before the next attempt.
 *
 * {@snippet :
 * Backoff backoff = Backoff.exponential(java.time.Duration.ofMillis(100)) // 100, 200, 400, ... ms
 *         .atMost(java.time.Duration.ofSeconds(10))
 *         .fullJitter();
 * Retry retry = Retry.attempts(5).waiting(backoff);
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * <p>Clients that failed together and wait for the same time fail together again. {@link #fullJitter} spreads them best,
 * for the least work (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * <p>The waits of these backoffs, and of what is composed of them, are between zero and 2<sup>63</sup>-1 ns, 292 years;
 * what would be more is that, so none overflows. A backoff is asked by every thread that uses the {@link Retry}, so it
 * should be immutable, as all of these are. What it throws ends the call.
 */
@FunctionalInterface
public interface Backoff {
    /**
     * The wait that follows an attempt. One of your own may look at the failure, such as an answer that says when to come
     * back.
     *
     * @param last the attempt that has just ended
     * @param random where to take random numbers from
     * @return how long to wait; negative counts as zero, more than 292 years as that
     */
    Duration waitAfter(Attempt last, RandomGenerator random);

    /**
     * No wait.
     *
     * @return the backoff
     */
    static Backoff none() {
        return (last, random) -> Duration.ZERO;
    }

    /**
     * The same wait each time.
     *
     * @param wait how long
     * @return the backoff
     * @throws IllegalArgumentException if it is negative
     */
    static Backoff fixed(Duration wait) {
        Duration fixed = Duration.ofNanos(nanos(wait, "wait"));
        return (last, random) -> fixed;
    }

    /**
     * A wait drawn anew each time, uniformly.
     *
     * @param least the shortest
     * @param most the longest
     * @return the backoff
     * @throws IllegalArgumentException if one is negative, or the longest is less than the shortest
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
     * A wait that grows by the same step after each attempt.
     *
     * @param first the first wait
     * @param step by how much each is longer than the one before
     * @return the backoff
     * @throws IllegalArgumentException if one is negative
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
     * A wait that doubles after each attempt. Give it a bound with {@link #atMost}.
     *
     * @param first the first wait
     * @return the backoff
     * @throws IllegalArgumentException if it is negative
     */
    static Backoff exponential(Duration first) {
        return exponential(first, 2);
    }

    /**
     * A wait that is multiplied after each attempt. Give it a bound with {@link #atMost}.
     *
     * @param first the first wait
     * @param factor by what each is multiplied to get the next
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
            return Duration.ofNanos((long) wait); // the cast makes of infinity the largest long, of zero times infinity 0
        };
    }

    /**
     * One backoff after the first attempt, the next after the second, and so on; the last one from then on.
     *
     * @param backoffs in the order of the attempts; each is told the number of the attempt within the whole call
     * @return the backoff
     * @throws IllegalArgumentException if there is none
     */
    static Backoff chain(Backoff... backoffs) {
        List<Backoff> links = List.of(backoffs);
        if (links.isEmpty()) {
            throw new IllegalArgumentException("backoffs must not be empty");
        }
        return (last, random) ->
                links.get(Math.min(last.number(), links.size()) - 1).waitAfter(last, random);
    }

    /**
     * This one, but never longer than a bound. What is added afterwards, such as {@link #plusJitter}, comes on top.
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
     * A wait drawn uniformly between zero and this one.
     *
     * @return the backoff with jitter
     */
    default Backoff fullJitter() {
        return (last, random) -> Duration.ofNanos(upTo(nanosAfter(last, random), random));
    }

    /**
     * This one and something at random on top of it, drawn uniformly between zero and a bound.
     *
     * @param most the most to add
     * @return the backoff with jitter
     * @throws IllegalArgumentException if it is negative
     */
    default Backoff plusJitter(Duration most) {
        return plus(random(Duration.ZERO, most));
    }

    /**
     * The sum of this one and another.
     *
     * @param other the other
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

    /** Uniform between zero and a bound, both included. */
    private static long upTo(long most, RandomGenerator random) {
        return most == Long.MAX_VALUE ? random.nextLong() >>> 1 : random.nextLong(most + 1);
    }
}
