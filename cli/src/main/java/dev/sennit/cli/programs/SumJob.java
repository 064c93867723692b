package dev.sennit.cli.programs;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One of eight equal jobs: the sum of a million random integers in 1..100.
 *
 * @param number its number, from 1
 * @param seed the seed of its own random numbers, so that any worker gets the same sum
 */
public record SumJob(int number, long seed) implements Serializable {
    static final int COUNT = 8;
    private static final int INTEGERS = 1_000_000;
    private static final int LARGEST = 100;

    /**
     * The result of a job.
     *
     * @param job its number
     * @param sum the sum
     * @param nanos how long it took, measured where it ran
     */
    record Result(int job, long sum, long nanos) implements Serializable {}

    /** Returns the eight jobs of a seed. */
    public static List<SumJob> jobs(long seed) {
        var seeds = new SplittableRandom(seed);
        List<SumJob> jobs = new ArrayList<>();
        for (int number = 1; number <= COUNT; number++) {
            jobs.add(new SumJob(number, seeds.nextLong()));
        }
        return jobs;
    }

    Result run() {
        long start = System.nanoTime();
        long sum = sum();
        return new Result(number, sum, System.nanoTime() - start);
    }

    public long sum() {
        var random = new SplittableRandom(seed);
        long sum = 0;
        for (int i = 0; i < INTEGERS; i++) {
            sum += random.nextInt(1, LARGEST + 1);
        }
        return sum;
    }
}
