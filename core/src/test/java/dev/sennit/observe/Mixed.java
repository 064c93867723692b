package dev.sennit.observe;

import dev.sennit.Pool;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

/** Tasks that end in all ways. */
final class Mixed {
    private Mixed() {}

    /** Submits so many, and waits until all have ended. */
    static void submit(Pool pool, int tasks, long seed) {
        var random = new Random(seed);
        List<TaskFuture<?>> futures = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            try {
                futures.add(one(pool, random));
            } catch (RejectedSubmissionException e) {
                // counted as such
            }
            if (random.nextInt(4) == 0) {
                futures.get(random.nextInt(futures.size())).cancel(random.nextBoolean());
            }
        }
        for (TaskFuture<?> future : futures) {
            try {
                future.join();
            } catch (CompletionException | CancellationException e) {
                // is to be
            }
        }
    }

    private static TaskFuture<?> one(Pool pool, Random random) {
        Task<Integer> quick = () -> 1;
        Task<Integer> failing = () -> {
            throw new IllegalStateException("is to fail");
        };
        Task<Integer> slow = () -> {
            Thread.sleep(2);
            return 2;
        };
        return switch (random.nextInt(8)) {
            case 0 -> pool.submit(failing);
            case 1 -> pool.submit(slow, TaskOptions.timeLimit(Duration.ofMillis(1)));
            case 2 -> pool.submit(slow);
            case 3 -> pool.submit(failing, TaskOptions.named("again").retry(
                    Retry.attempts(1 + random.nextInt(3))));
            case 4 -> pool.mapAsync(item -> item + 1, IntStream.range(0, 20).boxed().toList());
            case 5 -> pool.submitAfter(Duration.ofMillis(random.nextInt(3)), quick);
            default -> pool.submit(quick);
        };
    }
}
