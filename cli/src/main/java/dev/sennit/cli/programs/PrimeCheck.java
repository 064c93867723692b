package dev.sennit.cli.programs;

import dev.sennit.internal.text.JsonLine;
import java.io.Serializable;
import java.util.Locale;

/**
 * The result of a check.
 *
 * @param number the number that was checked
 * @param prime whether it is prime
 * @param nanos how long the check took, measured where it ran
 */
record PrimeCheck(long number, boolean prime, long nanos) implements Serializable {
    private static final double NANOS = 1e9;

    static PrimeCheck of(long number) {
        long start = System.nanoTime();
        boolean prime = Primes.isPrime(number);
        return new PrimeCheck(number, prime, System.nanoTime() - start);
    }

    double seconds() {
        return nanos / NANOS;
    }

    /** Returns the line of the original program, with the caller's mark, which may be coloured. */
    String line(String mark) {
        return String.format(Locale.ROOT, "%16d  %s %9.6fs", number, mark, seconds());
    }

    String json() {
        return new JsonLine()
                .put("number", number)
                .put("prime", prime)
                .put("seconds", seconds())
                .toString();
    }
}
