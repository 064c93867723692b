package dev.sennit.cli.programs;

import java.util.List;

/**
 * Trial division: slow on purpose, as work to spread over workers.
 *
 * <p>The benchmarks have a {@code Primes} of their own with the same numbers. The two modules share only published
 * libraries, which have no place for sample work, and nothing may depend on {@code cli}.
 */
public final class Primes {
    /** The numbers that are checked when none are given: 9 of the 20 are prime, and no two cost the same. */
    public static final List<Long> NUMBERS = List.of(
            2L,
            142702110479723L,
            299593572317531L,
            3333333333333301L,
            3333333333333333L,
            3333335652092209L,
            4444444444444423L,
            4444444444444444L,
            4444444488888889L,
            5555553133149889L,
            5555555555555503L,
            5555555555555555L,
            6666666666666666L,
            6666666666666719L,
            6666667141414921L,
            7777777536340681L,
            7777777777777753L,
            7777777777777777L,
            9999999999999917L,
            9999999999999999L);

    /** Divisions between two naps: well under a millisecond. */
    private static final int BETWEEN_NAPS = 100_000;

    private Primes() {}

    /** Returns whether a number is prime, by dividing it by every odd number up to its root. */
    public static boolean isPrime(long n) {
        return n == 2 || n > 2 && n % 2 != 0 && !hasDivisor(n, 3, squareRoot(n));
    }

    /** Returns the same, but yields to other threads now and then. */
    static boolean isPrimeWithNaps(long n) {
        if (n <= 2 || n % 2 == 0) {
            return n == 2;
        }
        long root = squareRoot(n);
        for (long first = 3; first <= root; first += 2L * BETWEEN_NAPS) {
            if (hasDivisor(n, first, Math.min(root, first + 2L * (BETWEEN_NAPS - 1)))) {
                return false;
            }
            Thread.yield();
        }
        return true;
    }

    /**
     * Returns whether one of {@code from, from + 2, ... to} divides n; {@code to} is at most the root of a long, so
     * nothing overflows.
     */
    public static boolean hasDivisor(long n, long from, long to) {
        for (long divisor = from; divisor <= to; divisor += 2) {
            if (n % divisor == 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns the largest r with r * r <= n.
     *
     * <p>The root of a double is off by at most a few for large n, as a double holds 53 of the 63 bits; the correction
     * divides instead of squaring, so it does not overflow.
     */
    public static long squareRoot(long n) {
        if (n < 0) {
            throw new IllegalArgumentException("n must be >= 0, was " + n);
        }
        long root = (long) Math.sqrt((double) n);
        while (root > 0 && root > n / root) {
            root--;
        }
        while (root + 1 <= n / (root + 1)) {
            root++;
        }
        return root;
    }
}
