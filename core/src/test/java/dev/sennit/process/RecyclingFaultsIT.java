package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workers are killed at random while they are replaced after a few tasks, let go when idle, and spares wait: nothing
 * hangs, nothing is lost, nothing runs twice, and in the end there are as many as there should be.
 *
 * <p>{@code -Dsennit.rounds=50} makes a long run of it, and {@code -Dsennit.seed=} repeats one.
 */
class RecyclingFaultsIT {
    private static final int WORKERS = 2;
    private static final int TASKS = 60;
    private static final int ROUNDS = Integer.getInteger("sennit.rounds", 2);

    private static int marked(String folder, String name, long nanos) throws IOException {
        Files.writeString(Path.of(folder, name), "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        return name.length();
    }

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES) // a kill costs the start of a JVM
    void killsBetweenReplacementsCostOnlyWhatRan(@TempDir Path marks) throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("RecyclingFaultsIT: -Dsennit.seed=" + seed);
        var random = new Random(seed);
        String folder = marks.toString();
        Set<Long> killed = new HashSet<>();
        int crashed = 0;
        int spares = random.nextInt(3);
        int least = random.nextInt(WORKERS + 1);
        int strict = random.nextBoolean() ? 4 : TASKS * ROUNDS;
        try (ProcessPool pool = ProcessPool.builder()
                .workers(WORKERS)
                .minWorkers(least)
                .idle(Duration.ofMillis(20))
                .spares(spares)
                .maxTasks(3)
                .strictMaxTasks(strict)
                .maxAge(Duration.ofSeconds(2))
                .grace(Duration.ofMillis(5))
                .heap("64m")
                .output(WorkerOutput.DISCARD)
                .open()) {
            for (int round = 0; round < ROUNDS; round++) {
                List<TaskFuture<Integer>> futures = new ArrayList<>();
                for (int i = 0; i < TASKS; i++) {
                    String name = "begun-" + round + "-" + i;
                    long nanos = random.nextInt(10) == 0 ? random.nextInt(50_000_000) : random.nextInt(5_000_000);
                    futures.add(pool.submit(() -> marked(folder, name, nanos)));
                }
                while (futures.stream().anyMatch(future -> !future.isDone())) {
                    kill(random, pool, killed);
                    if (random.nextInt(4) == 0) {
                        futures.get(random.nextInt(TASKS)).cancel(random.nextBoolean());
                    }
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(40_000));
                }
                for (int i = 0; i < TASKS; i++) {
                    Path mark = marks.resolve("begun-" + round + "-" + i);
                    try {
                        assertThat(futures.get(i).get()).isEqualTo(mark.getFileName().toString().length());
                        assertThat(Files.size(mark)).as("%s once", mark).isOne();
                    } catch (ExecutionException e) {
                        crashed++;
                        assertThat(e.getCause()).isInstanceOf(WorkerCrashedException.class);
                        assertThat(killed).contains(((WorkerCrashedException) e.getCause()).pid());
                        assertThat(!Files.exists(mark) || Files.size(mark) <= 1).as("%s not again", mark).isTrue();
                    } catch (CancellationException e) {
                        assertThat(!Files.exists(mark) || Files.size(mark) <= 1).as("%s at most once", mark).isTrue();
                    }
                }
                long before = pool.statistics().workersRecycled();
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
                    pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
                    return pool.statistics().workersRecycled() > before;
                });
                int left = least;
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> pool.statistics().workers() == left);
            }
            var seen = pool.statistics();
            System.out.println("RecyclingFaultsIT: " + killed.size() + " killed, " + crashed + " tasks failed, "
                    + seen.workersRecycled() + " recycled; " + pool);
            assertThat(seen.failed()).isEqualTo(crashed);
            assertThat(seen.ended()).isEqualTo(seen.submitted());
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    /**
     * Any of them: one that serves, starts, waits beside the pool, or is on its way out; but not so often that none
     * comes up.
     */
    private static void kill(Random random, ProcessPool pool, Set<Long> killed) {
        List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
        if (pool.statistics().workers() > 0 && !victims.isEmpty() && random.nextInt(8) == 0) {
            ProcessHandle victim = victims.get(random.nextInt(victims.size()));
            killed.add(victim.pid());
            victim.destroyForcibly();
        }
    }
}
