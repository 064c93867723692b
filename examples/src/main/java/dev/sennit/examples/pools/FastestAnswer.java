package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import java.util.List;

/** Asks several ways at once and takes the first answer; a way that fails does not matter. */
public final class FastestAnswer {
    private FastestAnswer() {}

    public static void main(String[] arguments) throws Exception {
        List<Task<String>> ways = List.of(
                () -> {
                    throw new IllegalStateException("this mirror is down");
                },
                () -> {
                    Thread.sleep(20);
                    return "answer from the second mirror";
                },
                () -> {
                    Thread.sleep(2_000);
                    return "too late";
                });
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:3")) {
            System.out.println(pool.invokeAny(ways));
        }
    }
}
