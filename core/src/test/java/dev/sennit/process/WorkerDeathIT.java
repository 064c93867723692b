package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Workers are killed at chosen moments; nothing hangs, nothing is lost. {@code FaultsIT} in stress kills them at random. */
class WorkerDeathIT {
    @Test
    void aTaskThatHadNotBegunRunsElsewhere() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            pool.submit(() -> 1).get(60, TimeUnit.SECONDS);
            for (int i = 0; i < 5; i++) {
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
