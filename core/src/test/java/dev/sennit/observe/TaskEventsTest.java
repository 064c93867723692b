package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.ThreadPool;
import dev.sennit.internal.Management;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.observe.TaskEvent.Kind;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class TaskEventsTest {
    /** Longer than a hundred times what the figure may be wrong by. */
    static final Duration BUSY = Duration.ofMillis(20);

    @AfterEach
    void nothingIsRecordedAnyMore() {
        TaskEvents.filterNames(NameFilter.DEFAULT);
        assertThat(TaskObserver.Current.get()).isNull();
    }

    /** What has come of tasks: what pools and workers do comes from other threads in between. */
    private static List<TaskEvent> ofTasks(TaskEvents events) {
        return events.drain().stream().filter(event -> event.kind().isOfTask()).toList();
    }

    private static List<Kind> kinds(List<TaskEvent> events) {
        return events.stream().map(TaskEvent::kind).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "virtual:2", "loop"})
    void aTaskIsSubmittedBegunAndEnded(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            String worker = pool.submit(() -> Thread.currentThread().getName()).get();
            List<TaskEvent> told = ofTasks(events); // the end is told before the future is done
            assertThat(kinds(told)).containsExactly(Kind.SUBMITTED, Kind.BEGUN, Kind.SUCCEEDED);
            TaskEvent begun = told.get(1);
            assertThat(begun.worker()).contains(worker);
            assertThat(begun.waited()).isPresent();
            assertThat(begun.ran()).isEmpty();
            assertThat(told.get(2).ran()).isPresent();
            assertThat(told).allSatisfy(event -> {
                assertThat(event.pool()).isEqualTo(pool.name());
                assertThat(event.name()).isEqualTo(TaskEventsTest.class.getName() + "::lambda");
                assertThat(event.task()).isEqualTo(begun.task());
                assertThat(event.failure()).isEmpty();
            });
            assertThat(told.get(0).at()).isBeforeOrEqualTo(begun.at());
            assertThat(begun.at()).isBeforeOrEqualTo(told.get(2).at());
        }
    }

    /** Keeps a processor busy for so long. */
    static long spin() {
        long end = Management.cpuNanos(Thread.currentThread()) + BUSY.toNanos();
        while (Management.cpuNanos(Thread.currentThread()) < end) {
            Thread.onSpinWait();
        }
        return end;
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2"})
    void aThreadTellsItsProcessorTime(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            pool.submit(() -> spin()).get();
            pool.submit(() -> spin(), TaskOptions.named("again").retry(Retry.attempts(2))).get();
            List<TaskEvent> ends = events.drain().stream().filter(event -> event.kind().isEnd()).toList();
            assertThat(ends).hasSize(2).allSatisfy(end -> assertThat(end.cpu()).get().satisfies(
                    cpu -> assertThat(cpu).isBetween(BUSY, end.ran().orElseThrow())));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"virtual", "loop"})
    void theProcessorTimeOfAVirtualThreadIsAbsent(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            pool.submit(() -> 1).get();
            assertThat(events.drain()).extracting(TaskEvent::cpu).containsOnly(Optional.empty());
        }
    }

    @Test
    void aFailureIsToldWithoutItsSecrets() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            var options = TaskOptions.named("fetch https://ann:hunter2@example.org/");
            TaskFuture<?> future = pool.submit((Task<Integer>) () -> {
                throw new IllegalStateException("bad token=abc");
            }, options);
            assertThatThrownBy(future::get).isInstanceOf(ExecutionException.class);
            TaskEvent end = ofTasks(events).getLast();
            assertThat(end.kind()).isEqualTo(Kind.FAILED);
            assertThat(end.name()).isEqualTo("fetch https://ann:***@example.org/");
            assertThat(end.failure()).contains("java.lang.IllegalStateException: bad token=***");
            TaskEvents.filterNames(text -> null);
            pool.submit(() -> 1).get();
            assertThat(ofTasks(events)).extracting(TaskEvent::name).containsOnly(NameFilter.REFUSED);
            TaskEvents.filterNames(text -> {
                throw new IllegalStateException("?");
            });
            pool.submit(() -> 1).get();
            assertThat(ofTasks(events)).extracting(TaskEvent::name).containsOnly(NameFilter.REFUSED).hasSize(3);
        }
    }

    @Test
    void aTaskThatIsCancelledWhileItRunsIsOverLater() throws Exception {
        var runs = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            TaskFuture<?> running = pool.submit(() -> {
                runs.countDown();
                while (goesOn.getCount() > 0) {
                    Thread.onSpinWait();
                }
                return 1;
            });
            runs.await();
            TaskFuture<?> waiting = pool.submit(() -> 2);
            waiting.cancel(true);
            running.cancel(true);
            List<TaskEvent> told = ofTasks(events);
            assertThat(kinds(told)).containsExactly(
                    Kind.SUBMITTED, Kind.BEGUN, Kind.SUBMITTED, Kind.CANCELLED, Kind.CANCELLED);
            assertThat(told).filteredOn(event -> event.kind().isEnd()).extracting(TaskEvent::ran)
                    .allMatch(ran -> ran.isEmpty());
            goesOn.countDown();
            TaskEvent over = events.next(Duration.ofMinutes(1)).orElseThrow();
            assertThat(over.kind()).isEqualTo(Kind.RUN_OVER);
            assertThat(over.task()).isEqualTo(told.getFirst().task());
            assertThat(over.ran()).isPresent();
        }
    }

    @Test
    void attemptsOfATaskAreOneTask() throws Exception {
        var calls = new AtomicInteger();
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            var twice = TaskOptions.named("third time lucky").retry(Retry.attempts(3));
            pool.submit((Task<Integer>) () -> {
                if (calls.incrementAndGet() < 3) {
                    throw new IllegalStateException("not yet");
                }
                return 1;
            }, twice).get();
            List<TaskEvent> told = ofTasks(events);
            assertThat(kinds(told)).containsExactly(
                    Kind.SUBMITTED, Kind.BEGUN, Kind.RETRIED, Kind.RETRIED, Kind.SUCCEEDED);
            assertThat(told).extracting(TaskEvent::task).containsOnly(told.getFirst().task());
        }
    }

    @Test
    void tasksThatWereSubmittedBeforeAreNotTold() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            var runs = new CountDownLatch(1);
            TaskFuture<?> early = pool.submit(() -> {
                runs.await();
                return 1;
            });
            try (TaskEvents first = TaskEvents.open()) {
                TaskFuture<?> known = pool.submit(() -> 2);
                try (TaskEvents second = TaskEvents.open()) {
                    runs.countDown();
                    early.get();
                    known.get();
                    pool.submit(() -> 3).get();
                    assertThat(kinds(ofTasks(first))).hasSize(6);
                    assertThat(kinds(ofTasks(second))).hasSize(3);
                }
            }
        }
    }

    /** More of them than are read at a time. */
    @Test
    void tasksOfAnotherStreamDoNotHideWhatFollows() throws Exception {
        try (TaskEvents _ = TaskEvents.open(); Pool pool = Pools.open("threads:1")) {
            var goesOn = new CountDownLatch(1);
            pool.submit(() -> goesOn.await());
            List<TaskFuture<Integer>> earlier = IntStream.range(0, 1500).mapToObj(i -> pool.submit(() -> i)).toList();
            try (TaskEvents events = TaskEvents.open()) {
                goesOn.countDown();
                earlier.getLast().get();
                pool.submit(() -> 1).get();
                assertThat(kinds(ofTasks(events))).containsExactly(Kind.SUBMITTED, Kind.BEGUN, Kind.SUCCEEDED);
            }
        }
    }

    /** The thread of a coroutine, and of a task inside another, has the name of a task. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "loop"})
    void theWorkerOfATaskIsToldWithoutSecrets(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            String text = "x".repeat(5000);
            pool.submit(() -> pool.submit(() -> 1).get(), TaskOptions.named("fetch token=abc")).get();
            pool.submit(() -> pool.submit(() -> 1).get(), TaskOptions.named(text)).get();
            assertThat(events.drain()).filteredOn(event -> event.kind() == Kind.BEGUN).hasSize(4)
                    .allSatisfy(begun -> assertThat(begun.worker()).get().asString()
                            .doesNotContain("abc").hasSizeLessThan(1000));
        }
    }

    /** Else a name that a pool gives its threads would count as that of a task, or the other way round. */
    @ParameterizedTest
    @CsvSource({
        "true, photos", "true, photos-3", "true, photos-worker", "true, photos-worker-1",
        "true, photos-worker-12 (pid 4711)", "true, photos (loop_1 2)", "false, photo", "false, photos-",
        "false, photos-worker-", "false, photos-worker-x", "false, photos-1-2", "false, photos (pid 4711",
        "false, photos (pid 4711)x", "false, photos (pid )", "false, photos ( 4711)", "false, photos (pid x)",
        "false, photos-1 of me", "false, photos-²", "false, photos (pïd 1)"
    })
    void aNameIsOneOfThePool(boolean isOfPool, String worker) {
        assertThat(TaskEvents.isOfPool(worker, "photos")).isEqualTo(isOfPool);
    }

    /** As it may hear nothing more, whatever else has come meanwhile. */
    @Test
    void aListenerThatEndsItselfHearsNoMore() throws Exception {
        var heard = new AtomicInteger();
        var listening = new AtomicReference<TaskEvents.Listening>();
        var ended = new CountDownLatch(1);
        try (Pool pool = Pools.open("inline")) {
            var begun = new CountDownLatch(1);
            listening.set(TaskEvents.listen(event -> {
                begun.await(); // till all is in the ring
                heard.incrementAndGet();
                listening.get().close();
                ended.countDown();
            }));
            for (int i = 0; i < 10; i++) {
                pool.submit(() -> 1).get();
            }
            begun.countDown();
            ended.await();
        }
        assertThat(listening.get().awaitTold(Duration.ofSeconds(30))).as("it was closed").isFalse();
        await().until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("sennit-events")));
        assertThat(heard).hasValue(1);
    }

    @Test
    void aClosedStreamEndsTheWait() throws Exception {
        TaskEvents events = TaskEvents.open();
        var reader = new Thread(() -> {
            try {
                events.next(Duration.ofHours(1));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        reader.start();
        events.close();
        events.close();
        reader.join();
        assertThat(events.next(Duration.ofHours(1))).isEmpty();
        assertThat(events.drain()).isEmpty();
        assertThat(events).hasToString("TaskEvents[closed, 0 missed]");
    }

    /** And is called again: what it throws, and that it hangs, harm nobody else. */
    @Test
    void listenersHarmNobody() throws Exception {
        Queue<Kind> heard = new ConcurrentLinkedQueue<>();
        var hangs = new CountDownLatch(1);
        try (var _ = TaskEvents.listen(event -> {
            if (event.kind().isOfTask()) {
                heard.add(event.kind());
            }
            throw new IllegalStateException("a listener that fails, as it is to");
        }); var _ = TaskEvents.listen(event -> hangs.await()); Pool pool = Pools.open("threads:2")) {
            for (int i = 0; i < 10; i++) {
                pool.submit(() -> 1).get();
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> heard.size() == 30);
        } finally {
            hangs.countDown();
        }
    }

    @Test
    void aListenerThatIsSlowIsToldWhatItMissed() throws Exception {
        var missed = new AtomicInteger();
        var heard = new AtomicInteger();
        var isSlow = new CountDownLatch(1);
        int tasks = 40_000;
        try (var _ = TaskEvents.listen(new TaskListener() {
            @Override
            public void event(TaskEvent event) throws Exception {
                isSlow.await();
                heard.incrementAndGet();
            }

            @Override
            public void missed(long count) {
                missed.addAndGet((int) count);
            }
        }); Pool pool = Pools.open("inline")) {
            for (int i = 0; i < tasks; i++) {
                pool.submit(() -> 1);
            }
            isSlow.countDown();
            await().atMost(Duration.ofMinutes(1)).until(() -> heard.get() + missed.get() == 3 * tasks + 1);
            assertThat(missed.get()).isGreaterThan(0);
        }
    }

    /** Several pools at once, with tasks that fail, are cancelled, run out of time, are tried again or mapped. */
    @Test
    void eventsAddUpAsTheFiguresOfThePoolsDo() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            var count = new EventCount();
            List<Pool> pools = new ArrayList<>();
            for (String plan : List.of("threads:3", "virtual", "virtual:2", "loop", "threads:1?backlog=8")) {
                pools.add(Pools.open(plan));
            }
            List<Thread> threads = IntStream.range(0, pools.size())
                    .mapToObj(i -> Thread.ofPlatform().start(() -> Mixed.submit(pools.get(i), 600, 18 + i)))
                    .toList();
            while (threads.stream().anyMatch(Thread::isAlive)) {
                events.drain().forEach(count::add);
            }
            pools.forEach(Pool::close);
            events.drain().forEach(count::add);
            assertThat(events.missed()).isZero();
            pools.forEach(count::ensureAgrees);
        }
    }

    @Test
    void aListenerIsAwaited() throws Exception {
        var told = new AtomicInteger();
        var goesOn = new CountDownLatch(1);
        TaskEvents.Listening listening = TaskEvents.listen(event -> {
            if (event.kind().isOfTask()) {
                goesOn.await();
                told.incrementAndGet();
            }
        });
        try (listening) {
            try (Pool pool = Pools.open("threads:1")) {
                assertThat(listening.awaitTold(Duration.ofMinutes(1))).as("nothing has happened").isTrue();
                for (int i = 1; i <= 2000; i++) { // more than are read at a time
                    pool.submit(() -> 1).get();
                }
                assertThat(listening.awaitTold(Duration.ofMillis(1))).isFalse();
                goesOn.countDown();
                assertThat(listening.awaitTold(Duration.ofMinutes(1))).isTrue();
                assertThat(told).hasValue(6000);
                pool.submit(() -> 1).get();
                assertThat(listening.awaitTold(Duration.ofMinutes(1))).isTrue();
                assertThat(told).hasValue(6003);
            }
            assertThat(listening.awaitTold(Duration.ofMinutes(1))).as("the end of the pool").isTrue();
        }
        assertThat(listening.awaitTold(Duration.ofMinutes(1))).as("nothing has happened since").isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual:2", "loop"})
    void aPoolIsOpenedAndClosed(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            Pool pool = Pools.open(plan);
            assertThat(events.drain()).singleElement().satisfies(event -> {
                assertThat(event.kind()).isEqualTo(Kind.POOL_OPENED);
                assertThat(event.pool()).isEqualTo(pool.name());
                assertThat(event.name()).isEmpty();
                assertThat(event.task()).isZero();
            });
            for (int i = 0; i < 4; i++) {
                pool.submit(() -> 1).get();
            }
            pool.close();
            List<TaskEvent> told = events.drain();
            assertThat(told.getLast().kind()).isEqualTo(Kind.POOL_CLOSED);
            assertThat(told).filteredOn(event -> event.kind() == Kind.WORKER_STARTED)
                    .hasSize(plan.equals("threads:2") ? 2 : 0);
            pool.close();
            assertThat(events.drain()).isEmpty();
        }
    }

    /** A stream that is opened later hears of what follows. */
    @Test
    void theWorkersOfAPoolOfThreadsStartAndEnd() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            Pool pool = Pools.open("threads:1");
            String worker = pool.submit(() -> Thread.currentThread().getName()).get();
            pool.submit(() -> Thread.currentThread().setName("another")).get();
            try (TaskEvents later = TaskEvents.open()) {
                pool.close();
                assertThat(kinds(later.drain())).containsExactly(Kind.WORKER_ENDED, Kind.POOL_CLOSED);
            }
            List<TaskEvent> ofWorkers = events.drain().stream().filter(event -> event.worker().isPresent()
                    && event.kind() != Kind.BEGUN).toList();
            assertThat(kinds(ofWorkers)).containsExactly(Kind.WORKER_STARTED, Kind.WORKER_ENDED);
            assertThat(ofWorkers).allSatisfy(event -> {
                assertThat(event.worker()).contains(worker);
                assertThat(event.failure()).isEmpty();
            });
        }
    }

    @Test
    void aThreadWhoseInitializerFailsEndsWithThat() {
        try (TaskEvents events = TaskEvents.open()) {
            try (Pool pool = ThreadPool.builder().workers(1).initializer(() -> {
                throw new IllegalStateException("no token=abc");
            }).open()) {
                assertThatThrownBy(() -> pool.submit(() -> 1).get()).isInstanceOf(ExecutionException.class);
            }
            assertThat(events.drain()).filteredOn(event -> event.kind() == Kind.WORKER_ENDED).singleElement()
                    .satisfies(end -> assertThat(end.failure()).get().asString()
                            .contains("initializer of pool threads-").endsWith("no token=***"));
        }
    }

    /** A thread of a pool that shrinks is counted out before it tells of its end. */
    @Test
    void aPoolIsClosedWhenItsThreadsHaveToldOfTheirEnds() throws Exception {
        var tells = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        var slow = (TaskObserver) Proxy.newProxyInstance(
                TaskObserver.class.getClassLoader(), new Class<?>[] {TaskObserver.class},
                (_, step, _) -> {
                    if (step.getName().equals("workerEnded")) {
                        tells.countDown();
                        goesOn.await();
                    }
                    return null;
                });
        TaskObserver.Current.set(slow);
        try (Pool pool = ThreadPool.builder().workers(0, 1).idle(Duration.ofNanos(1)).open()) {
            pool.submit(() -> 1).get();
            tells.await();
            pool.shutdown();
            assertThat(pool.isTerminated()).isFalse();
            goesOn.countDown();
        } finally {
            goesOn.countDown();
            TaskObserver.Current.set(null);
        }
    }

    @Test
    void aPoolOfAnotherAuthorIsOpenWithItsFirstTask() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            OwnKind.runOne();
            assertThat(kinds(events.drain())).containsExactly(
                    Kind.POOL_OPENED, Kind.SUBMITTED, Kind.BEGUN, Kind.SUCCEEDED, Kind.POOL_CLOSED);
            OwnKind.runNone();
            assertThat(events.drain()).isEmpty();
        }
    }
}
