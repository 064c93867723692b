package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.TaskFuture;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What workers do before their first task, and what becomes of tasks when that fails. */
@Timeout(120)
class InitializerIT {
    /** Set in workers. */
    private static int prepared;

    private static ProcessPool.Builder pool(int workers) {
        return ProcessPool.builder().workers(workers).heap("64m").output(WorkerOutput.DISCARD);
    }

    static final class NoModelException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NoModelException(String message) {
            super(message);
        }
    }

    @Test
    void runsOnceInEachWorkerBeforeItsFirstTask(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        Action prepare = () -> {
            prepared++;
            here.mark("prepared");
        };
        try (ProcessPool pool = pool(2).initializer(prepare).open()) {
            Set<Long> workers = new HashSet<>();
            List<TaskFuture<Long>> futures = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                futures.add(pool.submit(() -> {
                    assertThat(prepared).isOne();
                    here.awaitCount("prepared", 2); // so that both workers get some
                    return ProcessHandle.current().pid();
                }));
            }
            for (TaskFuture<Long> future : futures) {
                workers.add(future.get(60, SECONDS));
            }
            assertThat(workers).hasSizeBetween(1, 2);
            assertThat(here.count("prepared")).isEqualTo(2);

            workers.forEach(pid -> ProcessHandle.of(pid).orElseThrow().destroyForcibly());
            assertThat(pool.submit(() -> prepared).get(60, SECONDS)).isOne();
            here.awaitCount("prepared", 2 + workers.size());
            assertThat(pool.statistics().submitted()).as("it is no task of the user's").isEqualTo(21);
        }
    }

    @Test
    void whatItPrintsComesHome() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (ProcessPool pool = pool(1)
                .name("talks")
                .initializer(() -> System.out.println("getting ready"))
                .onLine((worker, error, line) -> lines.add(worker + ": " + line))
                .open()) {
            pool.submit(() -> System.out.println("at work")).get(60, SECONDS);
        }
        assertThat(lines).containsExactly("talks-worker-1: getting ready", "talks-worker-1: at work");
    }

    @Test
    void oneThatAlwaysThrowsFailsAllTasksWithWhatItThrew() throws Exception {
        try (ProcessPool pool = pool(2)
                .name("broken")
                .initializer(() -> {
                    System.out.println("no model to be found");
                    throw new NoModelException("model.bin");
                })
                .open()) {
            for (String when : List.of("early", "late")) {
                TaskFuture<Integer> future = pool.submit(() -> 1);
                assertThatThrownBy(() -> future.get(60, SECONDS))
                        .as(when)
                        .cause()
                        .isInstanceOf(WorkerStartException.class)
                        .hasMessageContainingAll(
                                "workers of pool broken in a row could not be started",
                                "initializer failed in worker broken-worker-",
                                "NoModelException: model.bin",
                                "it said: no model to be found")
                        .cause()
                        .isInstanceOf(NoModelException.class)
                        .hasMessage("model.bin")
                        .hasStackTraceContaining(InitializerIT.class.getName() + ".lambda");
            }
            assertThat(pool.statistics().workers()).isZero();
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void oneThatAlwaysEndsItsWorkerFailsAllTasks() throws Exception {
        try (ProcessPool pool = pool(1).initializer(() -> Runtime.getRuntime().halt(9)).open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("exited with code 9 in its initializer")
                    .cause()
                    .isInstanceOfSatisfying(WorkerCrashedException.class, crash -> assertThat(crash.exitCode())
                            .isEqualTo(9));
        }
    }

    /** How an initializer ends its own worker. */
    enum End {
        KILLED("was killed by signal 9 (SIGKILL)") {
            @Override
            void come() throws Exception {
                signal("-KILL");
            }
        },
        ALARMED("was killed by signal 14") { // TERM is left to the parent
            @Override
            void come() throws Exception {
                signal("-ALRM");
            }
        },
        HALTED("exited with code 7") {
            @Override
            void come() {
                Runtime.getRuntime().halt(7);
            }
        },
        EXITED("exited with code 0") {
            @Override
            void come() {
                System.exit(0);
            }
        };

        final String said;

        End(String said) {
            this.said = said;
        }

        abstract void come() throws Exception;

        private static void signal(String which) throws Exception {
            new ProcessBuilder("kill", which, Long.toString(ProcessHandle.current().pid())).start().waitFor();
            Thread.sleep(60_000);
        }
    }

    @ParameterizedTest
    @EnumSource
    void oneThatEndsItsWorkerInWhateverWayFailsAllTasksAfterThreeTries(End end, @TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        Action last = () -> {
            here.mark("tried");
            try {
                end.come();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        };
        try (ProcessPool pool = pool(1).initializer(last).open()) {
            for (String when : List.of("early", "late")) {
                TaskFuture<Integer> future = pool.submit(() -> 1);
                assertThatThrownBy(() -> future.get(60, SECONDS))
                        .as(when)
                        .cause()
                        .isInstanceOf(WorkerStartException.class)
                        .hasMessageContainingAll("3 workers of pool", "in a row could not be started",
                                end.said + " in its initializer")
                        .cause()
                        .isInstanceOf(WorkerCrashedException.class);
            }
            assertThat(here.count("tried")).isEqualTo(3);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void oneThatSucceedsInTheEndCostsNoTask(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        Action thirdTimeLucky = () -> {
            here.mark("tried");
            if (here.count("tried") == 1) {
                throw new NoModelException("not yet");
            }
            if (here.count("tried") == 2) {
                Runtime.getRuntime().halt(9);
            }
        };
        try (ProcessPool pool = pool(1).initializer(thirdTimeLucky).open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThat(future.get(60, SECONDS)).isOne();
            assertThat(here.count("tried")).isEqualTo(3);
            assertThat(pool.statistics().workersLost()).as("none was ready").isZero();
        }
    }

    @Test
    void aWorkerKilledInItsInitializerIsReplacedAndCostsNoTask(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        Action waitTheFirstTime = () -> {
            here.mark("tried");
            if (here.count("tried") == 1) {
                awaitQuietly(here, "never set");
            }
        };
        try (ProcessPool pool = pool(1).initializer(waitTheFirstTime).open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            here.awaitCount("tried", 1);
            WorkerProcesses.ofThisJvm().forEach(ProcessHandle::destroyForcibly);
            assertThat(future.get(60, SECONDS)).isOne();
        }
    }

    @Test
    void thePoolEndsWhileAnInitializerDoesNot(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        ProcessPool pool = pool(1)
                .initializer(() -> {
                    here.mark("begun");
                    awaitQuietly(here, "never set");
                })
                .open();
        TaskFuture<Integer> waiting = pool.submit(() -> 1);
        here.awaitCount("begun", 1);
        assertThat(pool.shutdownNow()).hasSize(1);
        assertThat(pool.awaitTermination(60, SECONDS)).isTrue();
        assertThat(waiting).isCancelled();
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    private static void awaitQuietly(Signals signals, String name) {
        try {
            signals.await(name);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void oneThatCannotTravelIsRefusedWhenThePoolOpens() {
        var stays = new Object();
        assertThatThrownBy(() -> pool(1).initializer(stays::hashCode).open())
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("task initializer cannot travel to a worker process");
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }
}
