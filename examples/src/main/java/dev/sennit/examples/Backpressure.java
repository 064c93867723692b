package dev.sennit.examples;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import java.util.concurrent.CountDownLatch;

/** Bounds what may wait, and shows what submit does when the pool is full. */
public final class Backpressure {
    private Backpressure() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:1?backlog=2&full=reject&name=small")) {
            try {
                for (int i = 0; i < 10; i++) {
                    pool.submit(() -> {
                        Thread.sleep(200);
                        return null;
                    });
                }
            } catch (RejectedSubmissionException e) {
                System.out.println(e.getMessage());
            }
        }
        try (Pool pool = Pools.open("threads:1?backlog=0&full=caller-runs")) {
            var release = new CountDownLatch(1);
            pool.submit(() -> {
                release.await();
                return null;
            });
            String thread = pool.submit(() -> Thread.currentThread().getName()).get();
            System.out.println("with the only worker busy, it ran in thread " + thread);
            release.countDown();
        }
    }
}
