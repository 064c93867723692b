package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.Pools;
import java.util.stream.IntStream;

/** Reads what a pool has done: counts that add up, and waiting apart from running. */
public final class Statistics {
    private Statistics() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:2")) {
            var futures = IntStream.range(0, 100).mapToObj(i -> pool.submit(() -> i / (i % 10))).toList();
            futures.forEach(future -> future.exceptionally(failure -> -1).join());
            PoolStatistics seen = pool.statistics();
            System.out.println(
                    seen.submitted() + " submitted, " + seen.succeeded() + " succeeded, " + seen.failed() + " failed");
            System.out.println("average run " + seen.averageRunTime().toNanos() / 1000 + " us, average wait "
                    + seen.averageQueueTime().toNanos() / 1000 + " us");
        }
    }
}
