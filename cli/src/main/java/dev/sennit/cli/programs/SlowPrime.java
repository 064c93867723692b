package dev.sennit.cli.programs;

import java.math.BigInteger;
import java.util.concurrent.TimeUnit;

/**
 * Chooses a prime number whose check takes a given time on this machine.
 *
 * <p>Processors differ: the division of two longs takes 2 ns on one and 10 ns on another. So some divisions are timed
 * first.
 */
public final class SlowPrime {
    /** The smallest choice; its check takes some tenths of a second. */
    static final long SMALLEST = 5_000_111_000_222_021L;

    /** The largest prime that a long holds. */
    public static final long LARGEST = 9_223_372_036_854_775_783L;

    private static final int DIVISIONS_AT_ONCE = 100_000;
    private static final long WARM_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long MEASURED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private SlowPrime() {}

    /** Returns a prime whose check takes about so long here, or {@link #LARGEST} if none takes that long. */
    static long taking(long nanos) {
        divisionsIn(WARM_UP_NANOS); // until the code is compiled
        return ofDivisions((long) ((double) divisionsIn(MEASURED_NANOS) / MEASURED_NANOS * nanos));
    }

    private static long divisionsIn(long nanos) {
        long start = System.nanoTime();
        long from = 3;
        do {
            long to = from + 2L * (DIVISIONS_AT_ONCE - 1);
            if (Primes.hasDivisor(LARGEST, from, to)) {
                throw new IllegalStateException(LARGEST + " is prime, and was divided");
            }
            from = to + 2;
        } while (System.nanoTime() - start < nanos);
        return (from - 3) / 2;
    }

    /**
     * Returns a prime whose check takes about so many divisions, at least {@link #SMALLEST}, at most {@link #LARGEST}.
     */
    static long ofDivisions(long divisions) {
        BigInteger root = BigInteger.TWO.multiply(BigInteger.valueOf(divisions)); // only odd numbers are tried
        BigInteger prime = root.multiply(root)
                .max(BigInteger.valueOf(SMALLEST - 1))
                .min(BigInteger.valueOf(LARGEST - 1))
                .nextProbablePrime();
        return prime.longValueExact();
    }
}
