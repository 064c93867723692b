package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.FailingBackend;
import dev.sennit.PoolStatistics;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Work;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Workers are replaced when they have served long enough: no task notices. */
class RecyclingIT extends ChangingWorkers {
    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    private static void assertNoneLost(ProcessPool pool) {
        PoolStatistics seen = pool.statistics();
        assertThat(seen.workersLost()).isZero();
        assertThat(seen.failed()).isZero();
    }

    @Test
    void aWorkerIsReplacedAfterItsTasks() throws Exception {
        try (ProcessPool pool = pool(1).maxTasks(3).open()) {
            Set<Long> pids = new HashSet<>();
            await(() -> {
                pids.add(pidIn(pool));
                return pids.size() >= 3;
            });
            await(() -> pool.statistics().workersRecycled() >= 2);
            assertThat(pool.statistics().workers()).isOne();
            assertNoneLost(pool);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void withASpareItDoesNotOneTaskMore() throws Exception {
        try (ProcessPool pool = pool(1).maxTasks(1).spares(1).open()) {
            Set<Long> pids = new HashSet<>();
            for (int i = 1; i <= 3; i++) {
                awaitSpare(pool);
                pids.add(pidIn(pool));
            }
            assertThat(pids).hasSize(3);
            assertNoneLost(pool);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void theOldOneServesUntilItsSuccessorIsReadyAndThenDoesWhatItHasBegun() throws Exception {
        Signals here = signals;
        Action prepare = () -> {
            here.mark("started");
            if (here.count("started") == 2) {
                awaitQuietly(here, "successor may");
            }
        };
        try (ProcessPool pool = pool(1).maxTasks(1).initializer(prepare).open()) {
            long old = pidIn(pool);
            here.awaitCount("started", 2);
            assertThat(pidIn(pool)).as("its successor is not ready").isEqualTo(old);
            TaskFuture<Long> running = pool.submit(() -> {
                here.mark("runs");
                here.await("may end");
                return ProcessHandle.current().pid();
            });
            here.awaitCount("runs", 1);
            here.set("successor may");
            await(() -> pool.statistics().workersRecycled() == 1);
            assertThat(pidIn(pool)).as("its successor serves beside it").isNotEqualTo(old);
            assertThat(running).isNotDone();
            assertThat(isAlive(old)).isTrue();
            here.set("may end");
            assertThat(running.get(BOUND, SECONDS)).isEqualTo(old);
            await(() -> !isAlive(old));
            assertNoneLost(pool);
        }
    }

    @Test
    void longTasksDoNotMakeProcessesWithoutEnd() throws Exception {
        Signals here = signals;
        try (ProcessPool pool = pool(1).maxAge(Duration.ofMillis(20)).open()) {
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                futures.add(pool.submit(() -> Work.hold(here)));
            }
            here.awaitCount("held", 2); // one that serves, and one that has retired
            await(() -> pool.slots().stream()
                    .anyMatch(slot -> slot.worker() instanceof WorkerJvm serving && serving.isSpent()));
            pool.replaceSpent(); // as the watch does, now or soon
            assertThat(pool.slots()).as("nothing is started for one that may not go yet").hasSize(2);
            assertThat(here.count("held")).isEqualTo(2);
            here.set("release");
            for (TaskFuture<Integer> future : futures) {
                future.get(BOUND, SECONDS);
            }
            assertNoneLost(pool);
        }
    }

    @Test
    void whatWasSentAheadToTheOldOneRunsOnItsSuccessor() throws Exception {
        Signals here = signals;
        Action prepare = () -> {
            here.mark("started");
            if (here.count("started") == 2) {
                awaitQuietly(here, "successor may");
            }
        };
        try (ProcessPool pool = pool(1).maxTasks(1).initializer(prepare).open()) {
            TaskFuture<Integer> first = pool.submit(() -> gated(here, "first"));
            TaskFuture<Integer> second = pool.submit(() -> gated(here, "second"));
            TaskFuture<Long> third = pool.submit(() -> ProcessHandle.current().pid());
            here.awaitCount("began first", 1);
            here.set("go first");
            first.get(BOUND, SECONDS); // settled after the others were sent
            here.awaitCount("began second", 1);
            here.set("successor may");
            long pid = third.get(BOUND, SECONDS);
            assertThat(second).as("the third did not wait behind it").isNotDone();
            here.set("go second");
            assertThat(second.get(BOUND, SECONDS)).isNotEqualTo((int) pid);
            assertNoneLost(pool);
        }
    }

    @Test
    void anIdleWorkerIsReplacedAtItsAge() throws Exception {
        try (ProcessPool pool = pool(2).maxAge(Duration.ofMillis(100)).open()) {
            await(() -> pool.statistics().workersRecycled() >= 4);
            assertThat(pidIn(pool)).isPositive();
            assertNoneLost(pool);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void aWorkerThatHasGrownIsReplacedAndItsTaskEnds() throws Exception {
        Signals here = signals;
        try (ProcessPool pool = pool(1).maxMemory("150m").open()) {
            long old = pidIn(pool);
            TaskFuture<Integer> greedy = pool.submit(() -> {
                Arena.global().allocate(1 << 28).fill((byte) 1);
                here.await("is replaced");
                return 1;
            });
            await(() -> pool.statistics().workersRecycled() == 1);
            here.set("is replaced");
            assertThat(greedy.get(BOUND, SECONDS)).isOne();
            assertThat(pidIn(pool)).isNotEqualTo(old);
            await(() -> !isAlive(old));
            assertThat(pool.statistics().workersRecycled()).isOne();
            assertNoneLost(pool);
        }
    }

    @Test
    void aSuccessorThatCannotStartCostsNothingAndIsTriedAgain() throws Exception {
        Signals here = signals;
        Action prepare = () -> {
            here.mark("started");
            if (here.count("started") > 1 && !here.isSet("better now")) {
                throw new IllegalStateException("not now");
            }
        };
        try (ProcessPool pool = pool(1).maxTasks(1).initializer(prepare).open()) {
            long old = pidIn(pool);
            here.awaitCount("started", 5); // more often than a pool without any worker would try
            for (int i = 0; i < 10; i++) {
                assertThat(pidIn(pool)).isEqualTo(old);
            }
            here.set("better now");
            await(() -> pidIn(pool) != old);
            assertNoneLost(pool);
        }
    }

    @Test
    void theDeathOfTheOldOneLeavesAPoolOfItsSize() throws Exception {
        Signals here = signals;
        Action prepare = () -> {
            here.mark("started");
            if (here.count("started") == 2) {
                awaitQuietly(here, "successor may");
            }
        };
        try (ProcessPool pool = pool(1).maxTasks(1).initializer(prepare).open()) {
            long old = pidIn(pool);
            here.awaitCount("started", 2);
            ProcessHandle.of(old).orElseThrow().destroyForcibly();
            await(() -> pool.statistics().workersLost() == 1);
            here.set("successor may");
            await(() -> pool.statistics().workers() == 1);
            awaitProcesses(1);
            assertThat(pool.statistics().workersRecycled()).isZero();
            assertThat(pidIn(pool)).isNotEqualTo(old);
        }
    }

    @Test
    void aTaskOnARetiredWorkerIsCancelledAndEndsWithThePool() throws Exception {
        Signals here = signals;
        ProcessPool pool = pool(1).maxTasks(1).spares(1).grace(Duration.ZERO).open();
        awaitSpare(pool);
        TaskFuture<Integer> first = pool.submit(() -> gated(here, "first"));
        TaskFuture<Integer> stuck = pool.submit(() -> {
            here.mark("began stuck");
            while (true) {
                Thread.onSpinWait();
            }
        });
        here.awaitCount("began first", 1);
        here.set("go first");
        first.get(BOUND, SECONDS);
        here.awaitCount("began stuck", 1);
        assertThat(pool.shutdownNow()).isEmpty();
        assertThat(pool.awaitTermination(BOUND, SECONDS)).isTrue();
        assertThat(stuck).isCancelled();
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    // ---- no threads ----

    @Test
    @SuppressWarnings("try") // a backend is in use by being open
    void aPoolForWhichThereAreNoThreadsLeavesNothing() {
        var started = new AtomicInteger();
        try (var backend = FailingBackend.withoutThreads(
                thread -> thread instanceof WorkerSlot.ServingThread && started.incrementAndGet() > 2)) {
            assertThatThrownBy(() -> pool(3).name("large").open())
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageStartingWith(
                            "pool large with 3 workers could not be opened: unable to create native thread");
        }
        awaitProcesses(0);
        await(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("large")));
    }

    @Test
    @SuppressWarnings("try") // a backend is in use by being open
    void oneWithoutAThreadForASuccessorGoesOn() throws Exception {
        var started = new AtomicInteger();
        try (var backend = FailingBackend.withoutThreads(
                thread -> thread instanceof WorkerSlot.ServingThread && started.incrementAndGet() == 2);
                ProcessPool pool = pool(1).maxTasks(1).open()) {
            long old = pidIn(pool);
            await(() -> started.get() >= 2);
            await(() -> pidIn(pool) != old);
            assertNoneLost(pool);
        }
    }
}
