package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.CountDownLatch;

/** A pool that starts threads as tasks would wait, and lets idle ones end: prints how many there are. */
public final class GrowingPool {
    private GrowingPool() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:1-4?idle=50ms")) {
            var meeting = new CountDownLatch(4);
            for (int i = 0; i < 4; i++) {
                pool.submit(() -> {
                    meeting.countDown();
                    meeting.await(); // all four have to run at once
                    return null;
                });
            }
            meeting.await();
            System.out.println("busy: " + pool.statistics().workers() + " threads");
            while (pool.statistics().workers() > 1) {
                Thread.sleep(10);
            }
            System.out.println("idle: 1 thread");
        }
    }
}
