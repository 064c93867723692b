package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Fewer workers while there is little to do, and more beside the pool that wait for one to die. */
class SparesIT extends ChangingWorkers {
    // ---- fewer and more ----

    @Test
    void workersWithNothingToDoAreLetGoAndComeBack() throws Exception {
        Signals here = signals;
        try (ProcessPool pool = pool(3).minWorkers(1).idle(Duration.ofMillis(50)).open()) {
            for (int round = 1; round <= 2; round++) {
                List<TaskFuture<Integer>> futures = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    String name = "task " + round + i;
                    futures.add(pool.submit(() -> gated(here, name)));
                }
                for (int i = 0; i < 3; i++) {
                    here.awaitCount("began task " + round + i, 1); // all at the same time
                }
                assertThat(pool.statistics().workers()).isEqualTo(3);
                for (int i = 0; i < 3; i++) {
                    here.set("go task " + round + i);
                }
                for (TaskFuture<Integer> future : futures) {
                    future.get(BOUND, SECONDS);
                }
                await(() -> pool.statistics().workers() == 1);
                awaitProcesses(1);
                assertThat(pool.statistics().workersRecycled()).isEqualTo(2L * round);
            }
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    @Test
    void theLastThatServesIsNotLetGoForOneThatCannotStart() throws Exception {
        Signals here = signals;
        Action onlyOnce = () -> {
            here.mark("started");
            if (here.count("started") > 1) {
                throw new IllegalStateException("meant");
            }
        };
        try (ProcessPool pool = pool(2).minWorkers(1).idle(Duration.ofMillis(50)).initializer(onlyOnce).open()) {
            long pid = pidIn(pool);
            TaskFuture<Integer> first = pool.submit(() -> gated(here, "first"));
            here.awaitCount("began first", 1);
            TaskFuture<Integer> second = pool.submit(() -> gated(here, "second"));
            here.awaitCount("started", 3); // a second worker is wanted, and fails to start
            here.set("go first");
            here.set("go second");
            first.get(BOUND, SECONDS);
            second.get(BOUND, SECONDS);
            await(() -> pool.slots().size() == 1); // nothing to do for long: no second is wanted
            assertThat(pidIn(pool)).isEqualTo(pid);
            assertThat(pool.statistics().workersRecycled()).isZero();
        }
    }

    @Test
    void aPoolMayHaveNoWorkerAtAll() throws Exception {
        try (ProcessPool pool = pool(1).minWorkers(0).idle(Duration.ofMillis(50)).open()) {
            assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
            assertThat(pidIn(pool)).isPositive();
            awaitProcesses(0);
            assertThat(pidIn(pool)).isPositive();
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void aPoolWithoutWorkersSaysWhyItCanHaveNone() throws Exception {
        try (ProcessPool pool = pool(2).minWorkers(0).jvmOptions("-XX:+NoSuchOption").open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(BOUND, SECONDS))
                    .hasCauseInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("NoSuchOption");
        }
    }

    @Test
    void oneThatWasNeverUsedIsClosed() {
        pool(2).minWorkers(0).open().close();
        pool(2).spares(2).open().close();
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    // ---- spares ----

    @Test
    void aSpareTakesThePlaceOfOneThatDied() throws Exception {
        Signals here = signals;
        Action prepare = () -> {
            here.mark("prepared");
            if (here.count("prepared") > 2) {
                awaitQuietly(here, "another may start");
            }
        };
        try (ProcessPool pool = pool(1).spares(1).initializer(prepare).open()) {
            here.awaitCount("prepared", 2);
            long first = pidIn(pool);
            assertThat(pool.statistics().workers()).as("a spare does not count").isOne();
            ProcessHandle.of(first).orElseThrow().destroyForcibly();
            assertThat(pidIn(pool)).as("nobody else could start").isNotEqualTo(first);
            here.set("another may start");
            here.awaitCount("prepared", 3);
            awaitProcesses(2);
            assertThat(pool.statistics().workersLost()).isOne();
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void theFirstTaskOfASpareIsNoInitializerOfTheUsers() {
        try (ProcessPool pool = pool(1).spares(1).open()) {
            assertThat(pool.initializer().isOurs()).isTrue();
        }
        try (ProcessPool pool = pool(1).spares(1).initializer(() -> {}).open()) {
            assertThat(pool.initializer().isOurs()).isFalse();
        }
    }

    @Test
    void aSpareThatDiesIsReplaced() throws Exception {
        try (ProcessPool pool = pool(1).spares(1).open()) {
            long worker = pidIn(pool);
            awaitProcesses(2);
            Set<Long> spares = new HashSet<>();
            await(() -> {
                WorkerProcesses.ofThisJvm().stream()
                        .filter(process -> process.pid() != worker)
                        .forEach(spare -> {
                            spares.add(spare.pid());
                            spare.destroyForcibly();
                        });
                return spares.size() >= 3;
            });
            assertThat(pidIn(pool)).isEqualTo(worker);
            awaitProcesses(2);
        }
    }

    @Test
    void aTaskThatIsKilledCostsNoWaitForTheNext() throws Exception {
        Signals here = signals;
        try (ProcessPool pool = pool(1).spares(1).grace(Duration.ZERO).open()) {
            awaitSpare(pool);
            TaskFuture<Integer> stuck = pool.submit(() -> {
                here.mark("began");
                while (true) {
                    Thread.onSpinWait();
                }
            });
            here.awaitCount("began", 1);
            stuck.cancel(true);
            assertThat(pidIn(pool)).isPositive();
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }
}
