package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import java.time.Duration;
import java.util.concurrent.ExecutionException;

/** Limits how long a task may run; the time it waits for a worker does not count. */
public final class TimeLimit {
    private TimeLimit() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open(arguments.length > 0 ? arguments[0] : "threads:1")) {
            var options = TaskOptions.named("report").timeout(Duration.ofMillis(100));
            try {
                pool.submit(
                        () -> {
                            Thread.sleep(60_000);
                            return "written";
                        },
                        options)
                        .get();
            } catch (ExecutionException e) {
                System.out.println(e.getCause());
            }
        }
    }
}
