package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Seeded;
import dev.sennit.Task;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.manager.wire.CallsUnderWay;
import dev.sennit.manager.wire.ChannelWire;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.process.ProcessPool;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Many threads that share a client and read for one another: each gets its own answer, however the waits of the others
 * end.
 */
@Timeout(120)
class ReadingRoleIT {
    private static final ThreadFactory PLATFORM = Thread.ofPlatform().daemon().name("caller").factory();
    private static final ThreadFactory VIRTUAL = Thread.ofVirtual().name("virtual-caller").factory();

    private static ThreadFactory kind(int i) {
        return i % 3 == 0 ? VIRTUAL : PLATFORM;
    }

    /** Calls of all lengths and kinds, with pauses, under interrupts: no answer is lost, or goes to another caller. */
    @Test
    void everyCallGetsItsOwnAnswer() {
        Seeded.repeat(4, random -> {
            int threads = 1 + random.generator().nextInt(8);
            int steps = 400 / threads;
            try (ManagerServer server = ManagerServer.local();
                    ManagerClient client = ManagerClient.connect(server.address())) {
                ConcurrentMap<String, Integer> counts = client.newMap();
                ManagedQueue<Integer> queue = client.newQueue(10_000);
                Set<Integer> taken = ConcurrentHashMap.newKeySet();
                List<Caller<Integer>> callers = new ArrayList<>();
                for (int i = 0; i < threads; i++) {
                    int number = i;
                    var own = new SplittableRandom(random.generator().nextLong());
                    callers.add(Caller.on(kind(i), () -> {
                        for (int step = 0; step < steps; step++) {
                            act(own, number, step, counts, queue, taken, client);
                        }
                        return counts.getOrDefault("merged " + number, 0);
                    }));
                }
                while (!callers.stream().allMatch(Caller::isDone)) {
                    callers.get(random.generator().nextInt(threads)).interrupt();
                    LockSupport.parkNanos(random.generator().nextInt(300_000));
                }
                int merged = 0;
                for (Caller<Integer> caller : callers) {
                    merged += caller.result();
                }
                assertThat(counts.getOrDefault("merged", 0)).isEqualTo(merged);
                List<Integer> left = List.copyOf(queue);
                assertThat(taken).doesNotContainAnyElementsOf(left);
                assertThat(taken.size() + left.size()).isEqualTo(counts.getOrDefault("put", 0));
            }
        });
    }

    private static void act(
            SplittableRandom random,
            int number,
            int step,
            ConcurrentMap<String, Integer> counts,
            ManagedQueue<Integer> queue,
            Set<Integer> taken,
            ManagerClient client) {
        switch (random.nextInt(8)) {
            case 0, 1 -> {
                counts.merge("merged", 1, Integer::sum);
                counts.merge("merged " + number, 1, Integer::sum);
            }
            case 2, 3 -> {
                int element = number * 1_000_000 + step;
                try {
                    queue.put(element);
                    counts.merge("put", 1, Integer::sum);
                } catch (InterruptedException e) {
                    // no element was put
                }
            }
            case 4 -> {
                try {
                    Integer element = queue.poll(random.nextInt(30), MILLISECONDS);
                    if (element != null && !taken.add(element)) {
                        throw new AssertionError(element + " was taken twice");
                    }
                } catch (InterruptedException e) {
                    // no element was taken
                }
            }
            case 5 -> {
                byte[] value = new byte[random.nextInt(400_000)];
                Arrays.fill(value, (byte) step);
                List<byte[]> list = client.newList();
                list.add(value);
                if (!Arrays.equals(list.get(0), value)) {
                    throw new AssertionError("another value of " + value.length);
                }
            }
            case 6 -> LockSupport.parkNanos(random.nextInt(30_000_000));
            default -> {
                if (counts.containsKey("nobody puts this")) {
                    throw new AssertionError("another's answer");
                }
            }
        }
    }

    /** Neither end may wait for the other to read first. */
    @Test
    void largeValuesGoBothWaysAtOnce() throws Exception {
        try (ManagerServer server = ManagerServer.local();
                ManagerClient client = ManagerClient.connect(server.address())) {
            byte[] value = new byte[4 << 20];
            new SplittableRandom(1).nextBytes(value);
            ConcurrentMap<Integer, byte[]> map = client.newMap();
            List<Caller<Boolean>> callers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int key = i;
                map.put(key, value);
                callers.add(Caller.on(kind(i), () -> {
                    for (int step = 0; step < 2; step++) {
                        if (!Arrays.equals(value, map.put(key, value))) {
                            return false;
                        }
                    }
                    return true;
                }));
            }
            for (Caller<Boolean> caller : callers) {
                assertThat(caller.result()).isTrue();
            }
        }
    }

    /** A client is closed at any moment: each call ends with an answer or with the reason for its failure. */
    @Test
    void closingEndsAllCalls() {
        try (ManagerServer server = ManagerServer.local()) {
            Seeded.repeat(40, random -> {
                ManagerClient client = ManagerClient.connect(server.address());
                List<Caller<Boolean>> callers = callUntilLost(client, 1 + random.generator().nextInt(5));
                LockSupport.parkNanos(random.generator().nextInt(20_000_000));
                client.close();
                for (Caller<Boolean> caller : callers) {
                    assertThat(caller.failure()).isInstanceOf(ManagerLostException.class)
                            .hasMessageContaining("closed");
                }
            });
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void aKillOfTheServerEndsAllCalls() {
        try (Pool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            Seeded.repeat(2, random -> {
                Task<Hosted> host = () -> {
                    Held.server = ManagerServer.local();
                    return new Hosted(ProcessHandle.current().pid(), Held.server.address());
                };
                Hosted hosted = pool.submit(host).get(60, SECONDS);
                try (ManagerClient client = ManagerClient.connect(hosted.address())) {
                    List<Caller<Boolean>> callers = callUntilLost(client, 6);
                    LockSupport.parkNanos(random.generator().nextInt(200_000_000));
                    ProcessHandle.of(hosted.pid()).orElseThrow().destroyForcibly();
                    for (Caller<Boolean> caller : callers) {
                        assertThat(caller.failure())
                                .isInstanceOf(ManagerLostException.class)
                                .hasMessageContaining("is lost")
                                .message()
                                .doesNotContain("null");
                    }
                }
            });
        }
    }

    record Hosted(long pid, ManagerAddress address) implements java.io.Serializable {}

    static final class Held {
        static ManagerServer server = null;
    }

    /** Some threads wait for ever, some make calls all the time. */
    private static List<Caller<Boolean>> callUntilLost(ManagerClient client, int threads) {
        ManagedQueue<Integer> empty = client.newQueue(1);
        ConcurrentMap<Integer, Integer> map = client.newMap();
        List<Caller<Boolean>> callers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            callers.add(Caller.on(kind(i), () -> {
                if (number % 4 == 1) {
                    empty.take();
                }
                while (true) {
                    map.merge(number, 1, Integer::sum);
                }
            }));
        }
        return callers;
    }

    // ---- a keeper that rests ----

    /** A connection whose keeper rests for an hour unless it is woken; the test has the other end. */
    private static final class Line implements AutoCloseable {
        private final SocketChannel server;
        private final ChannelWire wire;
        private final CallsUnderWay calls = new CallsUnderWay();
        private final ReadingRole role;

        Line(Path folder, Duration patience) throws Exception {
            var address = UnixDomainSocketAddress.of(folder.resolve("socket"));
            try (var listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                listening.bind(address);
                wire = new ChannelWire(SocketChannel.open(address), false);
                server = listening.accept();
            }
            var made = new CompletableFuture<ReadingRole>();
            Thread keeper = Thread.ofPlatform().daemon().name("keeper").start(() -> {
                var own = new ReadingRole(wire, 1 << 20, calls, Duration.ofHours(1).toNanos(), patience.toMillis());
                made.complete(own);
                try {
                    own.keep();
                } catch (IOException e) {
                    calls.endAll();
                }
            });
            role = made.join();
            Conditions.await("the keeper reads").until(() -> Arrays.stream(keeper.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("select")));
            Caller<Boolean> first = call(1, PLATFORM, 1);
            first.awaitWaitingIn("await");
            answer(1); // now the keeper sees that callers lead, and rests
            assertThat(first.result()).isTrue();
        }

        /** Starts a thread that sends a call and waits for the answer; its result is true if it gets one. */
        Caller<Boolean> call(long number, ThreadFactory kind, int bytes) {
            return Caller.on(kind, () -> {
                var call = new CallsUnderWay.Call(number);
                calls.add(call);
                wire.send(ByteBuffer.allocate(bytes), null);
                role.sent();
                while (!call.isOver()) {
                    role.await(call);
                    Thread.interrupted();
                }
                return call.answer() != null;
            });
        }

        /** Starts a thread that reads for the others. */
        Caller<Boolean> leader(long number) {
            Caller<Boolean> leader = call(number, PLATFORM, 1);
            leader.awaitInside("select");
            return leader;
        }

        void answer(long number) throws IOException {
            ByteBuffer message = ManagerProtocol.answer(ManagerProtocol.VALUE, number, null);
            while (message.hasRemaining()) {
                server.write(message);
            }
        }

        @Override
        public void close() throws IOException {
            wire.close();
            role.wantKeeper();
            server.close();
        }
    }

    private static final Duration HOUR = Duration.ofHours(1);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoseAnswerComesFirstFindsAnotherToRead(boolean virtual, @TempDir Path folder) throws Exception {
        try (var line = new Line(folder, HOUR)) {
            Caller<Boolean> leader = line.leader(2);
            Caller<Boolean> other = line.call(3, virtual ? VIRTUAL : PLATFORM, 1);
            other.awaitWaitingIn("await");
            line.answer(2);
            assertThat(leader.result()).isTrue();
            line.answer(3);
            assertThat(other.result()).isTrue();
        }
    }

    @Test
    void whoLeadsSendsWhatOthersCouldNot(@TempDir Path folder) throws Exception {
        try (var line = new Line(folder, HOUR)) {
            Caller<Boolean> leader = line.leader(2);
            int large = 8 << 20;
            Caller<Boolean> other = line.call(3, PLATFORM, large);
            other.awaitWaitingIn("await");
            var target = ByteBuffer.allocate(large + 2);
            while (target.hasRemaining() && line.server.read(target) >= 0) {
                // all of it comes
            }
            assertThat(target.hasRemaining()).isFalse();
            line.answer(3);
            assertThat(other.result()).isTrue();
            line.answer(2);
            assertThat(leader.result()).isTrue();
        }
    }

    @Test
    void anInterruptOfWhoLeadsCostsNobodyAnAnswer(@TempDir Path folder) throws Exception {
        try (var line = new Line(folder, HOUR)) {
            Caller<Boolean> leader = line.leader(2);
            Caller<Boolean> other = line.call(3, PLATFORM, 1);
            other.awaitWaitingIn("await");
            leader.interrupt();
            line.answer(3);
            assertThat(other.result()).isTrue();
            leader.interrupt();
            line.answer(2);
            assertThat(leader.result()).isTrue();
        }
    }

    /** However many answers arrive for others, the keeper reads for a caller that waits long. */
    @Test
    void whoWaitsLongLeadsNoMore(@TempDir Path folder) throws Exception {
        try (var line = new Line(folder, Duration.ofMillis(5))) {
            Caller<Boolean> patient = line.call(2, PLATFORM, 1);
            var stop = new AtomicBoolean();
            var begun = new CountDownLatch(1);
            Caller<Integer> others = Caller.of(() -> {
                int count = 0;
                while (!stop.get()) {
                    line.answer(1_000 + count++); // answers to calls that have ended
                    begun.countDown();
                    LockSupport.parkNanos(100_000);
                }
                return count;
            });
            begun.await();
            patient.awaitWaitingIn("await");
            stop.set(true);
            assertThat(others.result()).isPositive();
            line.answer(2);
            assertThat(patient.result()).isTrue();
        }
    }
}
