package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.Pools;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Eight sums of a million random numbers, the same ones on every kind of pool, with the processor time that they took
 * and the pool's statistics.
 */
public final class SumsEverywhere {
    private static final int JOBS = 8;
    private static final int NUMBERS = 1_000_000;

    private SumsEverywhere() {}

    private static long sum(RandomGenerator random, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += random.nextInt(1, 101);
        }
        return sum;
    }

    /** That of this JVM: where tasks share a thread, as coroutines do, the JDK does not know it for each. */
    private static Duration processorTime() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** Percent of one core. */
    private static String use(Duration processorTime, long wallNanos) {
        return "CPU " + 100 * processorTime.toNanos() / wallNanos + " %";
    }

    public static void main(String[] arguments) throws Exception {
        for (String plan : List.of("inline", "threads:2", "virtual", "loop", "processes:2")) {
            try (Pool pool = Pools.open(plan)) {
                Duration before = processorTime();
                long start = System.nanoTime();
                List<Long> sums = pool.random(42).map(SumsEverywhere::sum, Collections.nCopies(JOBS, NUMBERS));
                long nanos = System.nanoTime() - start;
                PoolStatistics seen = pool.statistics();
                System.out.println("total " + sums.stream().mapToLong(Long::longValue).sum() + " on " + plan + ", "
                        + use(seen.cpuTime().orElse(processorTime().minus(before)), nanos) + ", "
                        + seen.submitted() + " tasks, " + seen.failed() + " failed, run " + seen.runTime().toMillis()
                        + " ms, queued "
                        + seen.queueTime().toMillis() + " ms");
            }
        }
    }
}
