package dev.sennit.examples.retries;

import dev.sennit.Backoff;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.RetryCondition;
import dev.sennit.TaskOptions;
import dev.sennit.process.WorkerCrashedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A task whose worker process dies the first time is tried again on another; no worker is busy while it waits. */
public final class RetriedTask {
    private RetriedTask() {}

    public static void main(String[] arguments) throws Exception {
        Path mark = Files.createTempFile("first-", ".mark");
        try (Pool pool = Pools.open("processes:1")) {
            String file = mark.toString();
            var retry = Retry.attempts(3)
                    .waiting(Backoff.exponential(Duration.ofMillis(10)).fullJitter())
                    .when(RetryCondition.onException(WorkerCrashedException.class));
            int attempt = pool.submit(
                    () -> {
                        if (Files.deleteIfExists(Path.of(file))) {
                            Runtime.getRuntime().halt(1);
                        }
                        return 2;
                    },
                    TaskOptions.named("fragile").retry(retry))
                    .get();
            System.out.println(
                    "succeeded at attempt " + attempt + ", tried again " + pool.statistics().retried() + " time");
        } finally {
            Files.deleteIfExists(mark);
        }
    }
}
