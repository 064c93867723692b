package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.QueueClosedException;
import dev.sennit.RemoteTaskException;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.conformance.internal.Caller;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server and its clients in one JVM. */
@Timeout(120)
class ManagerIT {
    private final ManagerServer server =
            ManagerServer.builder().lease(Duration.ofMillis(200)).longestMessage(1 << 20).open();
    private final ManagerClient client = server.client();
    private final ManagerClient other = ManagerClient.connect(server.address());

    @AfterEach
    void close() {
        other.close();
        server.close();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().pollInterval(Duration.ofMillis(2)).atMost(Duration.ofSeconds(60)).until(condition);
    }

    // ---- collections ----

    @Test
    void aListIsTheSameForAllClients() {
        List<String> here = client.list("names");
        List<String> there = other.list("names");
        here.add("Ada");
        here.addAll(List.of("Bob", "Cem"));
        assertThat(there).containsExactly("Ada", "Bob", "Cem").isEqualTo(here).hasSameHashCodeAs(here)
                .hasToString("[Ada, Bob, Cem]");
        there.sort(Comparator.reverseOrder());
        there.removeIf(name -> name.equals("Bob"));
        there.replaceAll(name -> name + "!");
        assertThat(here).containsExactly("Cem!", "Ada!");
        assertThat(here.stream().map(String::length).toList()).containsExactly(4, 4);
        here.subList(0, 1).clear();
        assertThat(there).containsExactly("Ada!");
        here.set(0, null);
        assertThat(there.get(0)).isNull();
        assertThatThrownBy(() -> here.get(1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> here.iterator().remove()).isInstanceOf(IllegalStateException.class);
        assertThat(client.<String>newList()).isEmpty();
    }

    /** What it was given as seed is in the message of a failure. */
    @Test
    void aListDoesWhatAnArrayListDoes() {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var random = new SplittableRandom(seed);
        List<Integer> expected = new ArrayList<>();
        List<Integer> actual = client.newList();
        for (int step = 0; step < 3_000; step++) {
            int operation = random.nextInt(22);
            int at = random.nextInt(-1, 12);
            Integer value = random.nextInt(10) == 0 ? null : random.nextInt(8);
            List<Integer> several = Arrays.asList(value, at, 3);
            assertThat(listOperation(operation, actual, at, value, several))
                    .as("step %d, operation %d, -Dsennit.seed=%d", step, operation, seed)
                    .isEqualTo(listOperation(operation, expected, at, value, several));
            if (step % 20 == 0) {
                assertThat(actual).as("step %d, operation %d, -Dsennit.seed=%d", step, operation, seed)
                        .isEqualTo(expected);
                assertThat(actual.toArray(new Integer[3])).isEqualTo(expected.toArray(new Integer[3]));
            }
            if (expected.size() > 15) {
                expected.clear();
                actual.clear();
            }
        }
    }

    private static String listOperation(int operation, List<Integer> list, int at, Integer value,
            List<Integer> several) {
        Comparator<Integer> order = Comparator.nullsFirst(Comparator.naturalOrder());
        try {
            return String.valueOf(switch (operation) {
                case 0, 1 -> list.add(value);
                case 2 -> list.addAll(several);
                case 3 -> list.addAll(at, several);
                case 4 -> list.remove(value);
                case 5 -> list.remove(at);
                case 6 -> list.set(at, value);
                case 7 -> list.get(at);
                case 8 -> list.indexOf(value) + " " + list.lastIndexOf(value) + " " + list.contains(value);
                case 9 -> list.size() + " " + list.isEmpty() + " " + list.hashCode();
                case 10 -> list.removeAll(Arrays.asList(value));
                case 11 -> list.retainAll(Arrays.asList(0, 1, 2, 3, 4, 5, null));
                case 12 -> list.containsAll(several);
                case 13 -> list.removeIf(element -> Objects.equals(element, value));
                case 14 -> list.subList(1, at).toString();
                case 15 -> list.toString();
                case 16 -> list.reversed().toString();
                case 17 -> list.stream().filter(Objects::nonNull).mapToInt(i -> i).sum();
                case 18 -> {
                    list.add(at, value);
                    yield "added";
                }
                case 19 -> {
                    list.sort(order);
                    yield "sorted";
                }
                case 20 -> {
                    list.replaceAll(element -> element == null ? null : element + 1);
                    yield "replaced";
                }
                default -> list.isEmpty() ? "empty" : list.removeFirst() + " of " + list.size();
            });
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            return e.getClass().getSimpleName().replace("Array", "");
        }
    }

    @Test
    void aMapDoesWhatAConcurrentHashMapDoes() {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var random = new SplittableRandom(seed);
        ConcurrentMap<String, Integer> expected = new ConcurrentHashMap<>();
        ConcurrentMap<String, Integer> actual = client.newMap();
        for (int step = 0; step < 3_000; step++) {
            int operation = random.nextInt(20);
            String key = "k" + random.nextInt(6);
            int value = random.nextInt(4);
            assertThat(mapOperation(operation, actual, key, value))
                    .as("step %d, operation %d, -Dsennit.seed=%d", step, operation, seed)
                    .isEqualTo(mapOperation(operation, expected, key, value));
            if (step % 20 == 0) {
                assertThat(actual).as("step %d, operation %d, -Dsennit.seed=%d", step, operation, seed)
                        .isEqualTo(expected);
            }
        }
    }

    private static String mapOperation(int operation, ConcurrentMap<String, Integer> map, String key, int value) {
        return String.valueOf(switch (operation) {
            case 0 -> map.put(key, value);
            case 1 -> map.get(key);
            case 2 -> map.remove(key);
            case 3 -> map.putIfAbsent(key, value);
            case 4 -> map.remove(key, value);
            case 5 -> map.replace(key, value);
            case 6 -> map.replace(key, value, value + 1);
            case 7 -> map.containsKey(key) + " " + map.containsValue(value);
            case 8 -> map.merge(key, value, Integer::sum);
            case 9 -> map.compute(key, (k, before) -> before == null ? Integer.valueOf(1) : above(before, 5));
            case 10 -> map.computeIfAbsent(key, k -> value);
            case 11 -> map.computeIfPresent(key, (k, before) -> above(before, 2));
            case 12 -> map.getOrDefault(key, -1);
            case 13 -> map.size() + " " + map.isEmpty() + " " + map.hashCode();
            case 14 -> new TreeSet<>(map.keySet()) + " " + map.values().stream().mapToInt(i -> i).sum();
            case 15 -> map.keySet().remove(key) + " " + map.values().remove(value) + " " + map.size();
            case 16 -> map.entrySet().removeIf(entry -> entry.getValue() == value);
            case 17 ->
                map.entrySet().contains(Map.entry(key, value)) + " " + map.entrySet().remove(Map.entry(key, value));
            case 18 -> {
                map.putAll(Map.of(key, value, "other", 1));
                yield "put";
            }
            default -> {
                map.entrySet().forEach(entry -> entry.setValue(entry.getValue() % 7));
                map.replaceAll((k, before) -> before + 1);
                yield "replaced";
            }
        });
    }

    private static Integer above(Integer before, int limit) {
        return before > limit ? null : Integer.valueOf(before + 1);
    }

    @Test
    void aMapRefusesNullsAndASetIsItsKeys() {
        Map<String, Integer> map = client.map("ages");
        assertThatThrownBy(() -> map.put("a", null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> map.get(null)).isInstanceOf(NullPointerException.class);
        Set<String> set = client.set("tags");
        assertThat(set.add("x")).isTrue();
        assertThat(set.add("x")).isFalse();
        assertThat(other.<String>set("tags")).isEqualTo(Set.of("x")).hasToString("[x]");
        assertThat(set.remove("x")).isTrue();
        assertThat(set).isEmpty();
        set.addAll(List.of("a", "b", "c"));
        set.retainAll(List.of("b", "c"));
        set.iterator().next();
        assertThat(set).containsExactlyInAnyOrder("b", "c");
        set.clear();
        assertThat(other.<String>set("tags")).isEmpty();
        assertThat(other.<Integer>newSet()).isEmpty();
    }

    @Test
    void updatesOfManyThreadsAreNotLost() throws Exception {
        ConcurrentMap<String, Integer> map = client.newMap();
        ManagedValue<Integer> value = client.value("count");
        value.set(0);
        List<Caller<Boolean>> callers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            ManagedValue<Integer> mine = (i % 2 == 0 ? client : other).value("count");
            callers.add(Caller.of(() -> {
                for (int n = 0; n < 200; n++) {
                    map.merge("count", 1, Integer::sum);
                    mine.updateAndGet(before -> before + 1);
                }
                return true;
            }));
        }
        for (Caller<Boolean> caller : callers) {
            assertThat(caller.result()).isTrue();
        }
        assertThat(map).isEqualTo(Map.of("count", 800));
        assertThat(value.get()).isEqualTo(800);
        assertThat(value.getAndSet(null)).isEqualTo(800);
        assertThat(value.get()).isNull();
        assertThat(value.compareAndSet(7, 8)).isFalse();
    }

    @Test
    void aLargeValueComesWholeAndATooLargeOneFailsAlone() {
        List<byte[]> list = client.newList();
        byte[] large = new byte[900_000];
        new SplittableRandom(1).nextBytes(large);
        list.add(large);
        assertThat(list.get(0)).isEqualTo(large);
        list.add(large);
        assertThatThrownBy(list::toArray).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("longestMessage");
        assertThatThrownBy(() -> list.add(new byte[2 << 20])).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("longestMessage");
        assertThat(list).hasSize(2);
    }

    // ---- queues ----

    @Test
    void aQueueBlocksJoinsAndCloses() throws Exception {
        ManagedQueue<Integer> queue = client.queue("jobs", 2);
        ManagedQueue<Integer> there = other.queue("jobs", 7);
        assertThat(there.remainingCapacity()).isEqualTo(2);
        var taker = Caller.of(() -> there.take());
        taker.awaitWaitingIn("take");
        queue.put(1);
        assertThat(taker.result()).isEqualTo(1);
        queue.put(2);
        queue.put(3);
        assertThat(queue.offer(4)).isFalse();
        assertThat(queue.offer(4, 1, java.util.concurrent.TimeUnit.MILLISECONDS)).isFalse();
        assertThat(queue).containsExactly(2, 3).hasSize(2);
        assertThat(there.peek()).isEqualTo(2);
        var joiner = Caller.of(() -> {
            queue.join();
            return "joined";
        });
        assertThat(queue.join(Duration.ZERO)).isFalse();
        List<Integer> drained = new ArrayList<>();
        assertThat(there.drainTo(drained)).isEqualTo(2);
        assertThat(drained).containsExactly(2, 3);
        there.taskDone();
        there.taskDone();
        joiner.awaitWaitingIn("join");
        there.taskDone();
        assertThat(joiner.result()).isEqualTo("joined");
        assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
        var waiter = Caller.of(there::take);
        waiter.awaitWaitingIn("take");
        queue.shutdown();
        assertThat(waiter.failure()).isInstanceOf(QueueClosedException.class);
        assertThat(there.isShutdown()).isTrue();
        assertThatThrownBy(() -> queue.put(1)).isInstanceOf(QueueClosedException.class);
        assertThat(queue.poll()).isNull();
        assertThat(queue.shutdownNow()).isEmpty();
    }

    @Test
    void aDrainThatFailsInTheMiddlePutsTheRestBack() {
        ManagedQueue<Integer> queue = client.newQueue(10);
        queue.addAll(List.of(1, 2, 3));
        List<Integer> onlyOne = new ArrayList<>() {
            @Override
            public boolean add(Integer element) {
                return element == 1 ? super.add(element) : List.of().add(null);
            }
        };
        assertThatThrownBy(() -> queue.drainTo(onlyOne)).isInstanceOf(UnsupportedOperationException.class);
        assertThat(onlyOne).containsExactly(1);
        assertThat(queue).containsExactly(2, 3);
    }

    @Test
    void whatADrainTookThatCannotBeSentGoesBack() {
        ManagedQueue<byte[]> queue = client.newQueue(10);
        queue.add(new byte[900_000]);
        queue.add(new byte[900_001]);
        assertThatThrownBy(() -> queue.drainTo(new ArrayList<>())).hasMessageContaining("longestMessage");
        assertThat(queue.size()).isEqualTo(2);
        assertThat(queue.poll()).hasSize(900_000);
    }

    /** Interrupts that come at any moment: each element is taken once, or still there. */
    @Test
    void anInterruptedTakeLosesNothing() throws Exception {
        int all = 500;
        ManagedQueue<Integer> queue = client.newQueue(CAPACITY);
        Set<Integer> taken = ConcurrentHashMap.newKeySet();
        var interrupts = new AtomicInteger();
        var done = new CountDownLatch(1);
        Thread taker = Thread.ofPlatform().daemon().start(() -> {
            while (taken.size() < all) {
                try {
                    if (!taken.add(queue.take())) {
                        throw new AssertionError("taken twice");
                    }
                } catch (InterruptedException e) {
                    interrupts.incrementAndGet();
                }
            }
            done.countDown();
        });
        var random = new SplittableRandom();
        for (int i = 0; i < all; i++) {
            queue.put(i);
            for (int spin = random.nextInt(2_000); spin > 0; spin--) {
                Thread.onSpinWait();
            }
            taker.interrupt();
        }
        assertThat(done.await(60, SECONDS)).as("all %d taken, %d so far; %s left", all, taken.size(), queue).isTrue();
        assertThat(interrupts.get()).isPositive();
        assertThat(queue).isEmpty();
    }

    private static final int CAPACITY = 1_000;

    // ---- waiting ----

    @Test
    void anInterruptEndsAWaitAtTheServerToo() throws Exception {
        ManagedQueue<Integer> queue = client.newQueue(1);
        var taker = Caller.of(queue::take);
        taker.awaitWaitingIn("take");
        taker.interrupt();
        assertThat(taker.failure()).isInstanceOf(InterruptedException.class);
        queue.put(1);
        assertThat(queue).as("nobody takes it").containsExactly(1);
    }

    @Test
    void callsThatCannotBeInterruptedKeepTheInterrupt() throws Exception {
        List<Integer> list = client.newList();
        var caller = Caller.of(() -> {
            Thread.currentThread().interrupt();
            list.add(1);
            boolean kept = Thread.interrupted();
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> client.newQueue(1).take()).isInstanceOf(InterruptedException.class);
            return kept && !Thread.interrupted();
        });
        assertThat(caller.result()).isTrue();
        assertThat(list).containsExactly(1);
    }

    @Test
    void virtualThreadsMayBeInterruptedToo() throws Exception {
        ManagedQueue<Integer> queue = client.newQueue(1);
        for (int i = 0; i < 50; i++) {
            var ended = new CountDownLatch(1);
            Thread thread = Thread.startVirtualThread(() -> {
                try {
                    queue.take();
                } catch (InterruptedException e) {
                    ended.countDown();
                }
            });
            if (i % 2 == 0) {
                await(() -> thread.getState() == Thread.State.WAITING);
            }
            thread.interrupt();
            assertThat(ended.await(60, SECONDS)).isTrue();
        }
        queue.put(1);
        assertThat(queue.take()).isEqualTo(1);
    }

    @Test
    void aLockKeepsOthersOutAndIsReentrant() throws Exception {
        ManagedLock lock = client.lock("l");
        ManagedLock there = other.lock("l");
        lock.lock();
        assertThat(lock.tryLock()).isTrue();
        assertThat(there.tryLock()).as("this thread, as another client").isFalse();
        assertThat(Caller.of(() -> lock.tryLock(1, java.util.concurrent.TimeUnit.MILLISECONDS)).result()).isFalse();
        assertThatThrownBy(there::unlock).isInstanceOf(IllegalMonitorStateException.class);
        var waiter = Caller.of(() -> {
            there.lock();
            boolean abandoned = there.isAbandoned();
            there.unlock();
            return abandoned;
        });
        waiter.awaitWaitingIn("lock");
        lock.unlock();
        assertThat(waiter.isDone()).isFalse();
        lock.unlock();
        assertThat(waiter.result()).isFalse();
        assertThatThrownBy(lock::isAbandoned).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void lockIgnoresInterruptsAndKeepsThem() throws Exception {
        ManagedLock lock = client.newLock();
        lock.lock();
        var waiter = Caller.of(() -> {
            lock.lock();
            boolean kept = Thread.interrupted();
            lock.unlock();
            return kept;
        });
        var interruptible = Caller.of(() -> {
            lock.lockInterruptibly();
            return true;
        });
        waiter.awaitWaitingIn("lock");
        interruptible.awaitWaitingIn("lockInterruptibly");
        waiter.interrupt();
        interruptible.interrupt();
        assertThat(interruptible.failure()).isInstanceOf(InterruptedException.class);
        assertThat(waiter.isDone()).isFalse();
        lock.unlock();
        assertThat(waiter.result()).isTrue();
        assertThat(lock.tryLock()).as("nobody has it by mistake").isTrue();
    }

    @Test
    void aClientThatClosesGivesBackWhatItHad() throws Exception {
        ManagedLock lock = client.lock("l");
        ManagedBoundedSemaphore seats = client.boundedSemaphore("s", 3);
        ManagedLock held = other.lock("l");
        ManagedBoundedSemaphore taken = other.boundedSemaphore("s", 3);
        held.lock();
        taken.acquire();
        assertThat(taken.tryAcquire(Duration.ofSeconds(1))).isTrue();
        seats.acquire();
        assertThat(seats.tryAcquire()).isFalse();
        assertThat(seats.availablePermits()).isZero();
        var locker = Caller.of(() -> {
            lock.lock();
            return lock.isAbandoned();
        });
        var seat = Caller.of(() -> seats.tryAcquire(Duration.ofSeconds(100)));
        locker.awaitWaitingIn("lock");
        var doomed = Caller.of(() -> other.queue("q", 1).take());
        doomed.awaitWaitingIn("take");
        other.close();
        assertThat(locker.result()).as("told that the one before did not let go").isTrue();
        assertThat(seat.result()).isTrue();
        assertThat(doomed.failure()).isInstanceOf(ManagerLostException.class).hasMessage("the client was closed");
        assertThatThrownBy(held::tryLock).isInstanceOf(ManagerLostException.class);
        await(() -> server.clients() == 1);
        seats.release();
        seats.release();
        assertThat(seats.availablePermits()).isEqualTo(3);
        assertThatThrownBy(seats::release).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has no permit");
        ManagedQueue<Integer> queue = client.queue("q", 1);
        queue.put(1);
        assertThat(queue.poll()).as("nobody waits for it any more").isEqualTo(1);
    }

    @Test
    void eventsAndBarriers() throws Exception {
        ManagedEvent event = client.event("e");
        ManagedEvent there = other.event("e");
        assertThat(event.await(Duration.ofMillis(1))).isFalse();
        var waiter = Caller.of(() -> {
            there.await();
            return there.isSet();
        });
        waiter.awaitWaitingIn("await");
        event.set();
        assertThat(waiter.result()).isTrue();
        event.clear();
        assertThat(there.isSet()).isFalse();

        ManagedBarrier barrier = client.barrier("b", 2);
        ManagedBarrier same = other.barrier("b", 2);
        var first = Caller.of(() -> barrier.await());
        await(() -> barrier.waiting() == 1);
        assertThat(same.await()).isZero();
        assertThat(first.result()).isEqualTo(1);
        assertThatThrownBy(() -> barrier.await(Duration.ofMillis(1))).isInstanceOf(TimeoutException.class);
        assertThat(same.isBroken()).isTrue();
        same.reset();
        var left = Caller.of(() -> barrier.await());
        await(() -> barrier.waiting() == 1);
        var gone = Caller.of(() -> same.await(Duration.ofSeconds(100)));
        assertThat(gone.result()).isZero();
        assertThat(left.result()).isEqualTo(1);
        var alone = Caller.of(() -> barrier.await());
        await(() -> barrier.waiting() == 1);
        alone.interrupt();
        assertThat(alone.failure()).isInstanceOf(InterruptedException.class);
        assertThatThrownBy(() -> same.await()).isInstanceOf(BrokenBarrierException.class);
        assertThat(same.parties()).isEqualTo(2);
    }

    // ---- one's own objects ----

    interface Counter {
        int add(int amount);

        int fail(String why) throws IOException;

        String slow() throws InterruptedException;

        default int twice(int amount) {
            add(amount);
            return add(amount);
        }
    }

    static final class CounterOfOurs implements Counter {
        private final AtomicInteger count = new AtomicInteger();
        final CountDownLatch interrupted = new CountDownLatch(1);

        @Override
        public int add(int amount) {
            return count.addAndGet(amount);
        }

        @Override
        public int fail(String why) throws IOException {
            throw new IOException(why);
        }

        @Override
        public String slow() throws InterruptedException {
            try {
                new CountDownLatch(1).await();
                return "never";
            } catch (InterruptedException e) {
                interrupted.countDown();
                throw e;
            }
        }

        public void notInTheInterface() {
            count.set(-1);
        }
    }

    interface Unknown {
        void unknown();
    }

    @Test
    void anObjectOfOnesOwnIsCalledThroughItsInterface() throws Exception {
        var own = new CounterOfOurs();
        server.register("counter", Counter.class, own);
        Counter counter = other.get("counter", Counter.class);
        assertThat(counter.add(2)).isEqualTo(2);
        assertThat(counter.twice(2)).isEqualTo(6);
        assertThat(counter).isEqualTo(client.get("counter", Counter.class))
                .hasSameHashCodeAs(client.get("counter", Counter.class));
        assertThat(counter).isNotEqualTo(own);
        assertThat(counter.toString()).startsWith("Counter[object ").doesNotContain("key");
        assertThatThrownBy(() -> counter.fail("disk"))
                .isInstanceOf(IOException.class)
                .hasMessage("disk")
                .satisfies(failure -> assertThat(Arrays.toString(failure.getStackTrace()))
                        .containsSubsequence("CounterOfOurs.fail", "the manager at", "called by(thread ",
                                "anObjectOfOnesOwnIsCalledThroughItsInterface"));
        var slow = Caller.of(counter::slow);
        slow.awaitWaitingIn("slow");
        slow.interrupt();
        assertThat(slow.failure()).isInstanceOf(InterruptedException.class);
        assertThat(own.interrupted.await(60, SECONDS)).isTrue();
    }

    @Test
    void anInterfaceOfTheJdkDoesAsWell() throws Exception {
        server.register("answer", Callable.class, () -> 42);
        Callable<?> answer = client.get("answer", Callable.class);
        assertThat(answer.call()).isEqualTo(42);
        Map<String, Integer> ages = new ConcurrentHashMap<>(Map.of("Ada", 36));
        server.register("ages", ConcurrentMap.class, (ConcurrentMap<String, Integer>) ages);
        ConcurrentMap<?, ?> there = client.get("ages", ConcurrentMap.class);
        assertThat(there.get("Ada")).isEqualTo(36);
        assertThat(there.containsKey("Bob")).isFalse();
    }

    @Test
    void whatIsNotRegisteredIsRefusedWithAReason() {
        server.register("counter", Counter.class, new CounterOfOurs());
        assertThatThrownBy(() -> client.get("other", Counter.class)).isInstanceOf(NoSuchElementException.class)
                .hasMessageContaining("\"other\"");
        assertThatThrownBy(() -> client.get("counter", Unknown.class)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is a " + Counter.class.getName());
        assertThatThrownBy(() -> client.get("counter", CounterOfOurs.class))
                .hasMessageContaining("must be an interface");
        assertThatThrownBy(() -> client.list("counter")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a LIST");
        client.list("list");
        assertThatThrownBy(() -> client.map("list")).hasMessageContaining("is a LIST, not a MAP");
        assertThatThrownBy(() -> server.register("list", Counter.class, new CounterOfOurs()))
                .hasMessageContaining("already");
        assertThatThrownBy(() -> client.newSemaphore(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.newBoundedSemaphore(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.newQueue(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> client.newBarrier(0)).isInstanceOf(IllegalArgumentException.class);
    }

    record Point(int x, int y) implements Serializable {}

    @Test
    void whatNobodyAllowedIsNotRead() {
        List<Object> list = client.newList();
        assertThatThrownBy(() -> list.add(new Object()))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("arguments of append cannot travel");
        assertThatThrownBy(() -> client.<Object>newQueue(1).put(new Object()))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessage(
                        "arguments of put cannot travel to the manager: its class java.lang.Object is not "
                                + "Serializable; send what is in it as values");
        assertThatThrownBy(() -> list.add(org.opentest4j.ValueWrapper.create("x")))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("org.opentest4j.ValueWrapper");
        assertThat(list).isEmpty();
        try (ManagerServer open = ManagerServer.builder().allow("org.opentest4j.*", Point.class.getName()).open()) {
            List<Object> willing = open.client().newList();
            willing.add(org.opentest4j.ValueWrapper.create("x"));
            willing.add(new Point(1, 2));
            assertThat(willing.get(0)).isInstanceOf(org.opentest4j.ValueWrapper.class);
            assertThat(willing.get(1)).isEqualTo(new Point(1, 2));
        }
    }

    interface Sneaky {
        Object run(String how);
    }

    @Test
    void failuresThatTheInterfaceDoesNotSayStandInForThemselves() {
        server.register("sneaky", Sneaky.class, how -> {
            if (how.equals("error")) {
                throw new StackOverflowError("deep");
            }
            throw ManagerIT.<RuntimeException>hidden(new IOException("not declared"));
        });
        Sneaky sneaky = client.get("sneaky", Sneaky.class);
        assertThatThrownBy(() -> sneaky.run("io")).isInstanceOf(RemoteTaskException.class)
                .hasMessageContaining("not declared");
        assertThatThrownBy(() -> sneaky.run("error")).isInstanceOf(StackOverflowError.class);
    }

    @SuppressWarnings("unchecked") // that is the trick
    private static <E extends Exception> E hidden(Exception failure) throws E {
        throw (E) failure;
    }

    // ---- life of objects ----

    @Test
    void anObjectWithoutANameGoesWithItsLastClient() {
        List<Integer> kept = client.newList();
        List<Integer> list = other.newList();
        list.add(1);
        kept.add(1);
        ConcurrentMap<String, List<Integer>> lists = client.newMap();
        lists.put("inner", list);
        assertThat(server.objects()).isEqualTo(3);
        other.close();
        assertThatThrownBy(() -> list.add(2)).isInstanceOf(ManagerLostException.class);
        List<Integer> inner = lists.get("inner");
        inner.add(2);
        assertThat(inner).as("the map holds it").containsExactly(1, 2);
        lists.clear();
        assertThat(kept).containsExactly(1);
        assertThat(lists).isEmpty();
    }

    @Test
    void whatAnEndedClientHadIsFreedAfterTheLease() {
        List<Integer> kept = client.newList();
        other.newList();
        other.newQueue(1);
        other.list("named");
        assertThat(server.objects()).isEqualTo(4);
        other.close();
        await(() -> server.objects() == 2);
        kept.add(1);
        assertThat(client.list("named")).isEmpty();
    }

    @Test
    void aProxyThatNobodyHasIsFreed() {
        List<Integer> kept = client.newList();
        for (int i = 0; i < 10; i++) {
            client.newList().add(i);
        }
        await(() -> {
            System.gc();
            return server.objects() == 1;
        });
        kept.add(1);
    }

    // ---- no threads, no timers ----

    private void assertServes() {
        try (ManagerClient next = ManagerClient.connect(server.address())) {
            assertThat(next.<Integer>list("l")).isEmpty();
        }
    }

    @Test
    void aClientThatHasNoTimerFailsToConnect() {
        try (var _ = FailingBackend.withoutTimers()) {
            assertThatThrownBy(() -> ManagerClient.connect(server.address()))
                    .isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining("timer");
        }
        assertServes();
    }

    @Test
    void aServerThatHasNoThreadForAClientServesTheNext() {
        for (String which : List.of("sennit-manager-\\d+-greeting", "sennit-manager-\\d+-client-\\d+")) {
            try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().matches(which))) {
                assertThatThrownBy(this::assertServes).as(which).isInstanceOf(ManagerLostException.class);
            }
            assertServes();
            await(() -> server.clients() == 1);
        }
    }

    @Test
    void aCallThatHasNoThreadFailsAlone() throws Exception {
        ManagedQueue<Integer> queue = other.newQueue(1);
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().contains("-call-"))) {
            assertThatThrownBy(() -> queue.put(1)).hasMessageContaining("unable to create native thread");
        }
        queue.put(1);
        assertThat(queue.take()).isEqualTo(1);
    }

    @Test
    void whatAnEndedClientHadIsFreedLaterWhereThereIsNoTimer() throws Exception {
        other.newList();
        other.newList();
        ManagedLock lock = other.lock("l");
        lock.lock();
        try (var _ = FailingBackend.withoutTimers()) {
            other.close();
            await(() -> server.clients() == 0);
        }
        assertThat(server.objects()).isEqualTo(3);
        try (ManagerClient next = ManagerClient.connect(server.address())) {
            next.newList();
            assertThat(next.lock("l").tryLock()).isTrue();
        }
        await(() -> server.objects() == 1);
    }

    // ---- which client ----

    @Test
    void theServersClientReadsWhatTheServerAllowsWhicheverProxyWasFirst() {
        try (ManagerServer allowing = ManagerServer.builder().allow(Plain.class.getName()).open()) {
            ManagerClient first = ManagerClient.shared(allowing.address().allowing(new AllowList(List.of())));
            assertThat(first.list("l")).isEmpty();
            List<Plain> list = allowing.client().list("l");
            list.add(new Plain(1));
            assertThat(list).containsExactly(new Plain(1));
        }
    }

    private record Plain(int number) implements Serializable {}

    @Test
    void anotherServerThanTheOneOfTheProxyIsNeverUsed() {
        ManagerAddress address = server.address();
        var wrong = new ManagerAddress(address.server() ^ 2, address.socket(), null, address.key(), null,
                new AllowList(List.of()));
        ManagerClient proxies = ManagerClient.shared(wrong);
        for (int turn = 0; turn < 2; turn++) {
            assertThatThrownBy(proxies::connection)
                    .isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining("another manager listens there");
            assertThat(proxies.server()).isEqualTo(wrong.server());
        }
    }

    // ---- ends ----

    @Test
    void closingTheServerWakesEverybodyAndLeavesNothing() throws Exception {
        Path socket = Path.of(Objects.requireNonNull(server.address().socket()));
        assertThat(Files.getPosixFilePermissions(socket.getParent()))
                .hasToString("[OWNER_READ, OWNER_WRITE, OWNER_EXECUTE]");
        ManagedQueue<Integer> queue = client.newQueue(1);
        ManagedLock lock = other.lock("l");
        lock.lock();
        var taker = Caller.of(queue::take);
        var locker = Caller.of(() -> {
            client.lock("l").lock();
            return true;
        });
        taker.awaitWaitingIn("take");
        locker.awaitWaitingIn("lock");
        server.close();
        server.close();
        assertThat(taker.failure()).isInstanceOf(ManagerLostException.class);
        assertThat(locker.failure()).isInstanceOf(ManagerLostException.class);
        assertThatThrownBy(lock::unlock).isInstanceOf(ManagerLostException.class)
                .hasMessageContaining(socket.toString());
        assertThatThrownBy(() -> server.client().newList()).isInstanceOf(ManagerLostException.class);
        assertThatThrownBy(() -> ManagerClient.connect(server.address())).isInstanceOf(ManagerLostException.class)
                .hasMessageContaining("cannot connect");
        other.close();
        assertThat(socket.getParent()).doesNotExist();
        await(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("sennit-manager")));
        assertThat(server.toString()).contains("closed");
    }

    @Test
    void textsShowStateAndNoKey() {
        assertThat(server.toString()).matches("ManagerServer\\[/.*/manager, 1 clients, 0 objects]");
        assertThat(other.toString()).matches("ManagerClient\\[/.*/manager, connected]");
        assertThat(client.toString()).contains("not connected");
        assertThat(server.address().toString()).matches("ManagerAddress\\[/[^,]*]");
        client.newList();
        assertThat(client.toString()).contains(", connected");
        assertThat(other.newLock().toString()).startsWith("LockOperations[object ");
    }

    @Test
    void badSettingsAreRefused() {
        assertThatThrownBy(() -> ManagerServer.builder().key(new byte[15]))
                .hasMessage("key must have >= 16 bytes, had 15");
        assertThatThrownBy(() -> ManagerServer.builder().lease(Duration.ofMillis(1)))
                .hasMessageContaining("lease must be >= 100 ms");
        assertThatThrownBy(() -> ManagerServer.builder().longestMessage(1))
                .hasMessageContaining("longestMessage must be >= 1024");
        assertThatThrownBy(() -> ManagerServer.builder().listen(new java.net.InetSocketAddress("127.0.0.1", 0)).open())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("listen needs tls");
    }
}
