package dev.sennit.examples.pools;

import dev.sennit.Futures;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.util.ArrayList;
import java.util.List;

/** Takes results as they get done: the task submitted last is the quickest. */
public final class CompletionOrder {
    private CompletionOrder() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "virtual")) {
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int millis : List.of(600, 300, 1)) {
                futures.add(pool.submit(() -> {
                    Thread.sleep(millis);
                    return millis;
                }));
            }
            for (TaskFuture<Integer> future : Futures.inCompletionOrder(futures)) {
                System.out.println("done after " + future.get() + " ms");
            }
        }
    }
}
