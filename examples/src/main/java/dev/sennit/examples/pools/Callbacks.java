package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;

/** A TaskFuture is a CompletableFuture: what follows a task is written behind it. */
public final class Callbacks {
    private Callbacks() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "processes:1")) {
            TaskFuture<Integer> length = pool.submit(() -> "sennit".length());
            TaskFuture<Integer> broken = pool.submit(() -> Integer.parseInt("six"));
            String text = length.thenCombine(broken.exceptionally(failure -> 0), Integer::sum)
                    .thenApply(sum -> "sum " + sum)
                    .join();
            System.out.println(text);
        }
    }
}
