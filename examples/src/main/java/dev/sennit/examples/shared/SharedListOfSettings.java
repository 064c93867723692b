package dev.sennit.examples.shared;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.shared.SharedList;
import java.util.List;

/** Settings that a worker sees change: a list of mixed values in shared memory. */
public final class SharedListOfSettings {
    private static final int GREETING = 0;
    private static final int TIMES = 1;

    private SharedListOfSettings() {}

    public static void main(String[] arguments) throws Exception {
        try (SharedList settings = SharedList.create(List.of("hello", 2, true, 0.5), 20); // room for 10 characters
                Pool pool = Pools.open("processes:1")) {
            System.out.println(pool.submit(() -> greet(settings)).get());
            settings.set(GREETING, "good night");
            settings.set(TIMES, 1);
            System.out.println(pool.submit(() -> greet(settings)).get());
            System.out.println(settings);
        }
    }

    private static String greet(SharedList settings) {
        return settings.get(TIMES) instanceof Integer times ? (settings.get(GREETING) + "!").repeat(times) : "";
    }
}
