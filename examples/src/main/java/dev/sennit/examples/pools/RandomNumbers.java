package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.Collections;
import java.util.List;

/**
 * Throws dice in parallel: with the same seed the same numbers come out, on every kind of pool and any number of
 * workers.
 */
public final class RandomNumbers {
    private RandomNumbers() {}

    public static void main(String[] arguments) {
        List<Integer> sides = Collections.nCopies(10, 6);
        for (String plan : List.of("inline", "threads:3", "virtual", "processes:2")) {
            try (Pool pool = Pools.open(plan)) {
                System.out.println(pool.random(2026).map((random, n) -> 1 + random.nextInt(n), sides) + " on " + plan);
            }
        }
    }
}
