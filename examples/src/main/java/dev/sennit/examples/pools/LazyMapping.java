package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.stream.Stream;

/** Maps an endless stream: only as far ahead as the pool's window, and no further than is asked for. */
public final class LazyMapping {
    private LazyMapping() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:2")) {
            Stream.iterate(1L, n -> n + 1)
                    .gather(pool.mapping(n -> n * n * n))
                    .limit(5)
                    .forEach(cube -> System.out.println("cube " + cube));
        }
    }
}
