package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.QueueClosedException;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.WaitLimit;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcesses;
import java.io.Serializable;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * The queue between processes, some of which are killed.
 *
 * <p>The build kills a few processes. {@code -Dsennit.kills=100} makes a long run, and {@code -Dsennit.seed=} repeats a
 * run.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(SharedQueueIT.MOST_SECONDS)
class SharedQueueIT {
    static final int MOST_SECONDS = 120;

    private static final int KILLS = Integer.getInteger("sennit.kills", 6);

    private static final VarHandle LONGS = JAVA_LONG.varHandle();
    private static final VarHandle INTS = JAVA_INT.varHandle();

    private static ProcessPool workers(int count, String... options) {
        return ProcessPool.builder()
                .workers(count)
                .heap("64m")
                .jvmOptions(options)
                .output(WorkerOutput.DISCARD)
                .open();
    }

    /** An item of a producer; its bytes show whether it has arrived whole. */
    record Item(int producer, int number, byte[] filling) implements Serializable {
        static Item of(int producer, int number) {
            byte[] filling = new byte[(producer * 31 + number) % 100];
            Arrays.fill(filling, (byte) (producer + number));
            return new Item(producer, number, filling);
        }

        boolean isWhole() {
            return Arrays.equals(filling, of(producer, number).filling);
        }
    }

    /** The log of all processes: each entry is a long, which a process writes without waiting for others. */
    private static final class Ledger implements Serializable {
        private static final long serialVersionUID = 1L;
        private static final int MOST_TASKS = 10_000;
        /** How many items go through at full speed around each kill. */
        private static final int FAST_ITEMS = 10_000;
        /** The three producers put in no more than one item a millisecond each while they are slow. */
        private static final int MOST_SLOW_ITEMS = MOST_SECONDS * 3 * 1_000;
        private static final int MOST_ITEMS = KILLS * FAST_ITEMS + MOST_SLOW_ITEMS;
        private static final long STOP = 0;
        private static final long BROKEN = 8;
        private static final long TAKEN = 16;
        private static final long FAST_UNTIL = 24;
        private static final long PUT = 64;
        private static final long STARTED = PUT + 8L * MOST_TASKS;
        private static final long ITEMS = STARTED + 8L * MOST_TASKS;

        private final SharedMemory memory = SharedMemory.create(ITEMS + 8L * MOST_ITEMS);

        private long get(long place) {
            return (long) LONGS.getVolatile(memory.segment(), place);
        }

        private void add(long place) {
            LONGS.getAndAdd(memory.segment(), place, 1L);
        }

        /** Lets the producers put in at full speed until some more items were taken. */
        void speedUp() {
            LONGS.setVolatile(memory.segment(), FAST_UNTIL, get(TAKEN) + FAST_ITEMS);
        }

        void stop() {
            LONGS.setVolatile(memory.segment(), STOP, 1L);
        }

        /**
         * Puts items in until it is told to stop, and logs the items that are certainly in. The producer is slow while
         * the test waits for new workers: their start may take long, and the ledger has room for a limited number of
         * items.
         */
        int produce(SharedQueue<Item> queue, int producer, long seed) throws InterruptedException {
            var random = new SplittableRandom(seed);
            int count = 0;
            while (get(STOP) == 0) {
                queue.put(Item.of(producer, count++));
                LONGS.setVolatile(memory.segment(), PUT + 8L * producer, (long) count);
                if (get(TAKEN) < get(FAST_UNTIL)) {
                    pause(random);
                } else {
                    LockSupport.parkNanos(1_000_000);
                }
            }
            return count;
        }

        /** Takes items out until the queue is closed, and logs them. */
        int consume(SharedQueue<Item> queue, int consumer, long seed) throws InterruptedException {
            var random = new SplittableRandom(seed);
            Map<Integer, Integer> last = new HashMap<>();
            int count = 0;
            try {
                for (;; count++) {
                    Item item = queue.take();
                    LONGS.setVolatile(memory.segment(), STARTED + 8L * consumer, 1L);
                    long entry = (long) LONGS.getAndAdd(memory.segment(), TAKEN, 1L);
                    LONGS.setVolatile(memory.segment(), ITEMS + 8 * entry,
                            ((long) item.producer << 32 | item.number) + 1);
                    Integer before = last.put(item.producer, item.number);
                    if (!item.isWhole() || before != null && before >= item.number) {
                        add(BROKEN);
                    }
                    pause(random);
                }
            } catch (QueueClosedException e) {
                return count;
            }
        }

        private static void pause(SplittableRandom random) {
            if (random.nextInt(200) == 0) {
                LockSupport.parkNanos(random.nextInt(300_000));
            }
        }

        /** Returns the taken items by producer; fails if an item was taken twice. */
        Map<Integer, Set<Integer>> taken() {
            Map<Integer, Set<Integer>> taken = new HashMap<>();
            for (long entry = 0; entry < get(TAKEN); entry++) {
                long item = get(ITEMS + 8 * entry) - 1;
                if (item >= 0) { // otherwise its consumer died before it logged the item
                    assertThat(taken.computeIfAbsent((int) (item >>> 32), producer -> new HashSet<>()).add((int) item))
                            .as("item %s of producer %s was taken once", (int) item, item >>> 32)
                            .isTrue();
                }
            }
            return taken;
        }

        int put(int producer) {
            return (int) get(PUT + 8L * producer);
        }
    }

    @Test
    void everyElementComesOnceAndInTheOrderOfItsProducer() throws Exception {
        SharedQueue<Item> queue = SharedQueue.create(50, 4096);
        Ledger ledger = new Ledger();
        try (ProcessPool pool = workers(4)) {
            int each = 5_000;
            List<TaskFuture<?>> consumers = new ArrayList<>();
            List<TaskFuture<?>> producers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int producer = i;
                consumers.add(pool.submit(() -> ledger.consume(queue, producer, producer)));
                producers.add(pool.submit(() -> {
                    for (int n = 0; n < each; n++) {
                        queue.put(Item.of(producer, n));
                    }
                    return each;
                }));
            }
            for (int n = 0; n < each; n++) {
                queue.put(Item.of(2, n));
            }
            for (TaskFuture<?> producer : producers) {
                producer.get(60, SECONDS);
            }
            queue.shutdown();
            for (TaskFuture<?> consumer : consumers) {
                consumer.get(60, SECONDS);
            }
            Map<Integer, Set<Integer>> taken = ledger.taken();
            for (int producer = 0; producer < 3; producer++) {
                assertThat(taken.get(producer)).hasSize(each);
            }
            assertThat(ledger.get(Ledger.BROKEN)).isZero();
        }
    }

    @Test
    void killedAtRandomMomentsNobodyHangsAndNothingOfOthersIsLost() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedQueueIT: -Dsennit.seed=" + seed);
        var random = new SplittableRandom(seed);
        SharedQueue<Item> queue = SharedQueue.create(8, 512);
        Ledger ledger = new Ledger();
        try (ProcessPool pool = workers(4);
                // Closed before the pool: after a failure, the pool would wait for the producers forever.
                AutoCloseable _ = () -> {
                    ledger.stop();
                    queue.shutdown();
                }) {
            Caller<Integer> survivingProducer = Caller.of(() -> ledger.produce(queue, 0, seed));
            Caller<Integer> survivingConsumer = Caller.of(() -> ledger.consume(queue, 0, seed));
            Map<Integer, TaskFuture<?>> producers = new HashMap<>();
            List<TaskFuture<?>> consumers = new ArrayList<>();
            for (int kill = 0; kill < KILLS; kill++) {
                // Two producers and two consumers, which are at work when a process is killed.
                while (producers.values().stream().filter(future -> !died(future)).count() < 2) {
                    int producer = producers.size() + 1;
                    long taskSeed = random.nextLong();
                    producers.put(producer, pool.submit(() -> ledger.produce(queue, producer, taskSeed)));
                }
                while (consumers.stream().filter(future -> !died(future)).count() < 2) {
                    int consumer = consumers.size() + 1;
                    long taskSeed = random.nextLong();
                    consumers.add(pool.submit(() -> ledger.consume(queue, consumer, taskSeed)));
                }
                Conditions.await("all are at work after kill " + kill)
                        .until(() -> {
                            consumers.forEach(SharedQueueIT::died);
                            return producers.entrySet().stream()
                                    .allMatch(each -> each.getValue().isDone() || ledger.put(each.getKey()) > 0)
                                    && java.util.stream.IntStream.range(0, consumers.size())
                                            .allMatch(i -> consumers.get(i).isDone()
                                                    || ledger.get(Ledger.STARTED + 8L * (i + 1)) > 0);
                        });
                ledger.speedUp();
                long until = ledger.get(Ledger.TAKEN) + random.nextInt(1, 3_000);
                Conditions.await("others go on after kill " + kill).until(() -> {
                    consumers.forEach(SharedQueueIT::died);
                    return ledger.get(Ledger.TAKEN) >= until;
                });
                List<ProcessHandle> victims = WorkerProcesses.ofThisJvm();
                if (!victims.isEmpty()) {
                    victims.get(random.nextInt(victims.size())).destroyForcibly();
                }
            }
            ledger.stop();
            survivingProducer.result();
            for (TaskFuture<?> producer : producers.values()) {
                assertThat(producer.handle((value, failure) -> true).get(60, SECONDS)).isTrue();
            }
            queue.shutdown();
            survivingConsumer.result();
            int deadConsumers = 0;
            for (TaskFuture<?> consumer : consumers) {
                assertThat(consumer.handle((value, failure) -> true).get(60, SECONDS)).isTrue();
                deadConsumers += died(consumer) ? 1 : 0;
            }
            assertThat(queue).isEmpty();

            Map<Integer, Set<Integer>> taken = ledger.taken();
            int lost = 0;
            int half = 0;
            for (int producer = 0; producer <= producers.size(); producer++) {
                Set<Integer> came = taken.getOrDefault(producer, Set.of());
                int put = ledger.put(producer);
                boolean died = producer > 0 && died(producers.get(producer));
                int beyond = came.contains(put) ? 1 : 0;
                assertThat(came).as("of producer %s, which put %s", producer, put).allMatch(n -> n >= 0 && n <= put);
                assertThat(beyond).as("came of producer %s, which had not returned from put")
                        .isLessThanOrEqualTo(died ? 1 : 0);
                half += beyond;
                lost += put + beyond - came.size();
            }
            System.out.println("SharedQueueIT: " + KILLS + " kills, " + deadConsumers + " of consumers; "
                    + ledger.get(Ledger.TAKEN)
                    + " items taken, " + lost + " lost with a consumer, " + half
                    + " of a producer that had not returned from put");
            assertThat(lost).as("items lost, at most one with each dead consumer").isBetween(0, deadConsumers);
            assertThat(ledger.get(Ledger.BROKEN)).as("items torn or out of order").isZero();
        }
    }

    /** Returns whether the worker of a task was killed; fails if the task failed in another way. */
    private static boolean died(TaskFuture<?> task) {
        if (task.isCompletedExceptionally()) {
            assertThat(task.exceptionNow()).isInstanceOf(WorkerCrashedException.class);
            return true;
        }
        return false;
    }

    @Test
    void joinWaitsForOtherProcessesAndShutdownWakesThemAll() throws Exception {
        SharedQueue<Integer> jobs = SharedQueue.create(3, 1024);
        SharedQueue<String> full = SharedQueue.create(1, 1024);
        full.put("taken, and never done");
        full.take();
        full.put("full");
        SharedQueue<Integer> sums = SharedQueue.create(10, 1024);
        try (ProcessPool pool = workers(2)) {
            Task<Integer> work = () -> {
                Thread putter = Thread.startVirtualThread(() -> {
                    try {
                        full.put("more");
                    } catch (QueueClosedException e) {
                        sums.add(0);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
                int sum = 0;
                try {
                    while (true) {
                        sum += jobs.take();
                        jobs.taskDone();
                    }
                } catch (QueueClosedException e) {
                    sums.put(sum);
                }
                putter.join();
                try {
                    full.join();
                } catch (QueueClosedException e) {
                    sums.put(0);
                }
                return sum;
            };
            List<TaskFuture<?>> running = List.of(pool.submit(work), pool.submit(work));
            for (int i = 1; i <= 1_000; i++) {
                jobs.put(i);
            }
            assertThat(jobs.join(Duration.ofSeconds(60))).isTrue();
            jobs.shutdown();
            assertThat(full.shutdownNow()).containsExactly("full");
            for (TaskFuture<?> each : running) {
                each.get(60, SECONDS);
            }
            assertThat(sums).hasSize(6);
            assertThat(sums.stream().mapToInt(n -> n).sum()).isEqualTo(500_500);
        }
    }

    @Test
    void theAllowListOfWhoIsNotTrustedIsNotBelieved() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").allow("org.opentest4j.*").open()) {
            SharedQueue<Object> queue = pool.submit(() -> {
                SharedQueue<Object> made = SharedQueue.create(10, 4096, "org.**");
                made.put(1);
                made.put(org.opentest4j.ValueWrapper.create("x"));
                made.put(2);
                HELD.add(made);
                return made;
            }).get(60, SECONDS);
            assertThat(queue.take()).isEqualTo(1);
            assertThatThrownBy(queue::take).isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("ValueWrapper");
            queue.put(Item.of(3, 3));
            assertThat(pool.submit(() -> queue.take() + ", " + ((Item) queue.take()).isWhole()).get(60, SECONDS))
                    .isEqualTo("2, true");
            assertThat(pool.submit(() -> queue).get(60, SECONDS)).isSameAs(queue);
        }
    }

    /** In the worker: the process that made a queue has to keep it. */
    private static final List<Object> HELD = new ArrayList<>();

    @Test
    void aQueueGoesThroughAQueue() throws Exception {
        SharedQueue<SharedQueue<String>> questions = SharedQueue.create(10, 8192);
        SharedQueue<String> answers = SharedQueue.create(10, 8192);
        try (ProcessPool pool = workers(1)) {
            questions.put(answers);
            pool.submit(() -> questions.take().offer("from " + ProcessHandle.current().pid())).get(60, SECONDS);
            assertThat(answers.take())
                    .isEqualTo("from " + pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS));
        }
    }

    @Test
    void virtualThreadsThatWaitDoNotHoldTheirCarriers() throws Exception {
        SharedQueue<Integer> queue = SharedQueue.create(10, 4096);
        SharedQueue<Integer> back = SharedQueue.create(1, 4096);
        try (ProcessPool pool = workers(1, "-Djdk.virtualThreadScheduler.parallelism=1",
                "-Djdk.virtualThreadScheduler.maxPoolSize=1")) {
            TaskFuture<Integer> there = pool.submit(() -> {
                List<Thread> waiting = new ArrayList<>();
                var through = new AtomicInteger();
                for (int i = 0; i < 100; i++) {
                    waiting.add(Thread.startVirtualThread(() -> {
                        try {
                            back.put(queue.take());
                            through.incrementAndGet();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }));
                }
                var ran = new CountDownLatch(10);
                for (int i = 0; i < 10; i++) {
                    Thread.startVirtualThread(ran::countDown);
                }
                if (!ran.await(30, SECONDS) || through.get() != 0) {
                    throw new AssertionError(ran + ", through: " + through);
                }
                back.put(-1);
                for (Thread thread : waiting) {
                    thread.join();
                }
                return through.get();
            });
            assertThat(back.take()).isEqualTo(-1);
            int sum = 0;
            for (int i = 0; i < 100; i++) {
                queue.put(i);
                sum += i > 20 ? back.take() : 0;
            }
            for (int i = 0; i <= 20; i++) {
                sum += back.take();
            }
            assertThat(there.get(60, SECONDS)).isEqualTo(100);
            assertThat(sum).isEqualTo(99 * 100 / 2);
        }
    }

    /**
     * Another process writes random data everywhere except into the locks, whose owners could not release them then.
     */
    @Test
    void whileSomebodyScribblesEveryCallEnds() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedQueueIT: -Dsennit.seed=" + seed);
        long size = QueueMemory.bytesFor(512);
        try (SharedMemory memory = SharedMemory.create(size);
                SharedMemory stop = SharedMemory.create(4);
                ProcessPool pool = workers(1)) {
            TaskFuture<?> scribbler = pool.submit(() -> {
                var random = new SplittableRandom(seed);
                while ((int) INTS.getVolatile(stop.segment(), 0L) == 0) {
                    long at = QueueMemory.TAIL + random.nextLong((size - QueueMemory.TAIL) / 4) * 4;
                    memory.segment().set(JAVA_INT, at,
                            random.nextBoolean() ? random.nextInt() : random.nextInt(-3, 60));
                    LockSupport.parkNanos(random.nextInt(20_000));
                    if (random.nextInt(50) == 0) {
                        memory.segment().asSlice(QueueMemory.TAIL).fill((byte) 0);
                        LockSupport.parkNanos(random.nextInt(500_000));
                    }
                }
            });
            var queue = new QueueMemory(memory.segment(), 20);
            var message = new MessageBuffer();
            message.write(new byte[40]);
            List<Task<?>> calls = List.of(
                    () -> queue.offer(List.of(message)),
                    () -> queue.put(message, new WaitLimit(100_000)),
                    queue::poll,
                    () -> queue.take(new WaitLimit(100_000)),
                    queue::snapshot,
                    queue::done,
                    () -> queue.drop((long) LONGS.getVolatile(memory.segment(), QueueMemory.HEAD)),
                    () -> queue.join(new WaitLimit(100_000)));
            int ended = 0;
            int damaged = 0;
            for (int i = 0; i < 2_000 || ended < 500 || damaged < 500; i++) {
                try {
                    calls.get(i % calls.size()).call();
                    ended++;
                } catch (QueueDamagedException e) {
                    damaged++;
                } catch (QueueClosedException e) {
                    // the word of this state was overwritten
                }
            }
            INTS.setVolatile(stop.segment(), 0L, 1);
            scribbler.get(60, SECONDS);
            System.out.println("SharedQueueIT: " + ended + " calls ended with a value, " + damaged + " with damage");
        }
    }
}
