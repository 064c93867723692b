package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.BoundedSemaphore;
import dev.sennit.Event;
import dev.sennit.JoinableQueue;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Caller;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A wait that was cancelled first takes nothing that comes afterwards: the next one gets it. */
@Timeout(120)
class CancelledWaitTest {
    private static final Duration LONG = Duration.ofDays(1);
    private static final int ROUNDS = 20;

    /** Something that can go wrong. */
    @FunctionalInterface
    private interface Part {
        void run() throws Exception;
    }

    /**
     * A wait, and what ends it for one thread.
     *
     * @param await called by both threads
     * @param give called once
     */
    private record Scene(Part await, Part give) {}

    /**
     * One kind of wait.
     *
     * @param name for the report
     * @param scene makes a new one
     */
    private record Kept(String name, Supplier<Scene> scene) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Kept receiving(String name, int capacity,
            java.util.function.Function<Channel<Integer>, Part> await) {
        return new Kept(name + ", capacity " + capacity, () -> {
            var channel = new Channel<Integer>(capacity);
            return new Scene(await.apply(channel), () -> assertThat(channel.trySend(1)).isTrue());
        });
    }

    private static Kept queue(String name, Supplier<JoinableQueue<Integer>> made, boolean limited) {
        return new Kept(name, () -> {
            JoinableQueue<Integer> queue = made.get();
            Callable<Integer> take = limited ? () -> queue.poll(1, TimeUnit.DAYS) : queue::take;
            return new Scene(() -> assertThat(take.call()).isOne(), () -> queue.put(1));
        });
    }

    private static Kept semaphore(String name, boolean limited) {
        return new Kept(name, () -> {
            var semaphore = new BoundedSemaphore(1);
            assertThat(semaphore.tryAcquire()).isTrue();
            Part acquire = limited ? () -> assertThat(semaphore.tryAcquire(LONG)).isTrue() : semaphore::acquire;
            return new Scene(acquire, semaphore::release);
        });
    }

    static Stream<Kept> waits() {
        return Stream.of(
                receiving("Channel.receive", 0, channel -> channel::receive),
                receiving("Channel.receive", 2, channel -> channel::receive),
                receiving("Channel.receive(limit)", 1, channel -> () -> assertThat(channel.receive(LONG)).isOne()),
                receiving("Select", 1, channel -> () -> Select.<Integer>from(
                        channel.receiving(one -> one), new Channel<Integer>(0).receiving(one -> one))),
                receiving("Select with a limit", 0, channel -> () -> assertThat(
                        Select.<Integer>from(channel.receiving(one -> one), Select.after(LONG, () -> 7)))
                        .isOne()),
                new Kept("Channel.send", () -> {
                    var channel = new Channel<Integer>(0);
                    var sent = new AtomicInteger();
                    return new Scene(
                            () -> channel.send(sent.incrementAndGet()),
                            () -> assertThat(channel.receive()).isEqualTo(2));
                }),
                queue("JoinableQueue.take", () -> JoinableQueue.fifo(1), false),
                queue("JoinableQueue.poll", () -> JoinableQueue.fifo(1), true),
                queue("JoinableQueue.take, last first", () -> JoinableQueue.lifo(1), false),
                queue("JoinableQueue.take, by rank", () -> JoinableQueue.priority(1, Comparator.naturalOrder()), false),
                new Kept("JoinableQueue.put", () -> {
                    var queue = JoinableQueue.<Integer>fifo(1);
                    queue.add(0);
                    var put = new AtomicInteger();
                    return new Scene(() -> queue.put(put.incrementAndGet()), () -> assertThat(queue.take()).isZero());
                }),
                semaphore("BoundedSemaphore.acquire", false),
                semaphore("BoundedSemaphore.tryAcquire", true),
                new Kept("Event.await", () -> {
                    var event = new Event();
                    return new Scene(event::await, event::set);
                }),
                new Kept("FairLock", () -> {
                    var lock = new FairLock();
                    assertThat(lock.tryLock()).isTrue();
                    return new Scene(() -> assertThat(lock.lock(Long.MAX_VALUE)).isTrue(), lock::unlock);
                }));
    }

    /** What became of a wait. */
    private static String outcome(Part await) throws Exception {
        try {
            await.run();
            return "has it";
        } catch (InterruptedException e) {
            return "interrupted";
        }
    }

    @ParameterizedTest
    @MethodSource("waits")
    void onALoop(Kept wait) throws Exception {
        cancelledInOneTurn(wait, EventLoop.Mechanism.SCHEDULER);
    }

    @ParameterizedTest
    @MethodSource("waits")
    void onALoopThatFallsBack(Kept wait) throws Exception {
        cancelledInOneTurn(wait, EventLoop.Mechanism.BATON);
    }

    private static void cancelledInOneTurn(Kept wait, EventLoop.Mechanism mechanism) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Scene scene = wait.scene().get();
            String[] outcomes = new String[2];
            try (EventLoop loop = EventLoop.builder().mechanism(mechanism).open()) {
                loop.submit(() -> {
                    List<TaskFuture<?>> both = Stream.of(0, 1)
                            .<TaskFuture<?>>map(i -> loop.submit(() -> outcomes[i] = outcome(scene.await())))
                            .toList();
                    EventLoop.yieldNow(); // both wait now
                    both.getFirst().cancel(true);
                    scene.give().run();
                    try {
                        return both.getLast().get(10, TimeUnit.SECONDS);
                    } finally {
                        loop.shutdownNow(); // where nobody has it, nobody would end
                    }
                }).handle((value, failure) -> value).get();
            }
            assertThat(outcomes).as("round %s", round).containsExactly("interrupted", "has it");
        }
    }

    @ParameterizedTest
    @MethodSource("waits")
    void onAThread(Kept wait) throws Exception {
        interruptedFirst(wait, Kind.PLATFORM);
    }

    @ParameterizedTest
    @MethodSource("waits")
    void onAVirtualThread(Kept wait) throws Exception {
        interruptedFirst(wait, Kind.VIRTUAL);
    }

    private static void interruptedFirst(Kept wait, Kind kind) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Scene scene = wait.scene().get();
            Caller<String> first = Caller.on(kind.threads, () -> outcome(scene.await()));
            first.awaitWaitingIn("await");
            Caller<String> second = Caller.on(kind.threads, () -> outcome(scene.await()));
            second.awaitWaitingIn("await");
            first.interrupt();
            scene.give().run();
            assertThat(first.result()).as("round %s", round).isEqualTo("interrupted");
            assertThat(second.result()).as("round %s", round).isEqualTo("has it");
        }
    }
}
