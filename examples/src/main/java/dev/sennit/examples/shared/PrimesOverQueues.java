package dev.sennit.examples.shared;

import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedQueue;
import java.io.Serializable;
import java.util.List;

/**
 * Checks numbers in processes of one's own: they take jobs from one queue and put results into another, and each goes
 * home when it meets a poison pill. A number that takes long holds up one process, and the others go on.
 */
public final class PrimesOverQueues {
    private static final List<Long> NUMBERS = List.of(
            2L, 142702110479723L, 299593572317531L, 3333333333333301L, 3333333333333333L, 3333335652092209L,
            4444444444444423L, 4444444444444444L, 4444444488888889L, 5555553133149889L, 5555555555555503L,
            5555555555555555L, 6666666666666666L, 6666666666666719L, 6666667141414921L, 7777777536340681L,
            7777777777777753L, 7777777777777777L, 9999999999999917L, 9999999999999999L);
    private static final long POISON_PILL = 0;

    /** A result; the poison pill comes back as one, so that the end of a worker is known. */
    record Checked(long number, boolean isPrime, double seconds) implements Serializable {}

    private PrimesOverQueues() {}

    static boolean isPrime(long number) {
        if (number < 2 || number % 2 == 0) {
            return number == 2;
        }
        long root = (long) Math.sqrt(number);
        for (long divisor = 3; divisor <= root; divisor += 2) {
            if (number % divisor == 0) {
                return false;
            }
        }
        return true;
    }

    private static void work(SharedQueue<Long> jobs, SharedQueue<Checked> results) throws InterruptedException {
        for (long number = jobs.take(); number != POISON_PILL; number = jobs.take()) {
            long start = System.nanoTime();
            boolean isPrime = isPrime(number);
            results.put(new Checked(number, isPrime, (System.nanoTime() - start) / 1e9));
        }
        results.put(new Checked(POISON_PILL, false, 0));
    }

    public static void main(String[] arguments) throws Exception {
        int workers = Runtime.getRuntime().availableProcessors();
        SharedQueue<Long> jobs = SharedQueue.create(NUMBERS.size() + workers, 1 << 16);
        SharedQueue<Checked> results = SharedQueue.create(NUMBERS.size() + workers, 1 << 16);
        System.out.println("Checking " + NUMBERS.size() + " numbers with " + workers + " processes:");
        long start = System.nanoTime();
        jobs.addAll(NUMBERS);
        for (int i = 0; i < workers; i++) {
            WorkerProcess.builder().heap("32m").start(() -> work(jobs, results));
            jobs.put(POISON_PILL);
        }
        int checked = 0;
        for (int ended = 0; ended < workers;) {
            Checked result = results.take();
            if (result.number == POISON_PILL) {
                ended++;
            } else {
                checked++;
                System.out.printf("%16d  %s %9.6fs%n", result.number, result.isPrime ? "P" : " ", result.seconds);
            }
        }
        System.out.printf("%d checks in %.2fs%n", checked, (System.nanoTime() - start) / 1e9);
    }
}
