package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Many items at once: two arguments a call, chunks of a size set by hand, and a map that calls back when it is done.
 */
public final class ManyItems {
    private ManyItems() {}

    public static void main(String[] arguments) throws Exception {
        List<Integer> numbers = IntStream.rangeClosed(1, 1000).boxed().toList();
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "processes:2")) {
            System.out.println("powers " + pool.map(Math::pow, List.of(2.0, 3.0, 10.0), List.of(8.0, 4.0, 3.0)));

            pool.chunksOf(250).map(n -> n * n, numbers);
            System.out.println("chunks " + (pool.statistics().submitted() - 3));

            TaskFuture<List<Integer>> squares = pool.mapAsync(n -> n * n, numbers);
            squares.thenAccept(all -> System.out.println("the last square is " + all.getLast()));
            TaskFuture<List<Integer>> broken = pool.mapAsync(text -> Integer.parseInt(text), List.of("1", "two"));
            broken.exceptionally(failure -> {
                System.out.println("failed with " + failure.getMessage());
                return List.of();
            });
            squares.join();
        }
    }
}
