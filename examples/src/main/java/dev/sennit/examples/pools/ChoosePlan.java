package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;

/** Runs the same code on four kinds of pool and prints where it ran. */
public final class ChoosePlan {
    private ChoosePlan() {}

    public static void main(String[] arguments) throws Exception {
        for (String plan : List.of("inline", "threads:2", "virtual", "processes:1")) {
            try (Pool pool = Pools.open(plan)) {
                String where = pool.submit(() -> {
                    Thread thread = Thread.currentThread();
                    return (thread.isVirtual() ? "virtual thread " : "thread ") + thread.getName();
                }).get();
                System.out.println(plan + " ran in " + where);
            }
        }
    }
}
