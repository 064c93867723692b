package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * The contract of brokers: many threads at once, half of them through another broker object if there can be one. The
 * seed is printed; {@code -Dsennit.seed=...} repeats the choices, if not their order.
 */
public abstract class BrokerCrowdContract extends BrokerFlowContract {
    private static final int THREADS = 4;
    /** How often time passes at most: results are kept for a day, which a slow broker would see the end of. */
    private static final int PASSES = 1000;
    private static final Set<String> TYPES = Set.of("work", "other", "callback");

    /** For the subclasses. */
    protected BrokerCrowdContract() {}

    /** What a thread does. */
    interface Part {
        void run(int thread) throws Exception;
    }

    /** Runs something in several threads that begin together; what one of them throws fails the test. */
    static void together(int threads, Part part) throws Exception {
        Set<Throwable> failures = ConcurrentHashMap.newKeySet();
        var begin = new CountDownLatch(1);
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            all.add(Thread.ofVirtual().start(() -> {
                try {
                    begin.await();
                    part.run(number);
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        begin.countDown();
        for (Thread thread : all) {
            thread.join();
        }
        if (!failures.isEmpty()) {
            var failed = new AssertionError(failures.size() + " threads failed");
            failures.forEach(failed::addSuppressed);
            throw failed;
        }
    }

    private static long seed(String test) {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println(test + ": seed " + seed);
        return seed;
    }

    private List<Broker> brokers() throws Exception {
        Broker second = secondIfAny();
        return second == null ? List.of(broker()) : List.of(broker(), second);
    }

    private static Broker of(List<Broker> brokers, int thread) {
        return brokers.get(thread % brokers.size());
    }

    private static ClaimRequest request(int thread, int most, Duration lease) {
        return new ClaimRequest("worker-" + thread, List.of("default"), TYPES, most, lease);
    }

    /** What has become of the tasks, as the threads have been told. */
    private static final class Tally {
        final Queue<String> enqueued = new ConcurrentLinkedQueue<>();
        final Map<String, AtomicInteger> completed = new ConcurrentHashMap<>();
        final Set<String> died = ConcurrentHashMap.newKeySet();
        final AtomicInteger passes = new AtomicInteger();
        /** Claims that a worker has forgotten, and remembers much later. */
        final Queue<Claim> forgotten = new ConcurrentLinkedQueue<>();

        void completed(Claim claim) {
            completed.computeIfAbsent(claim.token().id(), _ -> new AtomicInteger()).incrementAndGet();
        }
    }

    @Test
    public void eachTaskIsCompletedOnceWhateverGoesWrong() throws Exception {
        needs(BrokerFeature.IDS);
        int count = concurrentTasks();
        long seed = seed("eachTaskIsCompletedOnceWhateverGoesWrong");
        List<Broker> brokers = brokers();
        var tally = new Tally();
        var producing = new AtomicInteger(THREADS);
        var working = new AtomicInteger(THREADS);
        together(3 * THREADS, thread -> {
            var random = new Random(seed + thread);
            Broker broker = of(brokers, thread);
            if (thread < THREADS) {
                try {
                    produce(broker, count / THREADS, random, tally);
                } finally {
                    producing.decrementAndGet();
                }
            } else if (thread < 2 * THREADS) {
                try {
                    for (boolean wasLast = false; !wasLast;) {
                        wasLast = producing.get() == 0;
                        wasLast &= !work(broker, thread, random, tally);
                    }
                } finally {
                    working.decrementAndGet();
                }
            } else {
                while (working.get() > 0) {
                    disturb(broker, random, tally);
                }
            }
        });
        for (int rounds = 0; hasWork(broker()); rounds++) {
            assertThat(rounds).as("rounds until all has ended").isLessThan(1000);
            pass(units(4));
            upkeep(Upkeep.Limits.USUAL);
            for (Claim claim : claim(1000)) {
                if (complete(claim)) {
                    tally.completed(claim);
                }
            }
        }
        for (Claim claim : tally.forgotten) {
            assertThat(die(claim)).as("all has ended").isFalse();
        }
        check(tally);
    }

    private void produce(Broker broker, int count, Random random, Tally tally) {
        for (int made = 0; made < count;) {
            List<QueuedTask> tasks = new ArrayList<>();
            for (int i = Math.min(count - made, 1 + random.nextInt(20)); i > 0; i--) {
                QueuedTask.Builder task = task().retry(RetryPolicy.NONE.crashes(100));
                if (has(BrokerFeature.KEYS) && random.nextInt(3) == 0) {
                    task.key(new KeyLimit("k" + random.nextInt(5), 1 + random.nextInt(3)));
                }
                if (has(BrokerFeature.PRIORITIES)) {
                    task.priority(random.nextInt(10));
                }
                tasks.add(task.build());
            }
            made += tasks.size();
            assertThat(broker.enqueue(batch(tasks))).hasSize(tasks.size());
            if (random.nextInt(10) == 0) { // an answer that was lost
                assertThat(broker.enqueue(batch(tasks))).hasSize(tasks.size());
            }
            tasks.forEach(task -> tally.enqueued.add(task.id()));
        }
    }

    /** Takes some tasks, and returns whether there were any. */
    private boolean work(Broker broker, int thread, Random random, Tally tally) {
        List<Claim> claims = broker.claim(request(thread, 1 + random.nextInt(8), units(2))).claims();
        for (Claim claim : claims) {
            switch (random.nextInt(12)) {
                case 0 -> fail(broker, claim, new Failure.GiveBack());
                case 1 -> fail(broker, claim, new Failure.RetryIn(Duration.ZERO));
                case 2 -> fail(broker, claim, new Failure.Crashed());
                case 3 -> {
                    if (has(BrokerFeature.DELAY)) {
                        fail(broker, claim, new Failure.RetryIn(units(1)));
                    }
                }
                case 4 -> {
                    if (random.nextInt(4) == 0 && fail(broker, claim, new Failure.Die(DeadReason.FAILED))) {
                        tally.died.add(claim.token().id());
                    }
                }
                case 5 -> tally.forgotten.add(claim);
                default -> complete(broker, claim, tally);
            }
        }
        Claim late = random.nextInt(3) == 0 ? tally.forgotten.poll() : null;
        if (late != null) {
            complete(broker, late, tally);
        }
        return !claims.isEmpty();
    }

    private static void complete(Broker broker, Claim claim, Tally tally) {
        var completion = new Completion(claim.token(), json("\"" + claim.token().attempt() + "\""), Batch.EMPTY);
        if (broker.complete(List.of(completion)).getFirst()) {
            tally.completed(claim);
            assertThat(broker.complete(List.of(completion))).as("repeated").containsExactly(true);
        }
    }

    private static boolean fail(Broker broker, Claim claim, Failure.Verdict verdict) {
        return broker.fail(List.of(new Failure(claim.token(), error("x"), verdict))).getFirst();
    }

    private void disturb(Broker broker, Random random, Tally tally) throws Exception {
        switch (random.nextInt(4)) {
            case 0 -> {
                List<String> ids = List.copyOf(tally.enqueued);
                if (!ids.isEmpty() && random.nextInt(3) == 0) {
                    broker.cancel(ids.get(random.nextInt(ids.size())));
                }
            }
            case 1 -> {
                if (tally.passes.incrementAndGet() <= PASSES) {
                    pass(units(1));
                }
            }
            case 2 -> broker.upkeep(Upkeep.Limits.USUAL);
            default -> broker.counts();
        }
    }

    private static boolean hasWork(Broker broker) {
        return broker.counts().stream().anyMatch(counts -> counts.count(TaskState.READY)
                + counts.count(TaskState.SCHEDULED) + counts.count(TaskState.HELD)
                + counts.count(TaskState.RUNNING) > 0);
    }

    private void check(Tally tally) {
        Map<String, EndedTask> ends = new HashMap<>();
        broker().ended(tally.enqueued).forEach(end -> ends.put(end.id(), end));
        long dead = 0;
        for (String id : tally.enqueued) {
            EndedTask end = Objects.requireNonNull(ends.get(id), () -> id + " is lost");
            int completed = tally.completed.getOrDefault(id, new AtomicInteger()).get();
            assertThat(completed).as(id).isLessThanOrEqualTo(1);
            assertThat(end.state() == TaskState.SUCCEEDED).as(() -> end.toString()).isEqualTo(completed == 1);
            assertThat(end.state() == TaskState.DEAD).as(() -> end.toString())
                    .isEqualTo(tally.died.contains(id) && end.reason() == DeadReason.FAILED);
            dead += end.state() == TaskState.DEAD ? 1 : 0;
        }
        assertThat(ends).hasSize(tally.enqueued.size());
        assertThat(count("default", TaskState.DEAD)).isEqualTo(dead);
    }

    @Test
    public void aKeyHoldsItsLimitAmongManyWorkers() throws Exception {
        needs(BrokerFeature.KEYS);
        int limit = 2;
        int keys = 5;
        List<Broker> brokers = brokers();
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < concurrentTasks() / 4; i++) {
            tasks.add(task().key(new KeyLimit("k" + i % keys, limit)).build());
        }
        enqueueAll(tasks);
        Map<String, AtomicInteger> running = new ConcurrentHashMap<>();
        var left = new AtomicInteger(tasks.size());
        together(THREADS, thread -> {
            var random = new Random(thread);
            while (left.get() > 0) {
                List<Claim> claims = of(brokers, thread).claim(request(thread, 3, LONG)).claims();
                for (Claim claim : claims) {
                    String key = Objects.requireNonNull(claim.task().key()).key();
                    AtomicInteger now = running.computeIfAbsent(key, _ -> new AtomicInteger());
                    assertThat(now.incrementAndGet()).isLessThanOrEqualTo(limit);
                }
                for (Claim claim : claims) {
                    Objects.requireNonNull(running.get(Objects.requireNonNull(claim.task().key()).key()))
                            .decrementAndGet();
                    if (random.nextInt(5) == 0) {
                        fail(of(brokers, thread), claim, new Failure.GiveBack());
                    } else {
                        of(brokers, thread).complete(List.of(new Completion(claim.token(), json("1"), Batch.EMPTY)));
                        left.decrementAndGet();
                    }
                }
            }
        });
        assertThat(left).hasValue(0);
        assertThat(hasWork(broker())).isFalse();
    }

    @Test
    public void aChordCompletesOnceHoweverManyCompleteItsParts() throws Exception {
        needs(BrokerFeature.JOINS);
        int size = 8;
        int chords = Math.max(4, concurrentTasks() / 40);
        List<Broker> brokers = brokers();
        for (int i = 0; i < chords; i++) {
            List<QueuedTask> tasks = new ArrayList<>();
            for (int part = 0; part < size; part++) {
                tasks.add(part("chord" + i, part).payload(json("" + part)).build());
            }
            tasks.add(task("other").after("chord" + i).build());
            enqueueAll(tasks, joinOf("chord" + i, size));
        }
        var ends = new AtomicInteger();
        together(THREADS, thread -> {
            while (ends.get() < chords) {
                for (Claim claim : of(brokers, thread).claim(request(thread, 5, LONG)).claims()) {
                    if (claim.task().type().equals("other")) {
                        assertThat(claim.inputs().stream().map(BrokerUnderTest::text).toList())
                                .containsExactly("0", "1", "2", "3", "4", "5", "6", "7");
                        ends.incrementAndGet();
                    }
                    of(brokers, thread)
                            .complete(List.of(new Completion(claim.token(), claim.task().payload(), Batch.EMPTY)));
                }
            }
        });
        assertThat(ends).hasValue(chords);
        assertThat(hasWork(broker())).isFalse();
        assertThat(count("default", TaskState.BLOCKED)).isZero();
    }

    @Test
    public void whoEnqueuesTheSameTasksAtOnceEnqueuesThemOnce() throws Exception {
        needs(BrokerFeature.IDS);
        List<Broker> brokers = brokers();
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            tasks.add(task().build());
        }
        together(THREADS, thread -> {
            for (int i = 0; i < 100; i += 10) {
                of(brokers, thread).enqueue(batch(tasks.subList(i, i + 10)));
            }
        });
        assertThat(ids(claim(1000))).containsExactlyInAnyOrderElementsOf(tasks.stream().map(QueuedTask::id).toList());
    }

    @Test
    public void ofUniqueTasksThatMeetOneIsKept() throws Exception {
        needs(BrokerFeature.UNIQUE);
        List<Broker> brokers = brokers();
        for (int round = 0; round < 20; round++) {
            var unique = new Unique("k" + round, Unique.Until.ENDED, null);
            Queue<Enqueued> outcomes = new ConcurrentLinkedQueue<>();
            together(THREADS, thread -> outcomes
                    .addAll(of(brokers, thread).enqueue(Batch.of(task().unique(unique).build()))));
            assertThat(outcomes).hasSize(THREADS).filteredOn(one -> !one.isDuplicate()).hasSize(1);
            assertThat(outcomes).extracting(Enqueued::id).containsOnly(claim().token().id());
        }
    }

    @Test
    public void aRateHoldsAmongManyWorkers() throws Exception {
        needs(BrokerFeature.RATES);
        List<Broker> brokers = brokers();
        broker().limit("work", new Rate(1, LONG, 7));
        for (int i = 0; i < 50; i++) {
            enqueue(task());
        }
        var begun = new AtomicInteger();
        together(THREADS, thread -> {
            for (int i = 0; i < 10; i++) {
                begun.addAndGet(of(brokers, thread).claim(request(thread, 2, LONG)).claims().size());
            }
        });
        assertThat(begun).hasValue(7);
    }
}
