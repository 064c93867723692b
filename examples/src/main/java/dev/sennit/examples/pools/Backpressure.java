package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * Bounds how many tasks may wait, and prints what {@code submit} does when the pool is full: throws with the figures,
 * waits for room, or runs the task itself.
 */
public final class Backpressure {
    private Backpressure() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:1?backlog=2&full=reject&name=small")) {
            fill(pool, 4);
        } catch (RejectedSubmissionException e) {
            System.out.println("reject: " + e.getMessage());
        }
        try (Pool pool = Pools.open("threads:1?backlog=2&full=block")) {
            long start = System.nanoTime();
            fill(pool, 4);
            System.out.println("block: room after " + Duration.ofNanos(System.nanoTime() - start).toMillis() + " ms");
        }
        try (Pool pool = Pools.open("threads:1?backlog=2&full=caller-runs")) {
            fill(pool, 3);
            String thread = pool.submit(() -> Thread.currentThread().getName()).get();
            System.out.println("caller-runs: ran in thread " + thread);
        }
    }

    /** One task runs, the next two wait, and there is no room for a fourth. */
    private static void fill(Pool pool, int tasks) throws InterruptedException {
        var begun = new CountDownLatch(1);
        for (int i = 0; i < tasks; i++) {
            pool.submit(() -> {
                begun.countDown();
                Thread.sleep(200);
            });
            begun.await();
        }
    }
}
