package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.util.concurrent.CountDownLatch;

/** Stops a pool: what runs is cancelled, what had not begun is given back. */
public final class ShutdownNow {
    private ShutdownNow() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            var begun = new CountDownLatch(1);
            TaskFuture<String> running = pool.submit(() -> {
                begun.countDown();
                Thread.sleep(60_000);
                return "never";
            });
            TaskFuture<String> waiting = pool.submit(() -> "never begun");
            begun.await();
            System.out.println("given back: " + pool.shutdownNow().size());
            System.out.println("cancelled: " + running.isCancelled() + " " + waiting.isCancelled());
        }
    }
}
