package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.memory.MemoryBroker;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Nothing is lost, and nothing hangs, whatever fails. */
@Timeout(120)
class QueueWorkerFaultsTest {
    private static final TaskType<String, Integer> LENGTH = TaskType.of("length", String.class, String::length);
    private static final Duration LEASE = Duration.ofMillis(400);

    private static final Logger LOG = Logger.getLogger("dev.sennit.queue.worker");

    @BeforeAll
    static void beStill() {
        LOG.setLevel(Level.SEVERE);
    }

    @AfterAll
    static void speak() {
        LOG.setLevel(null);
    }

    /** What a task of the soak does: as often as it says it fails or gives back, then it succeeds, or never does. */
    record Work(int number, int failures, int givesBack, int follow, boolean isHopeless) {}

    private final Map<Integer, AtomicInteger> succeeded = new ConcurrentHashMap<>();

    private TaskType<Work, Integer> work(SubmitOptions options) {
        TaskType<Work, Integer> self = TaskType.named("work", Work.class, Integer.class).options(options);
        return TaskType.of("work", Work.class, (work, run) -> {
            int step = run.checkpoint(int.class).orElse(0);
            if (work.isHopeless || run.failures() < work.failures) {
                throw new IOException("failure " + run.failures());
            }
            if (step < work.givesBack) {
                run.progress(step, work.givesBack, "");
                run.checkpoint(step + 1);
                throw run.giveBack();
            }
            if (work.follow > 0) {
                run.enqueue(self, new Work(work.number + 10_000, 0, 0, work.follow - 1, false));
            }
            succeeded.computeIfAbsent(work.number, _ -> new AtomicInteger()).incrementAndGet();
            return work.number;
        });
    }

    private static Work random(int number, Random random) {
        return new Work(number, random.nextInt(4) == 0 ? random.nextInt(3) : 0,
                random.nextInt(6) == 0 ? random.nextInt(3) : 0, random.nextInt(5) == 0 ? random.nextInt(3) : 0,
                random.nextInt(20) == 0);
    }

    static LongStream seeds() {
        return LongStream.rangeClosed(1, Integer.getInteger("sennit.queueSoaks", 6));
    }

    /** Workers come and go, and the broker fails at random points. */
    @ParameterizedTest
    @MethodSource("seeds")
    void losesNothingWhileTheBrokerFails(long seed) {
        Random random = new Random(seed);
        MemoryBroker broker = new MemoryBroker();
        FaultyBroker faulty = new FaultyBroker(broker, seed);
        faulty.rate = seed % 3 == 0 ? 0 : 0.15;
        SubmitOptions options = SubmitOptions.NONE
                .retry(RetryPolicy.attempts(3).waiting(Duration.ofMillis(3)).crashes(100));
        Map<String, Work> ids = new HashMap<>();
        int expected = 0;
        TaskType<Work, Integer> work = work(options).options(options);
        List<QueueWorker> workers = new ArrayList<>();
        try (TaskQueue queue = TaskQueue.over(broker)) {
            for (int i = 0; i < 300; i++) {
                Work one = random(i, random);
                ids.put(queue.enqueue(work, one, options.queue("ab".charAt(i % 2) + "").priority(random.nextInt(10))),
                        one);
                expected += one.isHopeless ? 0 : one.follow;
            }
            String[] plans = {"threads:3", "virtual:20", "inline", "threads:1-2"};
            for (int i = 0; i < 8; i++) {
                workers.add(QueueWorker.builder(faulty.broker()).types(work).queues("a:2,b,default").providers(null)
                        .on(plans[random.nextInt(plans.length)]).lease(LEASE).poll(Duration.ofHours(1))
                        .name("soak" + i).drainLimit(Duration.ofMillis(random.nextInt(300))).seed(seed + i).start());
                if (i < 7 && random.nextBoolean()) {
                    workers.remove(random.nextInt(workers.size())).close();
                }
            }
            int all = ids.size() + expected;
            Waiting.until(() -> broker.search(TaskFilter.ALL, 10_000).stream().filter(task -> task.state().isEnd())
                    .count() == all);
        } finally {
            workers.forEach(QueueWorker::close);
        }
        for (TaskView task : broker.search(TaskFilter.ALL, 10_000)) {
            Work one = ids.get(task.id());
            assertThat(task.state()).as("%s of %s", task, one)
                    .isEqualTo(one != null && one.isHopeless ? TaskState.DEAD : TaskState.SUCCEEDED);
            if (one != null && faulty.rate == 0) {
                assertThat(task.failures()).as("%s", one).isEqualTo(one.isHopeless ? 3 : one.failures);
                assertThat(task.crashes()).isZero();
                // and those that were given back before they began
                assertThat(task.attempts())
                        .isGreaterThanOrEqualTo(one.isHopeless ? 3 : 1 + one.failures + one.givesBack);
            }
        }
        assertThat(broker.counts()).allSatisfy(
                counts -> assertThat(counts.count(TaskState.RUNNING) + counts.count(TaskState.READY)).isZero());
        assertThat(broker.workers()).hasSizeLessThanOrEqualTo(faulty.rate == 0 ? 0 : 8);
        Waiting.until(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(
                thread -> thread.getName().startsWith("sennit-queue-soak")));
        broker.close();
    }

    @Test
    void givesBackWhatAFullPoolDoesNotTake() throws InterruptedException {
        MemoryBroker broker = new MemoryBroker();
        CountDownLatch end = new CountDownLatch(1);
        try (TaskQueue queue = TaskQueue.over(broker);
                Pool pool = Pools.open("threads:2?backlog=0&full=reject")) {
            pool.submit(() -> end.await()); // somebody else uses the pool
            pool.submit(() -> end.await());
            try (QueueWorker worker = QueueWorker.builder(broker).types(LENGTH).pool(pool).providers(null).start()) {
                var future = queue.submit(LENGTH, "abc");
                Waiting.until(() -> worker.status().givenBack() > 0);
                end.countDown();
                assertThat(future.join()).isEqualTo(3);
                assertThat(worker.status().failed()).isZero();
            }
            assertThat(pool.isShutdown()).isFalse();
        }
    }

    @Test
    void givesBackWhatAClosedPoolDoesNotRun() throws InterruptedException {
        MemoryBroker broker = new MemoryBroker();
        CountDownLatch begun = new CountDownLatch(1);
        TaskType<String, Integer> waits = TaskType.of("waits", String.class, text -> {
            begun.countDown();
            new CountDownLatch(1).await();
            return 1;
        });
        Pool pool = Pools.open("threads:1");
        try (TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker = QueueWorker.builder(broker).types(waits).pool(pool).providers(null).start()) {
            String first = queue.enqueue(waits, "");
            begun.await();
            pool.shutdownNow();
            Waiting.until(() -> worker.status().givenBack() > 0);
            worker.quiet();
            Waiting.until(() -> broker.find(first).orElseThrow().state() == TaskState.READY);
            assertThat(broker.find(first).orElseThrow().failures()).isZero();
        }
    }

    @Test
    void claimsOnlyAsMuchAsTheBrokerTakesBack() throws InterruptedException {
        MemoryBroker broker = new MemoryBroker();
        FaultyBroker faulty = new FaultyBroker(broker, 1);
        CountDownLatch goOn = new CountDownLatch(1);
        faulty.before("complete", () -> {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        List<String> arguments = java.util.Collections.nCopies(5000, "abc");
        try (TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker = QueueWorker.builder(faulty.broker()).types(LENGTH).on("threads:2").providers(null)
                        .poll(Duration.ofHours(1)).start()) {
            queue.enqueueAll(LENGTH, arguments, SubmitOptions.NONE);
            Waiting.until(() -> worker.status().untold() > 260);
            assertThat(worker.status().untold()).isLessThan(1000);
            goOn.countDown();
            Waiting.until(() -> worker.status().succeeded() == 5000);
        }
    }

    @Test
    void endsATaskWhoseSuccessorsTheBrokerRefuses() {
        MemoryBroker broker = new MemoryBroker();
        AtomicInteger calls = new AtomicInteger();
        FaultyBroker faulty = new FaultyBroker(broker, 1);
        faulty.before("complete", () -> {
            if (calls.incrementAndGet() <= 2) {
                throw new IllegalArgumentException("no such join");
            }
        });
        try (TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker = QueueWorker.builder(faulty.broker()).types(LENGTH).on("threads:1").providers(null)
                        .start()) {
            String id = queue.enqueue(LENGTH, "abc");
            Waiting.until(() -> broker.find(id).orElseThrow().state() == TaskState.DEAD);
            assertThat(broker.find(id).orElseThrow().error().text()).contains("no such join");
            assertThat(queue.submit(LENGTH, "ab").join()).isEqualTo(2);
            assertThat(worker.status().isHealthy()).isTrue();
        }
    }

    @Test
    void endsATaskForWhichTheStoreIsUnusable() {
        MemoryBroker broker = new MemoryBroker();
        AtomicInteger unusable = new AtomicInteger(3); // the call for several, that for one, and one more
        FaultyBroker faulty = new FaultyBroker(broker, 1);
        faulty.before("complete", () -> {
            if (unusable.getAndDecrement() > 0) {
                throw new BrokerException(BrokerException.Kind.UNUSABLE, false, "too big", null);
            }
        });
        try (TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker = QueueWorker.builder(faulty.broker()).types(LENGTH).on("threads:1").providers(null)
                        .start()) {
            assertThat(queue.submit(LENGTH, "abc").join()).isEqualTo(3); // it was nothing
            unusable.set(Integer.MAX_VALUE);
            String id = queue.enqueue(LENGTH, "abc");
            Waiting.until(() -> broker.find(id).orElseThrow().state() == TaskState.DEAD);
            assertThat(broker.find(id).orElseThrow().error().text()).contains("too big");
            unusable.set(0);
            assertThat(queue.submit(LENGTH, "ab").join()).isEqualTo(2);
            assertThat(worker.status().isHealthy()).isTrue();
        }
    }

    @Test
    void endsWithoutATraceIfItCannotStart() {
        MemoryBroker broker = new MemoryBroker();
        FaultyBroker faulty = new FaultyBroker(broker, 1);
        faulty.isAway = true;
        var builder = QueueWorker.builder(faulty.broker()).types(LENGTH).name("nostart").on("threads:2")
                .providers(null);
        assertThat(org.assertj.core.api.Assertions.catchThrowable(builder::start))
                .isInstanceOf(dev.sennit.queue.broker.BrokerException.class);
        Waiting.until(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(
                thread -> thread.getName().startsWith("sennit-queue-nostart")));
    }
}
