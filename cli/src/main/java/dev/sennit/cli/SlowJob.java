package dev.sennit.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What the main thread does while the spinner spins. */
enum SlowJob {
    /** Waits, so that its thread needs no processor. */
    SLEEP {
        @Override
        void run() throws InterruptedException {
            Thread.sleep(MILLIS);
        }
    },
    /** Keeps a processor busy and never gives it back by itself: it blocks a loop that takes turns. */
    BLOCK {
        @Override
        void run() {
            long end = System.nanoTime() + MILLIS * 1_000_000;
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        }
    },
    /** Computes. */
    PRIME {
        @Override
        void run() {
            Primes.isPrime(LARGE_PRIME);
        }
    },
    /** Computes, and gives way now and then. */
    NAP {
        @Override
        void run() {
            Primes.isPrimeWithNaps(LARGE_PRIME);
        }
    };

    private static final long MILLIS = 3000;
    private static final long LARGE_PRIME = 5_000_111_000_222_021L;

    abstract void run() throws InterruptedException;

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
