package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;
import java.util.stream.IntStream;

/** Applies a function to every item in parallel; the results come in the order of the items. */
public final class MapInOrder {
    private MapInOrder() {}

    public static void main(String[] arguments) throws Exception {
        List<Integer> numbers = IntStream.rangeClosed(1, 10).boxed().toList();
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:2")) {
            System.out.println("squares " + pool.map(n -> n * n, numbers));
        }
    }
}
