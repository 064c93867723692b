package dev.sennit.cli.compare;

import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.programs.Primes;
import dev.sennit.process.ProcessPool;
import dev.sennit.shared.SharedBoolean;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Prime checks one after another, each by all workers: every worker tries a part of the number's divisors. A worker
 * that finds a divisor sets a flag, in shared memory if workers are processes, and the others stop.
 */
final class SplitPrimes {
    /** The number of divisors tried between two reads of the flag: some tenths of a millisecond. */
    private static final long STRIDE = 1 << 15;

    /** Whether a divisor was found. */
    private interface Flag extends Serializable {
        boolean get();

        void set(boolean found);
    }

    /** The flag among threads. */
    private record FlagHere(AtomicBoolean flag) implements Flag {
        @Override
        public boolean get() {
            return flag.get();
        }

        @Override
        public void set(boolean found) {
            flag.set(found);
        }
    }

    /** The flag among processes. */
    private record SharedFlag(SharedBoolean flag) implements Flag {
        @Override
        public boolean get() {
            return flag.get();
        }

        @Override
        public void set(boolean found) {
            flag.set(found);
        }
    }

    /** A range of odd divisors, both ends included. */
    record Part(long first, long last) implements Serializable {}

    private SplitPrimes() {}

    /**
     * Checks the numbers on all workers of a pool; if it has no limit, on as many as there are processors.
     *
     * @param numbers each 2 or more
     * @return whether each number is prime
     * @throws CommandException naming the part that failed
     */
    static List<@Nullable Object> run(Pool pool, List<Long> numbers) {
        int workers = pool.workers() == Integer.MAX_VALUE ? Runtime.getRuntime().availableProcessors() : pool.workers();
        if (!(pool instanceof ProcessPool)) {
            return run(pool, numbers, workers, new FlagHere(new AtomicBoolean()));
        }
        try (SharedBoolean flag = Workload.shared(() -> SharedBoolean.create(false))) {
            return run(pool, numbers, workers, new SharedFlag(flag));
        }
    }

    private static List<@Nullable Object> run(Pool pool, List<Long> numbers, int workers, Flag found) {
        List<@Nullable Object> answers = new ArrayList<>();
        for (long number : numbers) {
            found.set(false); // no task reads it now: those of the number before are done
            List<Task<?>> tasks = new ArrayList<>();
            for (Part part : parts(number, workers)) {
                tasks.add(() -> search(number, part, found));
            }
            boolean isEven = number % 2 == 0;
            answers.add(isEven ? number == 2 : !Candidate.runAll(pool, tasks).contains(true));
        }
        return answers;
    }

    /** Returns the odd divisors up to the root of a number, in as many parts as there are workers, or fewer. */
    static List<Part> parts(long number, int workers) {
        long root = Primes.squareRoot(number);
        long each = Math.max(1, Math.ceilDiv((root - 1) / 2, workers));
        List<Part> parts = new ArrayList<>();
        for (long first = 3; first <= root; first += 2 * each) {
            parts.add(new Part(first, Math.min(root, first + 2 * (each - 1))));
        }
        return parts;
    }

    /** Returns whether the part has a divisor; also false if another worker has found one elsewhere. */
    private static boolean search(long number, Part part, Flag found) {
        for (long first = part.first; first <= part.last && !found.get(); first += 2 * STRIDE) {
            if (Primes.hasDivisor(number, first, Math.min(part.last, first + 2 * (STRIDE - 1)))) {
                found.set(true);
                return true;
            }
        }
        return false;
    }
}
