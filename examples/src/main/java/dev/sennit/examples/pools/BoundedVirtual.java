package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Submits a thousand tasks that wait, to virtual threads, and prints how many of them ran at once: never above the
 * limit.
 */
public final class BoundedVirtual {
    private BoundedVirtual() {}

    public static void main(String[] arguments) throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        try (Pool pool = Pools.open("virtual:50")) {
            for (int i = 0; i < 1000; i++) {
                pool.submit(() -> {
                    most.accumulateAndGet(running.incrementAndGet(), Math::max);
                    Thread.sleep(10);
                    return running.decrementAndGet();
                });
            }
        }
        System.out.println("1000 tasks, at most " + most.get() + " at a time");
    }
}
