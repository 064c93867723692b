package dev.sennit.examples.shared;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.shared.SharedLong;
import java.util.Collections;

/** Two workers add to one number in shared memory, and lose nothing. */
public final class SharedCounter {
    private SharedCounter() {}

    public static void main(String[] arguments) {
        try (SharedLong count = SharedLong.create(0);
                Pool pool = Pools.open("processes:2")) {
            pool.forEach(Collections.nCopies(10, 1_000), times -> {
                for (int i = 0; i < times; i++) {
                    count.incrementAndGet();
                }
            });
            System.out.println("counted to " + count);
        }
    }
}
