package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** No worker does one task more than its number. Over both transports, see core's pom. */
class StrictMaxTasksIT extends ChangingWorkers {
    /** How many tasks each worker had, by its process id. */
    private static Map<Long, Integer> counted(List<Long> pids) {
        Map<Long, Integer> counts = new TreeMap<>();
        pids.forEach(pid -> counts.merge(pid, 1, Integer::sum));
        return counts;
    }

    private static List<Long> values(List<TaskFuture<Long>> futures) throws Exception {
        List<Long> values = new ArrayList<>();
        for (TaskFuture<Long> future : futures) {
            values.add(future.get(BOUND, SECONDS));
        }
        return values;
    }

    @Test
    void noWorkerDoesMoreHoweverQuickTheTasksAre() throws Exception {
        for (int workers = 1; workers <= 2; workers++) {
            try (ProcessPool pool = pool(workers).strictMaxTasks(3).open()) {
                List<TaskFuture<Long>> futures = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    futures.add(pool.submit(() -> ProcessHandle.current().pid()));
                }
                Map<Long, Integer> counts = counted(values(futures));
                assertThat(counts.values()).allMatch(count -> count <= 3).hasSizeGreaterThanOrEqualTo(7);
                assertThat(pool.statistics().workersRecycled()).isGreaterThanOrEqualTo(6);
                assertThat(pool.statistics().workersLost()).isZero();
                assertThat(pool.statistics().failed()).isZero();
            }
            assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
        }
    }

    @Test
    void oneTaskAWorkerOneAfterAnother() throws Exception {
        try (Pool pool = Pools.open("processes:1?strict-max-tasks=1&spares=1&heap=64m&output=discard")) {
            List<Long> pids = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                // by the thread that waits, often
                pids.add(pool.submit(() -> ProcessHandle.current().pid()).get(BOUND, SECONDS));
            }
            pids.addAll(
                    pool.chunksOf(1).map(n -> ProcessHandle.current().pid(), IntStream.range(0, 4).boxed().toList()));
            assertThat(pids).doesNotHaveDuplicates();
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void theSofterLimitHoldsBesideIt() throws Exception {
        try (ProcessPool pool = pool(1).maxTasks(2).strictMaxTasks(4).spares(1).open()) {
            List<TaskFuture<Long>> futures = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                futures.add(pool.submit(() -> ProcessHandle.current().pid()));
            }
            assertThat(counted(values(futures)).values()).allMatch(count -> count <= 4);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    @Test
    void whatWasCancelledOnItsWayCountsAndCostsNoOther() throws Exception {
        Signals here = signals;
        try (ProcessPool pool = pool(1).strictMaxTasks(2).open()) {
            TaskFuture<Integer> held = pool.submit(() -> gated(here, "held"));
            here.awaitCount("began held", 1);
            List<TaskFuture<Long>> futures = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                futures.add(pool.submit(() -> ProcessHandle.current().pid()));
            }
            assertThat(futures.get(0).cancel(true)).isTrue();
            assertThat(futures.get(3).cancel(true)).isTrue();
            held.cancel(true);
            futures.removeIf(TaskFuture::isCancelled);
            assertThat(counted(values(futures)).values()).allMatch(count -> count <= 2).hasSizeGreaterThanOrEqualTo(2);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void aSuccessorThatNeverStartsFailsWhatWaits() throws Exception {
        Signals here = signals;
        Action onlyOnce = () -> {
            here.mark("started");
            if (here.count("started") > 1) {
                throw new IllegalStateException("meant");
            }
        };
        try (ProcessPool pool = pool(1).strictMaxTasks(1).initializer(onlyOnce).open()) {
            assertThat(pidIn(pool)).isPositive();
            TaskFuture<Integer> waiting = pool.submit(() -> 1);
            assertThatThrownBy(() -> waiting.get(BOUND, SECONDS))
                    .hasCauseInstanceOf(WorkerStartException.class)
                    .hasRootCauseMessage("meant");
            assertThat(here.count("started")).as("three tries after the first").isEqualTo(4);
        }
    }
}
