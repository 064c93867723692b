package dev.sennit.cli.programs;

import dev.sennit.cli.command.CommandException;
import dev.sennit.internal.Nearest;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The job of the main thread while the spinner spins, for about three seconds. */
enum SlowJob {
    /** Waits, so that its thread needs no processor. */
    SLEEP {
        @Override
        void run(long number) throws InterruptedException {
            Thread.sleep(MILLIS);
        }
    },
    /** Keeps a processor busy and never yields: it blocks an event loop. */
    BLOCK {
        @Override
        void run(long number) {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS);
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        }
    },
    /** Computes: checks a number. */
    PRIME {
        @Override
        void run(long number) {
            Primes.isPrime(number);
        }
    },
    /** Checks a number, and yields now and then. */
    NAP {
        @Override
        void run(long number) {
            Primes.isPrimeWithNaps(number);
        }
    };

    private static final long MILLIS = 3000;

    /**
     * Does the job.
     *
     * @param number the number to check, if this kind checks one
     */
    abstract void run(long number) throws InterruptedException;

    /** Returns whether the job checks a number. */
    boolean checksANumber() {
        return this == PRIME || this == NAP;
    }

    /**
     * Returns the number to check by default: a prime that takes as long here as the other kinds; 0 if the job checks
     * none.
     */
    long defaultNumber() {
        return checksANumber() ? SlowPrime.taking(TimeUnit.MILLISECONDS.toNanos(MILLIS)) : 0;
    }

    static SlowJob parse(String word) {
        List<String> known = Arrays.stream(values()).map(SlowJob::toString).toList();
        int index = known.indexOf(word);
        if (index < 0) {
            throw CommandException.usage("--work: unknown kind \"" + word + "\": expected " + String.join(", ", known)
                    + Nearest.hint(word, known));
        }
        return values()[index];
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
