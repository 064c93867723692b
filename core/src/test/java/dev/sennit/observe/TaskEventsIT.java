package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.observe.TaskEvent.Kind;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What tasks in worker processes do, also while these are killed. */
@Timeout(300)
class TaskEventsIT {
    private static List<TaskEvent> ofTasks(TaskEvents events) {
        return events.drain().stream().filter(event -> event.kind().isOfTask()).toList();
    }

    @Test
    void theWorkerAndItsTimesAreTold() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:1")) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get();
            List<TaskEvent> told = ofTasks(events);
            assertThat(told).extracting(TaskEvent::kind).containsExactly(Kind.SUBMITTED, Kind.BEGUN, Kind.SUCCEEDED);
            assertThat(told.get(1).worker()).get().asString()
                    .startsWith(pool.name()).endsWith(" (pid " + pid + ")");
            assertThat(told.get(2).ran()).get().satisfies(ran -> assertThat(ran).isPositive());
            pool.submit(() -> TaskEventsTest.spin()).get();
            TaskEvent end = ofTasks(events).getLast();
            assertThat(end.cpu()).get().satisfies(
                    cpu -> assertThat(cpu).isBetween(TaskEventsTest.BUSY, end.ran().orElseThrow()));
        }
    }

    /** Tasks that were sent ahead are told of too, with their worker. */
    @Test
    void eventsAddUpWhileWorkersAreKilled() throws Exception {
        ensureEventsAddUp(1, 20);
    }

    @Test
    @Timeout(7200)
    @EnabledIfSystemProperty(named = "sennit.faults.workerKills", matches = "\\d+")
    void eventsAddUpOverManyDeaths() throws Exception {
        ensureEventsAddUp(Long.getLong("sennit.faults.workerKills"), 3);
    }

    /**
     * Submits tasks until so many workers have died.
     *
     * @param looksPerKill how many looks at the events there are between two kills, on the average
     */
    private static void ensureEventsAddUp(long deaths, int looksPerKill) throws Exception {
        long seed = ThreadLocalRandom.current().nextLong();
        var random = new Random(seed);
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:2")) {
            var count = new EventCount();
            Thread tasks = Thread.ofPlatform().start(() -> {
                long round = seed;
                do {
                    Mixed.submit(pool, 600, round++);
                } while (pool.statistics().workersLost() < deaths);
            });
            while (tasks.isAlive()) {
                List<TaskEvent> told = events.drain();
                assertThat(told).filteredOn(event -> event.kind() == Kind.BEGUN && !event.name().equals("again"))
                        .allSatisfy(event -> assertThat(event.worker()).as("seed %s", seed).isPresent());
                told.forEach(count::add);
                List<String> workers = List.copyOf(count.workersOf(pool)); // a pool gives up if too few get so far
                if (!workers.isEmpty() && random.nextInt(looksPerKill) == 0) {
                    ProcessHandle.of(pidOf(workers.get(random.nextInt(workers.size()))))
                            .ifPresent(ProcessHandle::destroyForcibly);
                }
                events.next(Duration.ofMillis(10)).ifPresent(count::add);
            }
            pool.shutdown();
            assertThat(pool.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            events.drain().forEach(count::add);
            assertThat(events.missed()).isZero();
            count.ensureAgrees(pool);
            System.out.println(pool.statistics() + ", seed " + seed);
        }
    }

    /** The last word of a worker that is told of is its pid, with a parenthesis. */
    private static long pidOf(String worker) {
        return Long.parseLong(worker.substring(worker.lastIndexOf(' ') + 1, worker.length() - 1));
    }

    /**
     * Each step has its time by the clock of this JVM, whichever process ran the task, and a run that its worker has
     * measured fits in between. It may begin before {@link Kind#BEGUN}: a worker begins a task that was sent ahead
     * before the pool has read the answer to the task before.
     */
    @ParameterizedTest
    @ValueSource(strings = {"processes:2", "processes:2?transport=socket"})
    void theClocksOfWorkersAgree(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            Set<String> workers = new HashSet<>();
            Instant last = Instant.MIN;
            for (int i = 0; i < 20; i++) {
                TaskFuture<?> one = pool.submit(() -> TaskEventsTest.spin());
                TaskFuture<?> other = pool.submit(() -> TaskEventsTest.spin());
                one.get();
                other.get();
                List<TaskEvent> told = ofTasks(events);
                assertThat(told).hasSize(6);
                for (List<TaskEvent> task : told.stream().collect(Collectors.groupingBy(TaskEvent::task)).values()) {
                    Instant submitted = task.getFirst().at();
                    Instant ended = task.get(2).at();
                    assertThat(task).extracting(TaskEvent::at).isSorted();
                    assertThat(submitted).as("after all of the round before").isAfterOrEqualTo(last);
                    assertThat(submitted.plus(task.get(2).ran().orElseThrow())).isBeforeOrEqualTo(ended);
                    workers.add(task.get(1).worker().orElseThrow());
                }
                last = told.stream().map(TaskEvent::at).max(Instant::compareTo).orElseThrow();
            }
            assertThat(workers).hasSize(2);
        }
    }

    @Test
    void aWorkerStartsAndDiesAndAnotherStarts() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:1")) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get();
            List<TaskEvent> told = new ArrayList<>(events.drain());
            assertThat(told.getFirst().kind()).isEqualTo(Kind.POOL_OPENED);
            assertThat(told).filteredOn(event -> event.kind() == Kind.WORKER_STARTED).singleElement()
                    .satisfies(started -> assertThat(started.worker()).get().asString().endsWith(" (pid " + pid + ")"));
            TaskFuture<?> killed = pool.submit(() -> Runtime.getRuntime().halt(7), TaskOptions.named("halt"));
            assertThatThrownBy(killed::get).hasCauseInstanceOf(WorkerCrashedException.class);
            List<TaskEvent> end = events.drain().stream()
                    .filter(event -> event.kind() == Kind.WORKER_ENDED || event.kind() == Kind.FAILED).toList();
            assertThat(end).extracting(TaskEvent::kind).containsExactly(Kind.WORKER_ENDED, Kind.FAILED);
            assertThat(end.getFirst().worker()).isEqualTo(
                    told.stream().filter(event -> event.kind() == Kind.BEGUN).findFirst().orElseThrow().worker());
            assertThat(end.getFirst().failure()).get().asString().contains("(pid " + pid + ") exited with code 7")
                    .endsWith("while it ran task halt");
            assertThat(pool.submit(() -> ProcessHandle.current().pid()).get()).isNotEqualTo(pid);
            assertThat(events.drain()).extracting(TaskEvent::kind).containsOnlyOnce(Kind.WORKER_STARTED);
        }
    }

    /** Workers that end as they are to, told of before the pool is closed. */
    @Test
    void workersThatAreReplacedEndWithoutAFailure() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            Pool pool = Pools.open("processes:1?strict-max-tasks=2");
            for (int i = 0; i < 6; i++) {
                pool.submit(() -> 1).get();
            }
            pool.close();
            var count = new EventCount();
            List<TaskEvent> told = events.drain();
            told.forEach(count::add);
            count.ensureAgrees(pool);
            assertThat(pool.statistics().workersRecycled()).isPositive();
            assertThat(told).filteredOn(event -> event.kind() == Kind.WORKER_ENDED)
                    .hasSizeGreaterThanOrEqualTo((int) pool.statistics().workersRecycled())
                    .allSatisfy(end -> assertThat(end.failure()).isEmpty());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"processes:1", "processes:1?transport=socket"})
    void aTaskInAWorkerTellsHowFarItIs(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            pool.submit(() -> TaskProgressTest.reportOften(10_000)).get();
            TaskProgressTest.ensureToldOf(10_000, ofTasks(events));
            for (int i = 0; i < 20; i++) { // each of them the first and the last of its task
                pool.submit(() -> TaskProgress.report(5, 10, "grün")).get();
                assertThat(TaskProgressTest.progress(events.drain()))
                        .extracting(event -> event.progress().orElseThrow())
                        .containsExactly(new TaskEvent.Progress(5, OptionalLong.of(10), "grün"));
            }
        }
    }

    @Test
    void theAttemptsOfATaskInAWorkerReportForIt() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:1")) {
            TaskFuture<?> failed = pool.submit((Task<Integer>) () -> {
                TaskProgress.report(1, 2, "");
                throw new IllegalStateException("is to fail");
            }, TaskOptions.named("twice").retry(Retry.attempts(2)));
            assertThatThrownBy(failed::get).isInstanceOf(ExecutionException.class);
            List<TaskEvent> told = ofTasks(events);
            assertThat(told).extracting(TaskEvent::kind).containsExactly(
                    Kind.SUBMITTED, Kind.BEGUN, Kind.PROGRESS, Kind.RETRIED, Kind.PROGRESS, Kind.FAILED);
            assertThat(told).extracting(TaskEvent::task).containsOnly(told.getFirst().task());
            assertThat(told.getLast().cpu()).isPresent();
        }
    }

    /** Many are sent ahead, and are told of in order all the same. */
    @Test
    void eachOfManyTasksTellsHowFarItIs() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:2")) {
            List<TaskFuture<?>> futures = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                futures.add(pool.submit(() -> TaskProgressTest.reportOften(3)));
            }
            for (TaskFuture<?> future : futures) {
                future.get();
            }
            List<TaskEvent> told = ofTasks(events);
            assertThat(events.missed()).isZero();
            Map<Long, List<TaskEvent>> byTask = told.stream().collect(Collectors.groupingBy(TaskEvent::task));
            assertThat(byTask).hasSize(2_000).allSatisfy((task, all) -> {
                assertThat(all.getLast().kind()).isEqualTo(Kind.SUCCEEDED);
                assertThat(TaskProgressTest.progress(all).getLast().progress().orElseThrow().done()).isEqualTo(3);
            });
        }
    }

    /** An interrupt while a report is written would close the worker's socket. */
    @ParameterizedTest
    @ValueSource(strings = {"processes:1?grace=1m", "processes:1?grace=1m&transport=socket"})
    void aTaskThatReportsCanBeInterrupted(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get();
            for (int i = 0; i < 30; i++) {
                TaskFuture<?> endless = pool.submit(() -> {
                    for (long round = 0; !Thread.currentThread().isInterrupted(); round++) {
                        TaskProgress.report(round, -1, "");
                    }
                    return 1;
                });
                while (!endless.isDone() && TaskProgressTest.progress(events.drain()).isEmpty()) {
                    Thread.onSpinWait();
                }
                endless.cancel(true);
                assertThat(pool.submit(() -> ProcessHandle.current().pid()).get()).isEqualTo(pid);
            }
            pool.submit(() -> {
                Thread.currentThread().interrupt();
                TaskProgress.report(1, 2, "");
                if (!Thread.interrupted()) {
                    throw new AssertionError("the interrupt was lost");
                }
                return 1;
            }).get();
        }
    }

    @Test
    void anInitializerMayReportToNobody() throws Exception {
        try (TaskEvents events = TaskEvents.open();
                Pool pool = ProcessPool.builder().workers(1).initializer(() -> TaskProgress.report(1, 2, "")).open()) {
            pool.submit(() -> 1).get();
            assertThat(TaskProgressTest.progress(events.drain())).isEmpty();
        }
    }
}
