package dev.sennit.cli;

import java.io.Serializable;
import java.util.Locale;

/**
 * What one check found.
 *
 * @param number what was checked
 * @param prime whether it is prime
 * @param nanos how long the check took where it ran
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

    /** The line of the original program, with the mark given by the caller, who may colour it. */
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
