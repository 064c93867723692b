package dev.sennit.examples.shared;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.shared.SharedQueue;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Worker processes take numbers from one queue and put answers into another, until each gets one that says that there
 * are no more, the poison pill. {@link SharedQueue#shutdown} would send them home as well.
 */
public final class SharedJobQueue {
    private static final int WORKERS = 3;
    private static final long NO_MORE = -1;
    private static final List<Long> NUMBERS = List.of(
            2L, 1_000_003L, 1_000_005L, 1_000_000_007L, 1_000_000_009L, 1_000_000_011L, 999_999_999_989L,
            142_702_110_479_723L);

    /** An answer, and who found it. */
    record Answer(long number, boolean isPrime, long process) implements Serializable {}

    private SharedJobQueue() {}

    private static boolean isPrime(long number) {
        return number > 1
                && LongStream.rangeClosed(2, (long) Math.sqrt(number)).allMatch(divisor -> number % divisor != 0);
    }

    private static int work(SharedQueue<Long> jobs, SharedQueue<Answer> answers) throws InterruptedException {
        int count = 0;
        for (long number = jobs.take(); number != NO_MORE; number = jobs.take()) {
            answers.put(new Answer(number, isPrime(number), ProcessHandle.current().pid()));
            count++;
        }
        return count;
    }

    public static void main(String[] arguments) throws Exception {
        SharedQueue<Long> jobs = SharedQueue.create(100, 1 << 16);
        SharedQueue<Answer> answers = SharedQueue.create(100, 1 << 16);
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "processes:" + WORKERS)) {
            jobs.addAll(NUMBERS);
            for (int worker = 0; worker < WORKERS; worker++) {
                jobs.put(NO_MORE);
            }
            var counts = new ArrayList<TaskFuture<Integer>>();
            for (int worker = 0; worker < WORKERS; worker++) {
                counts.add(pool.submit(() -> work(jobs, answers)));
            }
            int primes = 0;
            for (int i = 0; i < NUMBERS.size(); i++) {
                primes += answers.take().isPrime() ? 1 : 0;
            }
            int checked = 0;
            for (TaskFuture<Integer> count : counts) {
                checked += count.get();
            }
            System.out.println(checked + " numbers checked, " + primes + " primes");
        }
    }
}
