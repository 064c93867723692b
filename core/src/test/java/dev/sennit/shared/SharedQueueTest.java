package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.DAYS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.QueueClosedException;
import dev.sennit.Seeded;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.internal.machine.WaitLimit;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedQueueTest {
    record Job(String name, int[] sizes) implements Serializable {}

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static SharedQueue<Integer> queue(int capacity) {
        return SharedQueue.create(capacity, 4096);
    }

    // ---- as a queue ----

    @Test
    void elementsComeOutAsTheyWentIn() throws Exception {
        SharedQueue<Object> queue = SharedQueue.create(100, 1 << 16);
        List<Object> all =
                List.of(1, "two", 3L, 4.0, List.of(5, "six"), Map.of("seven", 7), Duration.ofDays(8), 'n', true, "");
        for (Object one : all) {
            queue.put(one);
        }
        assertThat(queue).containsExactlyElementsOf(all).hasSize(all.size());
        assertThat(queue.peek()).isEqualTo(1);
        var out = new ArrayList<>();
        assertThat(queue.drainTo(out, 3)).isEqualTo(3);
        assertThat(queue.drainTo(out)).isEqualTo(all.size() - 3);
        assertThat(out).isEqualTo(all);
        assertThat(queue.poll()).isNull();
        assertThat(queue.peek()).isNull();
        assertThat(queue.poll(1, MILLISECONDS)).isNull();
        assertThatThrownBy(queue::remove).isInstanceOf(NoSuchElementException.class);
        assertThatThrownBy(queue::element).isInstanceOf(NoSuchElementException.class);
        assertThat(queue).hasToString("SharedQueue[0 of 100 elements, " + all.size() + " unfinished, open]");
    }

    @Test
    void classesBesideTheCreatorComeOutAndOthersHaveToBeNamed() throws Exception {
        SharedQueue<Job> jobs = SharedQueue.create(10, 1000);
        jobs.put(new Job("a", new int[] {1, 2}));
        assertThat(jobs.take()).satisfies(job -> {
            assertThat(job.name()).isEqualTo("a");
            assertThat(job.sizes()).containsExactly(1, 2);
        });
        Object foreign = org.opentest4j.ValueWrapper.create("x");
        SharedQueue<Object> refuses = SharedQueue.create(10, 1000);
        refuses.put(foreign);
        refuses.put(1);
        assertThatThrownBy(refuses::take)
                .isInstanceOf(TaskSerializationException.class)
                .hasMessageContaining("element refused: class org.opentest4j.ValueWrapper is not on the allow-list;"
                        + " add it with SharedQueue.create(org.opentest4j.*)");
        assertThat(refuses.take()).as("the others are still there").isEqualTo(1);
        SharedQueue<Object> named = SharedQueue.create(10, 1000, "org.opentest4j.*");
        named.put(foreign);
        assertThat(named.take()).isInstanceOf(org.opentest4j.ValueWrapper.class);
    }

    @Test
    void whatCannotTravelIsRefusedBeforeItIsIn() throws Exception {
        SharedQueue<Object> queue = SharedQueue.create(10, 64);
        assertThatThrownBy(() -> queue.put(new Object()))
                .isInstanceOf(TaskSerializationException.class)
                .hasMessage(
                        "element cannot travel: its class java.lang.Object is not Serializable; send what is "
                                + "in it as values");
        assertThatThrownBy(() -> queue.put(new byte[100]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(
                        "element of \\d+ bytes does not fit a queue for 56: make the queue with more bytes, or pass"
                                + " large data in a SharedMemory");
        assertThatThrownBy(() -> queue.addAll(List.of(1, new byte[100]))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.put(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.offer(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.offer(null, 1, SECONDS)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.addAll(Arrays.asList(1, null))).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.addAll(queue)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.drainTo(queue)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.drainTo(null)).isInstanceOf(NullPointerException.class);
        assertThat(queue).isEmpty();
        assertThat(queue.join(Duration.ZERO)).isTrue();
        assertThatThrownBy(() -> SharedQueue.create(0, 64)).hasMessage("capacity must be >= 1, was 0");
        assertThatThrownBy(() -> SharedQueue.create(1, 15)).hasMessage("bytes must be from 16 to 17179869184, was 15");
    }

    @Test
    void anElementMayTakeTheWholeQueueWhereverItsRecordBegins() throws Exception {
        SharedQueue<byte[]> queue = SharedQueue.create(10, 128);
        byte[] large = new byte[128 - 8 - 5]; // its tag and its length
        for (int i = 0; i < 20; i++) {
            large[i] = (byte) i;
            queue.put(large);
            assertThat(queue.offer(new byte[0])).isFalse();
            assertThat(queue.peek()).isEqualTo(large);
            assertThat(queue.take()).isEqualTo(large);
            assertThat(queue.offer(new byte[0])).isTrue(); // moves where the next one begins
            assertThat(queue.take()).isEmpty();
        }
    }

    @Test
    void aFullQueueTakesNothingUntilThereIsRoom() throws Exception {
        var queue = queue(2);
        queue.put(1);
        assertThat(queue.offer(2)).isTrue();
        assertThat(queue.offer(3)).isFalse();
        assertThat(queue.offer(3, 1, MILLISECONDS)).isFalse();
        assertThat(queue.remainingCapacity()).isZero();
        assertThatThrownBy(() -> queue.add(3)).isInstanceOf(IllegalStateException.class);
        Caller<Integer> putter = Caller.of(() -> {
            queue.put(3);
            return 0;
        });
        assertThat(queue.take()).isEqualTo(1);
        putter.result();
        assertThat(queue).containsExactly(2, 3);
    }

    @Test
    void severalGoInAtOnceAsFarAsThereIsRoom() {
        var queue = queue(3);
        assertThat(queue.addAll(List.of())).isFalse();
        assertThat(queue.addAll(List.of(1, 2))).isTrue();
        assertThatThrownBy(() -> queue.addAll(List.of(3, 4)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("queue is full: 1 of 2 elements went in");
        assertThat(queue).containsExactly(1, 2, 3);
    }

    @Test
    void anEmptyQueueMakesTakersWait() throws Exception {
        var queue = queue(2);
        Caller<Integer> taker = Caller.of(queue::take);
        Caller<Integer> poller = Caller.of(() -> queue.poll(1, DAYS));
        queue.put(5);
        queue.put(6);
        assertThat(Set.of(taker.result(), poller.result())).containsExactlyInAnyOrder(5, 6);
    }

    @Test
    void anInterruptedWaiterTakesNothing() throws Exception {
        var queue = queue(1);
        for (Callable<?> wait : List.<Callable<?>>of(
                queue::take, () -> queue.poll(1, SECONDS), () -> queue.offer(1, 1, SECONDS), () -> {
                    queue.put(1);
                    return 0;
                })) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(wait::call).isInstanceOf(InterruptedException.class);
        }
        assertThat(queue).isEmpty();
        Thread.currentThread().interrupt();
        assertThatThrownBy(queue::join).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThat(queue.offer(1)).as("needs no wait").isTrue();
        assertThat(queue.poll()).isEqualTo(1);
        assertThat(Thread.interrupted()).isTrue();

        List<Caller<?>> waiting = List.of(Caller.of(queue::take), Caller.of(queue::take),
                Caller.of(() -> queue.join(Duration.ofDays(1))));
        for (Caller<?> caller : waiting) {
            caller.interrupt();
            assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
        }
    }

    // ---- removing ----

    @Test
    void whatIsRemovedFromTheMiddleMakesRoomAtOnce() throws Exception {
        var queue = queue(5);
        queue.addAll(List.of(1, 2, 3, 4, 5));
        assertThat(queue.remove(3)).isTrue();
        assertThat(queue.remove(3)).isFalse();
        assertThat(queue.remove(9)).isFalse();
        assertThat(queue.remove("x")).isFalse();
        assertThat(queue.remove((Object) null)).isFalse();
        assertThat(queue.remove(2)).isTrue();
        assertThat(queue.remainingCapacity()).isEqualTo(2);
        queue.put(6);
        queue.put(7);
        assertThat(queue.offer(8)).isFalse();
        assertThat(queue).containsExactly(1, 4, 5, 6, 7);
        assertThat(queue.contains(3)).isFalse();
        assertThat(queue.contains(4)).isTrue();
        assertThat(queue.remove(1)).as("the first, with removed ones behind it").isTrue();
        assertThat(queue.peek()).isEqualTo(4);
        assertThat(queue.toArray()).containsExactly(4, 5, 6, 7);
        assertThat(queue.removeIf(n -> n % 2 == 1)).isTrue();
        assertThat(queue.retainAll(List.of(6))).isTrue();
        assertThat(queue.take()).isEqualTo(6);
        assertThat(queue).isEmpty();
    }

    @Test
    void allThatIsRemovedGivesItsBytesBack() throws Exception {
        SharedQueue<Integer> queue = SharedQueue.create(1_000, 64); // room for four
        for (int round = 0; round < 10; round++) {
            queue.addAll(List.of(1, 2, 3, 4));
            assertThat(queue.offer(5)).isFalse();
            for (int n : new int[] {2, 3, 4, 1}) {
                assertThat(queue.remove(n)).isTrue();
            }
            assertThat(queue.size()).isZero();
            assertThat(queue.poll()).isNull();
        }
        queue.join();
    }

    @Test
    void anIteratorRemovesOnlyWhatIsStillIn() throws Exception {
        var queue = queue(5);
        queue.addAll(List.of(1, 1, 2));
        Iterator<Integer> all = queue.iterator();
        assertThatThrownBy(all::remove).isInstanceOf(IllegalStateException.class);
        assertThat(all.next()).isEqualTo(1);
        assertThat(queue.take()).isEqualTo(1);
        all.remove();
        assertThatThrownBy(all::remove).isInstanceOf(IllegalStateException.class);
        assertThat(queue).containsExactly(1, 2);
        all.next();
        all.remove();
        all.next();
        assertThatThrownBy(all::next).isInstanceOf(NoSuchElementException.class);
        assertThat(queue).containsExactly(2);
    }

    // ---- done ----

    @Test
    void joinWaitsUntilAllIsDone() throws Exception {
        var queue = queue(10);
        queue.join();
        assertThat(queue.join(Duration.ZERO)).isTrue();
        queue.put(1);
        queue.put(2);
        assertThat(queue.join(Duration.ofMillis(1))).isFalse();
        Caller<Integer> joiner = Caller.of(() -> {
            queue.join();
            return 0;
        });
        queue.take();
        queue.taskDone();
        assertThatThrownBy(queue::taskDone)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("taskDone was called more often than elements were taken");
        queue.take();
        assertThat(queue.join(Duration.ZERO)).as("taken, but not done").isFalse();
        assertThat(joiner.isDone()).isFalse();
        queue.taskDone();
        joiner.result();
        assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatIsRemovedOrClearedCountsAsDone() throws Exception {
        var queue = queue(10);
        queue.addAll(List.of(1, 2, 3, 4));
        queue.take();
        queue.remove(3);
        queue.remove(2);
        queue.clear();
        assertThat(queue).isEmpty();
        assertThat(queue).hasToString("SharedQueue[0 of 10 elements, 1 unfinished, open]");
        queue.taskDone();
        assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
        queue.join();
    }

    // ---- closing ----

    @Test
    void afterShutdownTheRestCanBeTaken() throws Exception {
        var queue = queue(10);
        queue.put(7);
        queue.shutdown();
        queue.shutdown();
        assertThat(queue.isShutdown()).isTrue();
        assertThatThrownBy(() -> queue.put(8)).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.offer(8)).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.offer(8, 1, SECONDS)).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.addAll(List.of(8))).isInstanceOf(QueueClosedException.class);
        assertThat(queue.take()).isEqualTo(7);
        assertThatThrownBy(queue::take).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(() -> queue.poll(1, SECONDS)).isInstanceOf(QueueClosedException.class);
        assertThat(queue.poll()).isNull();
        queue.taskDone();
        queue.join();
    }

    @Test
    void shutdownWakesEverybodyWhoWaits() throws Exception {
        var empty = queue(1);
        List<Caller<?>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            waiting.add(Caller.of(empty::take));
            waiting.add(Caller.of(() -> empty.poll(1, DAYS)));
        }
        empty.shutdown();
        for (Caller<?> caller : waiting) {
            assertThat(caller.failure()).isInstanceOf(QueueClosedException.class);
        }

        var full = queue(1);
        full.put(1);
        Caller<Integer> putter = Caller.of(() -> {
            full.put(2);
            return 0;
        });
        Caller<Boolean> offerer = Caller.of(() -> full.offer(2, 1, DAYS));
        Caller<Integer> joiner = Caller.of(() -> {
            full.join();
            return 0;
        });
        full.shutdown();
        assertThat(putter.failure()).isInstanceOf(QueueClosedException.class);
        assertThat(offerer.failure()).isInstanceOf(QueueClosedException.class);
        assertThat(full.take()).isEqualTo(1);
        full.taskDone();
        joiner.result();
    }

    @Test
    void shutdownNowDropsTheRestAndWakesJoinersToo() throws Exception {
        var queue = queue(10);
        queue.addAll(List.of(1, 2, 3));
        assertThat(queue.take()).isEqualTo(1);
        Caller<Integer> joiner = Caller.of(() -> {
            queue.join();
            return 0;
        });
        Caller<Boolean> limited = Caller.of(() -> queue.join(Duration.ofDays(1)));
        assertThat(queue.shutdownNow()).containsExactly(2, 3);
        assertThat(joiner.failure()).isInstanceOf(QueueClosedException.class);
        assertThat(limited.failure()).isInstanceOf(QueueClosedException.class);
        assertThatThrownBy(queue::join).hasMessage("queue was shut down with 1 elements unfinished");
        queue.shutdown();
        assertThatThrownBy(queue::join).as("stays closed at once").isInstanceOf(QueueClosedException.class);
        queue.taskDone();
        queue.join();
        assertThat(queue.shutdownNow()).isEmpty();
    }

    // ---- travelling ----

    private static Object sent(Object value, boolean filtered) throws Exception {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            if (filtered) {
                in.setObjectInputFilter(new AllowList(List.of("dev.sennit.**")).filterFor(bytes.size(), null));
            }
            return in.readObject();
        }
    }

    @Test
    void comesAsTheSameObjectWhereItIsKnown() throws Exception {
        var queue = queue(3);
        assertThat(sent(queue, true)).isSameAs(queue);
        assertThat(sent(List.of(queue), false)).isEqualTo(List.of(queue));
    }

    // ---- random ----

    @Test
    void doesWhatAnArrayBlockingQueueDoes() {
        Seeded.repeat(200, seeded -> {
            RandomGenerator random = seeded.generator();
            int capacity = random.nextInt(1, 12);
            SharedQueue<String> queue = SharedQueue.create(capacity, capacity * 48L); // so that it goes round often
            BlockingQueue<String> model = new ArrayBlockingQueue<>(capacity);
            long unfinished = 0;
            for (int i = 0; i < 300; i++) {
                int before = model.size();
                String text = "x".repeat(random.nextInt(25)) + random.nextInt(10);
                switch (random.nextInt(12)) {
                    case 0, 1, 2 -> {
                        // Bytes that lie between removed ones are not free: then the model does not know.
                        boolean in = queue.offer(text);
                        if (in) {
                            assertThat(model.offer(text)).isTrue();
                            unfinished++;
                        } else {
                            assertThat(model.remainingCapacity() == 0 || before > 0).isTrue();
                        }
                    }
                    case 3, 4 -> assertThat(queue.poll()).isEqualTo(model.poll());
                    case 5 -> assertThat(queue.peek()).isEqualTo(model.peek());
                    case 6 -> {
                        String known = model.isEmpty() ? text : List.copyOf(model).get(random.nextInt(model.size()));
                        assertThat(queue.contains(known)).isEqualTo(model.contains(known));
                        boolean removed = model.remove(known);
                        assertThat(queue.remove(known)).isEqualTo(removed);
                        unfinished -= removed ? 1 : 0;
                    }
                    case 7 -> {
                        Set<String> some = new HashSet<>();
                        model.forEach(each -> {
                            if (random.nextInt(4) == 0) {
                                some.add(each);
                            }
                        });
                        assertThat(queue.removeAll(some)).isEqualTo(model.removeAll(some));
                        unfinished -= before - model.size();
                    }
                    case 8 -> {
                        if (random.nextInt(8) == 0) {
                            queue.clear();
                            model.clear();
                            unfinished -= before;
                        }
                    }
                    case 9 -> {
                        int most = random.nextInt(4);
                        List<String> out = new ArrayList<>();
                        List<String> expected = new ArrayList<>();
                        assertThat(queue.drainTo(out, most)).isEqualTo(model.drainTo(expected, most));
                        assertThat(out).isEqualTo(expected);
                    }
                    case 10 -> {
                        if (unfinished > model.size()) {
                            queue.taskDone();
                            unfinished--;
                        } else {
                            assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
                        }
                    }
                    default -> assertThat(queue.toArray()).isEqualTo(model.toArray());
                }
                assertThat(queue.size()).isEqualTo(model.size());
                assertThat(queue.isEmpty()).isEqualTo(model.isEmpty());
                assertThat(queue.remainingCapacity()).isEqualTo(model.remainingCapacity());
                assertThat(queue.join(Duration.ZERO)).isEqualTo(unfinished == 0);
            }
        });
    }

    @Test
    void nothingIsLostOrDoubledAmongManyThreadsOfBothKinds() {
        Seeded.repeat(2, seeded -> {
            SharedQueue<Integer> queue = SharedQueue.create(3, 4096);
            Set<Integer> seen = ConcurrentHashMap.newKeySet();
            var removed = new AtomicInteger();
            List<Caller<Integer>> producers = new ArrayList<>();
            List<Caller<Integer>> consumers = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                int first = t * 10_000;
                producers.add(Caller.of(() -> {
                    var random = new java.util.Random(seeded.seed() + first);
                    for (int n = first; n < first + 2_000;) {
                        boolean in = switch (random.nextInt(3)) {
                            case 0 -> queue.offer(n);
                            case 1 -> queue.offer(n, random.nextInt(50), java.util.concurrent.TimeUnit.MICROSECONDS);
                            default -> {
                                queue.put(n);
                                yield true;
                            }
                        };
                        if (in && random.nextInt(50) == 0 && queue.remove(n)) {
                            removed.incrementAndGet();
                        }
                        n += in ? 1 : 0;
                    }
                    return 0;
                }));
                Callable<Integer> consume = () -> {
                    var random = new java.util.Random(seeded.seed() - first);
                    int count = 0;
                    try {
                        while (true) {
                            Integer n = switch (random.nextInt(3)) {
                                case 0 -> queue.poll();
                                case 1 -> queue.poll(random.nextInt(50), java.util.concurrent.TimeUnit.MICROSECONDS);
                                default -> queue.take();
                            };
                            if (n != null) {
                                assertThat(seen.add(n)).as("%s comes once", n).isTrue();
                                queue.taskDone();
                                count++;
                            }
                        }
                    } catch (QueueClosedException e) {
                        return count;
                    }
                };
                boolean virtual = t > 0;
                consumers.add(Caller.of(() -> {
                    if (!virtual) {
                        return consume.call();
                    }
                    var task = new java.util.concurrent.FutureTask<>(consume);
                    Thread.startVirtualThread(task);
                    return task.get();
                }));
            }
            for (Caller<Integer> producer : producers) {
                producer.result();
            }
            queue.join();
            queue.shutdown();
            int total = removed.get();
            for (Caller<Integer> consumer : consumers) {
                total += consumer.result();
            }
            assertThat(total).isEqualTo(6_000);
        });
    }

    // ---- deaths, one write at a time ----

    private static MessageBuffer message(String text) throws IOException {
        var buffer = new MessageBuffer();
        buffer.write(text.getBytes(StandardCharsets.US_ASCII));
        return buffer;
    }

    private static List<String> all(QueueMemory queue) {
        return queue.snapshot().stream().map(stored -> new String(stored.message(), StandardCharsets.US_ASCII))
                .toList();
    }

    /** This process's number, but it started at another time: it is another process, which has ended. */
    private static final long DEAD = ProcessIdentity.SELF ^ 1L << 50;

    @Test
    void whoDiedWhileItPutInLeavesNothing() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment segment = arena.allocate(QueueMemory.bytesFor(256), 64);
            var queue = new QueueMemory(segment, 10);
            queue.offer(List.of(message("one")));
            // It had the lock and had written half a record.
            segment.set(JAVA_LONG, QueueMemory.PUT_LOCK, DEAD);
            segment.asSlice(QueueMemory.DATA + 16, 64).fill((byte) 0x55);
            assertThat(queue.size()).isOne();
            assertThat(queue.put(message("two"), new WaitLimit(SECONDS.toNanos(60)))).isTrue();
            assertThat(all(queue)).containsExactly("one", "two");
            segment.set(JAVA_LONG, QueueMemory.PUT_LOCK, DEAD);
            assertThat(queue.offer(List.of(message("three")))).isOne();
            segment.set(JAVA_LONG, QueueMemory.TAKE_LOCK, DEAD);
            assertThat(queue.poll()).asString(StandardCharsets.US_ASCII).isEqualTo("one");
            segment.set(JAVA_LONG, QueueMemory.TAKE_LOCK, DEAD);
            assertThat(queue.take(new WaitLimit(SECONDS.toNanos(60)))).asString(StandardCharsets.US_ASCII)
                    .isEqualTo("two");
            assertThat(all(queue)).containsExactly("three");
        }
    }

    /** As for a process that was stopped in the middle: its lock is neither given back nor that of a dead one. */
    @Test
    void whoHasATimeLimitDoesNotWaitForSomebodyWhoWasStopped() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment segment = arena.allocate(QueueMemory.bytesFor(256), 64);
            var queue = new QueueMemory(segment, 10);
            queue.offer(List.of(message("a")));
            var putting = new LockWord(segment.asSlice(QueueMemory.PUT_LOCK, LockWord.BYTES));
            var taking = new LockWord(segment.asSlice(QueueMemory.TAKE_LOCK, LockWord.BYTES));
            putting.lock();
            taking.lock();
            Caller<Boolean> put = Caller.of(() -> queue.put(message("b"), new WaitLimit(1)));
            Caller<byte[]> took = Caller.of(() -> queue.take(new WaitLimit(1)));
            assertThat(put.result()).isFalse();
            assertThat(took.result()).isNull();
            Caller<Boolean> puts = Caller.of(() -> queue.put(message("b"), WaitLimit.none()));
            Caller<byte[]> takes = Caller.of(() -> queue.take(WaitLimit.none()));
            puts.interrupt();
            assertThat(puts.failure()).isInstanceOf(InterruptedException.class);
            putting.unlock();
            taking.unlock();
            assertThat(takes.result()).asString(StandardCharsets.US_ASCII).isEqualTo("a");
            assertThat(queue.size()).isZero();
        }
    }

    private interface Change {
        void make(QueueMemory queue);
    }

    /** Each change of several words, of which each may have been made or not when its process died. */
    @Test
    void aChangeThatWasWrittenDownIsMadeByOthers() throws Exception {
        Map<String, Change> changes = Map.of(
                "removes from the middle", queue -> queue.drop(queue.snapshot().get(2).position()),
                "removes the first", queue -> queue.drop(queue.snapshot().getFirst().position()),
                "skips removed ones", QueueMemory::poll,
                "clears", QueueMemory::clear);
        List<Long> places = List.of(QueueMemory.HEAD, QueueMemory.REMOVED, QueueMemory.DROPPED);
        for (Map.Entry<String, Change> change : changes.entrySet()) {
            for (int made = 0; made < 16; made++) {
                try (Arena arena = Arena.ofShared()) {
                    MemorySegment segment = arena.allocate(QueueMemory.bytesFor(256), 64);
                    var queue = new QueueMemory(segment, 10);
                    queue.offer(List.of(message("a"), message("b"), message("c"), message("d"), message("e")));
                    queue.drop(queue.snapshot().get(1).position()); // b
                    byte[] before = segment.toArray(JAVA_BYTE);
                    change.getValue().make(queue);
                    List<String> expected = all(queue);
                    long unfinished = queue.unfinished();
                    int size = queue.size();

                    MemorySegment old = MemorySegment.ofArray(before);
                    for (int i = 0; i < places.size(); i++) {
                        if ((made & 1 << i) == 0) {
                            long length = i == 0 ? 8 : 4;
                            MemorySegment.copy(old, places.get(i), segment, places.get(i), length);
                        }
                    }
                    if ((made & 8) == 0) { // the mark of what is removed
                        MemorySegment.copy(old, QueueMemory.DATA, segment, QueueMemory.DATA, 256);
                    }
                    segment.set(JAVA_INT, QueueMemory.CHANGING, 1);
                    segment.set(JAVA_LONG, QueueMemory.TAKE_LOCK, DEAD);

                    assertThat(all(queue)).as("%s, %s", change.getKey(), made).isEqualTo(expected);
                    assertThat(queue.unfinished()).isEqualTo(unfinished);
                    assertThat(queue.size()).isEqualTo(size);
                }
            }
        }
    }

    @Test
    void whoJoinsMakesTheRestOfAChangeWhenNobodyElseComes() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment segment = arena.allocate(QueueMemory.bytesFor(64), 64);
            var queue = new QueueMemory(segment, 10);
            queue.offer(List.of(message("a"), message("b")));
            byte[] before = segment.toArray(JAVA_BYTE);
            queue.clear();
            MemorySegment.copy(MemorySegment.ofArray(before), QueueMemory.HEAD, segment, QueueMemory.HEAD, 16);
            segment.set(JAVA_INT, QueueMemory.CHANGING, 1);
            segment.set(JAVA_LONG, QueueMemory.TAKE_LOCK, DEAD);
            assertThat(queue.unfinished()).isEqualTo(2);
            assertThat(queue.join(new WaitLimit(SECONDS.toNanos(60)))).isTrue();
            assertThat(queue.size()).isZero();
        }
    }

    @Test
    void numbersGoRound() throws Exception {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment segment = arena.allocate(QueueMemory.bytesFor(64), 64);
            segment.set(JAVA_LONG, QueueMemory.HEAD, -3L << 32);
            segment.set(JAVA_LONG, QueueMemory.TAIL, -3L << 32);
            segment.set(JAVA_INT, QueueMemory.DROPPED, -3);
            var queue = new QueueMemory(segment, 4);
            for (int i = 0; i < 10; i++) {
                assertThat(queue.unfinished()).isZero();
                queue.offer(List.of(message("a" + i), message("b"), message("c" + i)));
                assertThat(queue.size()).isEqualTo(3);
                assertThat(queue.drop(queue.snapshot().get(1).position())).isTrue();
                assertThat(all(queue)).containsExactly("a" + i, "c" + i);
                assertThat(queue.poll()).asString(StandardCharsets.US_ASCII).isEqualTo("a" + i);
                assertThat(queue.done()).isTrue();
                assertThat(queue.poll()).isNotNull();
                assertThat(queue.unfinished()).isOne();
                assertThat(queue.done()).isTrue();
                assertThat(queue.done()).isFalse();
            }
        }
    }

    // ---- memory that somebody scribbled on ----

    @Test
    void whatSomebodyScribbledEndsInANamedException() {
        var damages = new AtomicInteger();
        Seeded.repeat(300, seeded -> {
            RandomGenerator random = seeded.generator();
            try (Arena arena = Arena.ofShared()) {
                MemorySegment segment = arena.allocate(QueueMemory.bytesFor(512), 64);
                var queue = new QueueMemory(segment, 20);
                for (int n = random.nextInt(12); n > 0; n--) {
                    queue.offer(List.of(message("x".repeat(random.nextInt(60)))));
                }
                for (int n = random.nextInt(1, 30); n > 0; n--) {
                    long at = random.nextLong(segment.byteSize() / 4) * 4;
                    segment.set(JAVA_INT, at, random.nextBoolean() ? random.nextInt() : random.nextInt(-3, 60));
                }
                for (long lock : new long[] {QueueMemory.PUT_LOCK, QueueMemory.TAKE_LOCK}) {
                    // A lock that names a running process is waited for; threads of the kernel run, and have small
                    // numbers.
                    if (ProcessIdentity.isAlive(segment.get(JAVA_LONG, lock) & ~ProcessIdentity.SPARE)) {
                        segment.set(JAVA_LONG, lock, 0);
                    }
                }
                Collection<Callable<?>> calls = List.of(
                        () -> queue.offer(List.of(message("y"))),
                        () -> queue.put(message("y"), new WaitLimit(1_000)),
                        queue::poll,
                        () -> queue.take(new WaitLimit(1_000)),
                        queue::peek,
                        queue::snapshot,
                        queue::size,
                        queue::unfinished,
                        queue::done,
                        () -> queue.drop(random.nextLong()),
                        () -> queue.join(new WaitLimit(1_000)),
                        () -> {
                            queue.clear();
                            return 0;
                        },
                        queue::closeNow);
                for (Callable<?> call : calls) {
                    try {
                        call.call();
                    } catch (QueueDamagedException e) {
                        assertThat(e).hasMessageStartingWith("shared queue is damaged, ");
                        damages.incrementAndGet();
                    } catch (QueueClosedException e) {
                        // the word for that was hit
                    }
                }
            }
        });
        assertThat(damages.get()).as("exceptions").isPositive();
    }
}
