package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Runs a task later, and the one of highest priority first. */
public final class DelaysAndPriorities {
    private DelaysAndPriorities() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:1?order=priority")) {
            var all = new CountDownLatch(1);
            pool.submit(() -> {
                all.await(); // keeps the only thread busy until the others are there
                return null;
            });
            pool.submit(() -> System.out.println("ordinary"));
            pool.submit(() -> System.out.println("urgent"), TaskOptions.NONE.priority(10));
            pool.submit(() -> System.out.println("whenever"), TaskOptions.NONE.priority(-10));
            all.countDown();
            pool.submitAfter(Duration.ofMillis(100), () -> "later")
                    .onDone(done -> System.out.println(done.resultNow()));
        }
    }
}
