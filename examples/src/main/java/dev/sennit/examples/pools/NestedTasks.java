package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;

/**
 * Tasks that wait for tasks of their own pool do not starve it, even with one thread. Not for {@code processes}: a pool
 * cannot travel, and {@code submit} says so.
 */
public final class NestedTasks {
    private NestedTasks() {}

    private static int fibonacci(Pool pool, int n) {
        if (n < 2) {
            return n;
        }
        var left = pool.submit(() -> fibonacci(pool, n - 1));
        var right = pool.submit(() -> fibonacci(pool, n - 2));
        return left.join() + right.join();
    }

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:1")) {
            System.out.println("fibonacci(15) = " + pool.submit(() -> fibonacci(pool, 15)).get());
        }
    }
}
