package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Workers are killed; nothing hangs, nothing is lost, nothing runs twice.
 *
 * <p>The build kills a few. {@code -Dsennit.kills=200 -Dsennit.tasks=2000} makes a long run of it, and {@code
 * -Dsennit.seed=} repeats one.
 */
class WorkerDeathIT {
    private static final int WORKERS = 2;
    private static final int TASKS = Integer.getInteger("sennit.tasks", 240);
    private static final int KILLS = Integer.getInteger("sennit.kills", 24);

    /** Leaves a mark for each time it begins, computes a while, and returns its number. */
    private static int marked(String folder, int number, long seed) throws IOException {
        Files.writeString(
                Path.of(folder, "begun-" + number), "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        long until = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(new Random(seed + number).nextInt(30_000));
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        return number;
    }

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES) // a kill costs the start of a JVM
    void killingWorkersAtRandomFailsOnlyWhatTheyRan(@TempDir Path marks) throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("WorkerDeathIT: -Dsennit.seed=" + seed);
        var random = new Random(seed);
        Set<Long> killed = new HashSet<>();
        try (ProcessPool pool = ProcessPool.builder()
                .workers(WORKERS)
                .heap("64m")
                .output(WorkerOutput.DISCARD)
                .open()) {
            String folder = marks.toString();
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < TASKS; i++) {
                int number = i;
                futures.add(pool.submit(() -> marked(folder, number, seed)));
            }
            while (killed.size() < KILLS && !futures.getLast().isDone()) {
                // Any worker may be hit, a starting one too; but not so often that none ever comes up.
                List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
                if (pool.statistics().workers() > 0 && !victims.isEmpty()) {
                    ProcessHandle victim = victims.get(random.nextInt(victims.size()));
                    killed.add(victim.pid());
                    victim.destroyForcibly();
                }
                TimeUnit.MICROSECONDS.sleep(random.nextInt(60_000));
            }

            int crashed = 0;
            Set<Long> pidsOfFailures = new HashSet<>();
            for (int i = 0; i < TASKS; i++) {
                try {
                    assertThat(futures.get(i).get(60, TimeUnit.SECONDS)).isEqualTo(i);
                    assertThat(Files.size(marks.resolve("begun-" + i))).as("task %s began once", i).isOne();
                } catch (ExecutionException e) {
                    crashed++;
                    assertThat(e.getCause()).isInstanceOf(WorkerCrashedException.class);
                    var crash = (WorkerCrashedException) e.getCause();
                    assertThat(crash.signal()).hasValue(9);
                    assertThat(killed).contains(crash.pid());
                    assertThat(pidsOfFailures.add(crash.pid())).as("a worker runs one task at a time").isTrue();
                    Path mark = marks.resolve("begun-" + i);
                    // None if it was killed before its first line, an empty one if between opening and writing.
                    assertThat(!Files.exists(mark) || Files.size(mark) <= 1).as("task %s was not run again", i).isTrue();
                }
            }
            System.out.println("WorkerDeathIT: " + killed.size() + " killed, " + crashed + " tasks failed with them");
            assertThat(crashed).isBetween(1, killed.size());

            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> pool.statistics().workers() == WORKERS);
            assertThat(pool.map(n -> n + 1, List.of(1, 2, 3))).containsExactly(2, 3, 4);
            var seen = pool.statistics();
            assertThat(seen.failed()).isEqualTo(crashed);
            assertThat(seen.ended()).isEqualTo(seen.submitted());
            assertThat(seen.workersLost()).isBetween((long) crashed, (long) killed.size());
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void aTaskThatHadNotBegunRunsElsewhere() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
            for (int i = 0; i < 10; i++) {
                WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
                // The worker is dying: whether the pool has noticed or not, it was idle, so no task was running on it.
                assertThat(pool.submit(() -> 42).get(60, TimeUnit.SECONDS)).isEqualTo(42);
            }
            assertThat(pool.statistics().failed()).isZero();
        }
    }

    /** All are dead when it is submitted, and it goes from one to the next: that is no fault of its own. */
    @Test
    void aTaskSurvivesTheDeathOfAllIdleWorkersAtOnce() throws Exception {
        Field field = ProcessPool.class.getDeclaredField("lock");
        field.setAccessible(true);
        try (ProcessPool pool = ProcessPool.builder().workers(6).heap("16m").open()) {
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> pool.statistics().workers() == 6);
            TaskFuture<Integer> future;
            synchronized (field.get(pool)) { // so that the pool does not get to know it before
                WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> WorkerProcesses.ofThisJvm().isEmpty());
                future = pool.submit(() -> 42);
            }
            assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo(42);
        }
    }

    @Test
    void aCrashNamesPidSignalTaskAndLastLines() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD).open()) {
            TaskFuture<Integer> future = pool.submit(() -> {
                System.err.println("about to go");
                System.err.flush();
                ProcessHandle.current().pid();
                new ProcessBuilder("kill", "-SEGV", Long.toString(ProcessHandle.current().pid())).start().waitFor();
                Thread.sleep(60_000);
                return 1;
            });
            assertThatThrownBy(() -> future.get(60, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(WorkerCrashedException.class, crash -> {
                        assertThat(crash.lastLines()).contains("about to go");
                        assertThat(crash.getMessage())
                                .contains("pid " + crash.pid(), "WorkerDeathIT::lambda", "about to go");
                        assertThat(crash.getStackTrace()[0].getClassName()).isEqualTo(WorkerDeathIT.class.getName());
                        assertThat(crash.crashLog()).hasValueSatisfying(log -> {
                            assertThat(log).exists();
                            assertThat(log.toFile().delete()).isTrue();
                        });
                    });
        }
    }

    @Test
    void workersThatCannotStartFailThePoolWithTheirCause() throws Exception {
        try (ProcessPool pool = ProcessPool.builder()
                .workers(2)
                .jvmOptions("-XX:+NoSuchOption")
                .output(WorkerOutput.DISCARD)
                .open()) {
            TaskFuture<Integer> early = pool.submit(() -> 1);
            assertThatThrownBy(() -> early.get(60, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("NoSuchOption");
            TaskFuture<Integer> late = pool.submit(() -> 1);
            assertThatThrownBy(() -> late.get(60, TimeUnit.SECONDS)).cause().isInstanceOf(WorkerStartException.class);
        }
    }
}
