package dev.sennit.examples;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Runs a thousand waiting tasks on virtual threads, at most fifty at a time. */
public final class BoundedVirtual {
    private BoundedVirtual() {}

    public static void main(String[] arguments) throws Exception {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        try (Pool pool = Pools.open("virtual:50")) {
            var items = IntStream.range(0, 1000).boxed().toList();
            pool.map(
                    item -> {
                        most.accumulateAndGet(running.incrementAndGet(), Math::max);
                        Thread.sleep(5);
                        return running.decrementAndGet();
                    },
                    items);
        }
        System.out.println("1000 tasks, never more than 50 at a time: " + (most.get() <= 50));
    }
}
