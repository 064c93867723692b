package dev.sennit.examples.pools;

import dev.sennit.Pools;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * A pool is an ExecutorService: code that knows only that runs on it unchanged, and adds up three results. Not for
 * {@code processes}: lambdas written as plain callables cannot travel, and the pool says so.
 */
public final class PlainExecutorService {
    private PlainExecutorService() {}

    public static void main(String[] arguments) throws Exception {
        try (ExecutorService executor = Pools.open(arguments.length > 0 ? arguments[0] : "virtual")) {
            List<Callable<Integer>> tasks = List.of(() -> 1, () -> 2, () -> 3);
            int sum = 0;
            for (Future<Integer> future : executor.invokeAll(tasks)) {
                sum += future.get();
            }
            System.out.println("sum " + sum);
        }
    }
}
