package dev.sennit.examples.shared;

import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedLong;
import dev.sennit.shared.SharedQueue;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * All processes check one number at a time, each a part of the divisors; who finds one says so in shared memory, and
 * the others stop. One number is done sooner than with {@link PrimesOverQueues}, all of them together are not.
 */
public final class PrimeByParts {
    private static final List<Long> NUMBERS = List.of(2L, 25L, 3333333333333333L, 6666667141414921L, 5000111000222021L);
    /** So many divisors are tried between two looks at what the others found. */
    private static final int STRIDE = 1 << 15;

    /** A part of the odd divisors of a number. */
    record Part(long number, long first, long last) implements Serializable {}

    private PrimeByParts() {}

    /** Looks for a divisor in a part, and leaves it for the others. */
    private static void search(Part part, SharedLong found) {
        long divisor = part.first;
        while (divisor <= part.last && found.get() == 0) {
            long end = Math.min(part.last, divisor + 2L * STRIDE);
            for (; divisor <= end; divisor += 2) {
                if (part.number % divisor == 0) {
                    found.compareAndSet(0, divisor);
                    return;
                }
            }
        }
    }

    private static void work(SharedQueue<Part> parts, SharedLong found) throws InterruptedException {
        for (Part part = parts.take(); part.number != 0; part = parts.take()) {
            search(part, found);
            parts.taskDone();
        }
    }

    private static boolean isPrime(long number, int workers, SharedQueue<Part> parts, SharedLong found)
            throws InterruptedException {
        if (number % 2 == 0) {
            return number == 2;
        }
        found.set(0);
        long root = (long) Math.sqrt(number);
        long each = Math.ceilDiv(root, 2L * workers) * 2; // even, so that all parts begin with an odd number
        for (long first = 3; first <= root; first += each) {
            parts.put(new Part(number, first, Math.min(root, first + each - 2)));
        }
        parts.join();
        return found.get() == 0;
    }

    public static void main(String[] arguments) throws Exception {
        int workers = Runtime.getRuntime().availableProcessors();
        SharedQueue<Part> parts = SharedQueue.create(2 * workers, 1 << 12);
        try (SharedLong found = SharedLong.create(0)) {
            List<WorkerProcess> processes = new ArrayList<>();
            for (int i = 0; i < workers; i++) {
                processes.add(WorkerProcess.builder().heap("32m").start(() -> work(parts, found)));
            }
            for (long number : NUMBERS) {
                boolean isPrime = isPrime(number, workers, parts, found);
                System.out.printf("%16d  %s%n", number, isPrime ? "P" : " ");
            }
            for (int i = 0; i < workers; i++) {
                parts.put(new Part(0, 0, 0));
            }
            for (WorkerProcess process : processes) {
                process.join();
            }
        }
    }
}
