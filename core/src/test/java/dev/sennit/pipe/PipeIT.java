package dev.sennit.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.RejectedSubmissionException;
import dev.sennit.TaskFuture;
import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.TaskCodec;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.process.ProcessPool;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PipeIT {
    private static final Duration LONG = Duration.ofSeconds(60);

    private Set<Path> before;

    @BeforeEach
    void foldersBefore() throws IOException {
        before = folders();
    }

    /** Checks that no folder is left, as each test closes its pipes. */
    @AfterEach
    void noFolderIsLeft() {
        Conditions.await("no folder is left").untilAsserted(() -> assertThat(folders()).isSubsetOf(before));
    }

    private static Set<Path> folders() throws IOException {
        try (var files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return new HashSet<>(
                    files.filter(file -> file.getFileName().toString().matches("sennit-(\\w+-\\w+-)?\\d+")).toList());
        }
    }

    private static void connect(Pipe pipe) throws Exception {
        Caller<Boolean> other = Caller.of(() -> pipe.second().poll(Duration.ZERO));
        pipe.first().poll(Duration.ZERO);
        other.result();
        Conditions.await("connected").until(() -> pipe.toString().split("connected", -1).length == 3
                && !pipe.toString().contains("not connected"));
    }

    // ---- in one process ----

    @Test
    void messagesComeInOrderBothWays() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            Connection one = pipe.first();
            Connection two = pipe.second();
            one.send("a");
            one.send(List.of(1, 2));
            one.send(null);
            one.sendBytes(new byte[] {9, 8, 7, 6}, 1, 2);
            one.sendBytes(new byte[0]);
            two.send(Map.of("k", 1.5));
            assertThat(two.receive()).isEqualTo("a");
            assertThat(two.receive(Object.class)).isEqualTo(List.of(1, 2));
            assertThat(two.receive()).isNull();
            assertThat(two.receiveBytes()).containsExactly(8, 7);
            assertThat((byte[]) two.receive()).isEmpty();
            assertThat(one.receive()).isEqualTo(Map.of("k", 1.5));
            assertThat(one.poll(Duration.ZERO)).isFalse();
            one.send(5);
            assertThatThrownBy(() -> two.receive(String.class)).isInstanceOf(ClassCastException.class);
        }
    }

    @Test
    void bytesAndObjectsAreToldApart() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            pipe.first().send("object");
            pipe.first().sendBytes(new byte[] {1, 2, 3});
            Connection two = pipe.second();
            assertThatThrownBy(two::receiveBytes).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("receive() it");
            assertThat(two.receive()).isEqualTo("object");
            byte[] small = new byte[4];
            assertThatThrownBy(() -> two.receiveBytes(small, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the message has 3 bytes, and there is room for 2");
            assertThat(two.receiveBytes(small, 1)).isEqualTo(3);
            assertThat(small).containsExactly(0, 1, 2, 3);
            assertThatThrownBy(() -> two.sendBytes(small, 3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> two.receiveBytes(small, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void oneWayGoesFromFirstToSecond() throws Exception {
        try (Pipe pipe = Pipe.oneWay()) {
            pipe.first().send(1);
            assertThat(pipe.second().receive(Integer.class)).isEqualTo(1);
            assertThatThrownBy(() -> pipe.second().send(1)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> pipe.first().receive()).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> pipe.first().poll(Duration.ZERO))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void whatWasSentBeforeACloseIsReceived() throws Exception {
        Pipe pipe = Pipe.open();
        pipe.first().send("kept until they connect");
        pipe.first().close();
        assertThat(pipe.second().receive()).isEqualTo("kept until they connect");
        assertThat(pipe.second().poll(LONG)).isTrue();
        assertThatThrownBy(pipe.second()::receive)
                .isInstanceOf(ConnectionEndedException.class)
                .hasMessageMatching("pipe \\d+-\\d+ has ended: its other end was closed, or its process has ended");
        assertThatThrownBy(() -> {
            while (true) {
                pipe.second().send(1); // the first may fit the socket
            }
        }).isInstanceOf(ConnectionEndedException.class);
        assertThat(pipe.second().isClosed()).isFalse();
        pipe.close();
        assertThat(pipe.second().isClosed()).isTrue();
        assertThatThrownBy(pipe.second()::receive).isInstanceOf(IOException.class).hasMessageContaining("is closed");
        assertThatThrownBy(() -> pipe.second().send(1)).isInstanceOf(IOException.class)
                .hasMessageContaining("is closed");
    }

    @Test
    void anEndThatIsClosedUnusedEndsTheOther() throws Exception {
        Pipe one = Pipe.open();
        one.first().close();
        assertThatThrownBy(one.second()::receive).isInstanceOf(ConnectionEndedException.class);
        one.close();
        Pipe two = Pipe.open();
        Caller<Object> waits = Caller.of(two.first()::receive);
        waits.awaitInside("select");
        two.second().close();
        assertThat(waits.failure()).isInstanceOf(ConnectionEndedException.class);
        two.close();
    }

    @Test
    void aCloseEndsWaitsOfThisSide() throws Exception {
        for (boolean connected : new boolean[] {false, true}) {
            Pipe pipe = Pipe.open();
            if (connected) {
                connect(pipe);
            }
            Caller<Object> receives = Caller.of(pipe.first()::receive);
            Caller<Object> sends = Caller.of(() -> {
                pipe.first().sendBytes(new byte[4 << 20]);
                return null;
            });
            receives.awaitInside("select");
            sends.awaitInside("select");
            pipe.first().close();
            assertThat(receives.failure()).isInstanceOf(IOException.class).hasMessageContaining("is closed");
            assertThat(sends.failure()).isInstanceOf(IOException.class).hasMessageContaining("is closed");
            pipe.close();
        }
    }

    @Test
    void aWaitThatIsInterruptedLeavesTheConnectionAsItWas() throws Exception {
        Pipe pipe = Pipe.open();
        for (int i = 0; i < 3; i++) { // in the first round they are not connected yet
            Caller<Object> receives = Caller.of(pipe.first()::receive);
            receives.awaitInside("select");
            receives.interrupt();
            assertThat(receives.failure()).isInstanceOf(InterruptedException.class);
            pipe.second().send("message " + i);
            assertThat(pipe.first().receive()).isEqualTo("message " + i);
        }
        Thread.currentThread().interrupt();
        assertThatThrownBy(pipe.first()::receive).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> pipe.first().send(1)).isInstanceOf(InterruptedException.class);
        assertThat(pipe.second().poll(Duration.ZERO)).isFalse();
        pipe.close();
    }

    @Test
    void aVirtualThreadThatWaitsCanBeInterrupted() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            for (int i = 0; i < 20; i++) {
                var call = new FutureTask<>(pipe.first()::receive);
                Thread thread = Thread.ofVirtual().start(call);
                Conditions.await("it waits").until(() -> thread.getState() == Thread.State.WAITING || call.isDone());
                thread.interrupt();
                assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS)).hasCauseInstanceOf(InterruptedException.class);
                pipe.second().send(i);
                assertThat(pipe.first().receive()).isEqualTo(i);
            }
        }
    }

    @Test
    void aSendThatIsInterruptedHalfWayArrivesWhole() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            connect(pipe);
            byte[] large = new byte[8 << 20];
            for (int i = 0; i < large.length; i++) {
                large[i] = (byte) (i * 31 + i / 65_536);
            }
            byte[] copy = large.clone();
            Caller<Object> sends = Caller.of(() -> {
                pipe.first().sendBytes(large);
                return null;
            });
            sends.awaitInside("select");
            sends.interrupt();
            assertThat(sends.failure()).isInstanceOf(InterruptedException.class);
            Arrays.fill(large, (byte) 0); // ours again
            Caller<Object> next = Caller.of(() -> {
                pipe.first().send("next");
                return null;
            });
            assertThat(pipe.second().receiveBytes()).isEqualTo(copy);
            assertThat(pipe.second().receive()).isEqualTo("next");
            next.result();
            Caller<Object> cutOff = Caller.of(() -> {
                pipe.first().sendBytes(copy);
                return null;
            });
            cutOff.awaitInside("select");
            cutOff.interrupt();
            cutOff.failure();
            pipe.first().close(); // unsent messages are sent first
            assertThat(pipe.second().receiveBytes()).isEqualTo(copy);
            assertThatThrownBy(pipe.second()::receive).isInstanceOf(ConnectionEndedException.class);
        }
    }

    /**
     * Even if no thread was available for unsent messages: a process that ends sends them, within its limit for that.
     */
    @Test
    void aProcessThatEndsDoesNotWaitForWhatNobodyReceives() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            connect(pipe);
            int before = Connection.waitingInAll();
            try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-pipe-rest"))) {
                Caller<Object> sends = Caller.of(() -> {
                    pipe.first().sendBytes(new byte[4 << 20]);
                    return null;
                });
                sends.awaitInside("select");
                sends.interrupt();
                assertThat(sends.failure()).isInstanceOf(InterruptedException.class);
            }
            Connection.sendWhatIsKept();
            assertThat(Connection.waitingInAll()).isGreaterThan(before);
            Caller<byte[]> receives = Caller.of(pipe.second()::receiveBytes);
            while (Connection.waitingInAll() > before) {
                Connection.sendWhatIsKept();
            }
            assertThat(receives.result()).hasSize(4 << 20);
        }
    }

    @Test
    void whatIsKeptIsSentThoughNoThreadCanBeHadForIt() throws Exception {
        try (Pipe pipe = Pipe.open();
                var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-pipe-rest"))) {
            pipe.first().send("kept until they connect");
            Caller<Object> receives = Caller.of(pipe.second()::receive);
            assertThat(receives.result()).isEqualTo("kept until they connect");
        }
    }

    @Test
    void largeMessagesBothWaysAtOnce() throws Exception {
        try (Pipe pipe = Pipe.open();
                Pool pool = Pools.open("virtual")) {
            byte[] large = new byte[64 << 20];
            large[large.length - 1] = 7;
            var sent = List.of(
                    pool.submit(() -> {
                        pipe.first().sendBytes(large);
                        return 1;
                    }),
                    pool.submit(() -> {
                        pipe.second().sendBytes(large);
                        return 1;
                    }));
            var got = pool.submit(() -> pipe.second().receiveBytes());
            assertThat(pipe.first().receiveBytes()).isEqualTo(large);
            assertThat(got.get(60, TimeUnit.SECONDS)).isEqualTo(large);
            for (var one : sent) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void manySendersAndReceiversMixAndLoseNothing() throws Exception {
        for (String plan : List.of("threads:8", "virtual")) {
            try (Pipe pipe = Pipe.open();
                    Pool pool = Pools.open(plan)) {
                var got = Collections.synchronizedList(new ArrayList<List<Integer>>());
                var over = new CountDownLatch(4);
                for (int i = 0; i < 4; i++) {
                    pool.submit(() -> {
                        try {
                            while (true) {
                                @SuppressWarnings("unchecked")
                                List<Integer> list = (List<Integer>) pipe.second().receive();
                                got.add(list);
                            }
                        } catch (ConnectionEndedException e) {
                            over.countDown();
                            return null;
                        }
                    });
                }
                var senders = new ArrayList<Future<?>>();
                for (int i = 0; i < 4; i++) {
                    int sender = i;
                    senders.add(pool.submit(() -> {
                        for (int n = 0; n < 500; n++) {
                            pipe.first().send(
                                    new ArrayList<>(Collections.nCopies(n % 50 == 0 ? 20_000 : n % 7 + 1, sender)));
                        }
                        return null;
                    }));
                }
                for (var sender : senders) {
                    sender.get(60, TimeUnit.SECONDS);
                }
                pipe.first().close();
                assertThat(over.await(60, TimeUnit.SECONDS)).isTrue();
                assertThat(got).hasSize(2000).allMatch(list -> new HashSet<>(list).size() == 1);
            }
        }
    }

    @Test
    void waitAnyTellsWhichAreReady() throws Exception {
        List<Pipe> pipes = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            pipes.add(Pipe.open());
        }
        List<Connection> ends = pipes.stream().map(Pipe::second).toList();
        assertThat(Connection.waitAny(ends, Duration.ZERO)).isEmpty();
        assertThat(Connection.waitAny(List.of(), Duration.ofMillis(1))).isEmpty();
        assertThat(Connection.waitAny(ends, Duration.ofMillis(1))).isEmpty();
        Caller<List<Connection>> waits = Caller.of(() -> Connection.waitAny(ends, LONG));
        waits.awaitInside("select");
        pipes.get(123).first().send("x");
        assertThat(waits.result()).containsExactly(ends.get(123));
        pipes.get(7).first().send("y");
        pipes.get(200).first().close();
        Conditions.await("three").until(() -> Connection.waitAny(ends, LONG).size() == 3);
        assertThat(Connection.waitAny(ends, LONG)).containsExactly(ends.get(7), ends.get(123), ends.get(200));
        assertThat(ends.get(123).receive()).isEqualTo("x");
        Caller<List<Connection>> interrupted = Caller.of(() -> Connection.waitAny(ends.subList(0, 5), LONG));
        interrupted.awaitInside("select");
        interrupted.interrupt();
        assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
        ends.get(9).close();
        assertThatThrownBy(() -> Connection.waitAny(ends, LONG)).isInstanceOf(IOException.class)
                .hasMessageContaining("closed");
        pipes.forEach(Pipe::close);
    }

    /** A thread that reads a message for another waiting thread wakes it. */
    @Test
    void aPollDoesNotTakeAMessageFromAReceiver() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            connect(pipe);
            for (int i = 0; i < 50; i++) {
                Caller<Object> receives = Caller.of(pipe.second()::receive);
                receives.awaitInside("select");
                pipe.first().send(i);
                while (!receives.isDone()) {
                    pipe.second().poll(Duration.ZERO);
                }
                assertThat(receives.result()).isEqualTo(i);
            }
        }
    }

    // ---- allow-lists ----

    static final class Foreign {
        private Foreign() {}
    }

    @Test
    void whatIsNotAllowedIsRefusedAndTheNextIsReceived() throws Exception {
        try (Pipe pipe = Pipe.open()) {
            assertThatThrownBy(() -> pipe.first().send(new Foreign()))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("message cannot be sent")
                    .hasMessageContaining("Foreign is not Serializable");
            var foreign = org.opentest4j.ValueWrapper.create("x");
            pipe.first().send(foreign);
            pipe.first().send("next");
            assertThatThrownBy(pipe.second()::receive)
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining(
                            "message refused: class org.opentest4j.ValueWrapper is not on the allow-list");
            assertThat(pipe.second().receive()).isEqualTo("next");
            pipe.first().send(foreign);
            assertThat(pipe.second().allow("org.opentest4j.*").receive().toString()).isNotEmpty();
            assertThatThrownBy(() -> pipe.second().allow("no-pattern")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    // ---- ends that never meet ----

    /** No process can receive the message, as the other end was lost unused. */
    @Test
    void whatNobodyCanReceiveIsNotKept() throws Exception {
        int before = Connection.waitingInAll();
        int pending = EndClaim.pending();
        for (int i = 0; i < 50; i++) {
            Pipe.open().first().sendBytes(new byte[10_000]); // and drops both ends
        }
        Conditions.await("nothing is kept").until(() -> {
            System.gc();
            return Connection.waitingInAll() <= before && EndClaim.pending() <= pending;
        });
    }

    /** If a used end becomes unreachable without a close, the other end is closed. */
    @Test
    void anEndThatIsLostEndsTheOther() throws Exception {
        Connection kept = keptEndOf(Pipe.open());
        Caller<Object> waits = Caller.of(kept::receive);
        Conditions.await("the other was lost").until(() -> {
            System.gc();
            return waits.isDone();
        });
        assertThat(waits.failure()).isInstanceOf(ConnectionEndedException.class);
        kept.close();
    }

    /** If the sending of an end failed, this process still owns it, and closes it when it becomes unreachable. */
    @Test
    void anEndThatCouldNotBeGivenAwayAndIsLostEndsTheOther() throws Exception {
        Connection kept = endWhoseOtherWasRefused(Pipe.open());
        Caller<Object> waits = Caller.of(kept::receive);
        Conditions.await("the other was lost").until(() -> {
            System.gc();
            return waits.isDone();
        });
        assertThat(waits.failure()).isInstanceOf(ConnectionEndedException.class);
        kept.close();
    }

    private static Connection endWhoseOtherWasRefused(Pipe pipe) throws IOException {
        try (var _ = FailingBackend.withoutThreads(thread -> thread.getName().equals("sennit-pipes"));
                var out = new ObjectOutputStream(OutputStream.nullOutputStream())) {
            assertThatThrownBy(() -> out.writeObject(pipe.second())).isInstanceOf(FailingBackend.NoThread.class);
        }
        return pipe.first();
    }

    /**
     * A pool may refuse a task after writing it, and the object that cannot travel may be written after the end of a
     * pipe.
     */
    @Test
    void anEndInATaskThatGoesNowhereAndIsLostEndsTheOther() throws Exception {
        for (boolean canTravel : new boolean[] {true, false}) {
            Connection kept = endWhoseOtherWasInARefusedTask(Pipe.open(), canTravel);
            Caller<Object> waits = Caller.of(kept::receive);
            Conditions.await("the other was lost").until(() -> {
                System.gc();
                return waits.isDone();
            });
            assertThat(waits.failure()).isInstanceOf(ConnectionEndedException.class);
            kept.close();
        }
    }

    private static Connection endWhoseOtherWasInARefusedTask(Pipe pipe, boolean canTravel) {
        ProcessPool closed = ProcessPool.builder().workers(1).heap("64m").open();
        closed.close();
        Connection second = pipe.second();
        Object other = canTravel ? "" : new Object();
        assertThatThrownBy(() -> closed.submit(() -> second.receive() + "" + other))
                .isInstanceOf(canTravel ? RejectedSubmissionException.class : TaskSerializationException.class);
        return pipe.first();
    }

    /** The ends in a refused task stay usable. */
    @Test
    void anEndInATaskThatWasRefusedCanBeGivenAwayAgain() throws Exception {
        Pipe pipe = Pipe.open();
        Connection second = pipe.second();
        try (Connection first = pipe.first();
                ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            ProcessPool closed = ProcessPool.builder().workers(1).heap("64m").open();
            closed.close();
            assertThatThrownBy(() -> closed.submit(() -> second.receive()))
                    .isInstanceOf(RejectedSubmissionException.class);
            TaskFuture<Object> received = pool.submit(() -> second.receive());
            first.send("to a worker");
            assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo("to a worker");
        }
    }

    /** Thousands of such ends may exist. */
    @Test
    void virtualThreadsThatWaitTakeNoOthers() throws Exception {
        Pipe pipe = Pipe.open();
        List<Caller<Object>> waiting = new ArrayList<>();
        try (Connection first = pipe.first();
                Connection second = pipe.second()) {
            first.send("met");
            assertThat(second.receive()).isEqualTo("met");
            int before = ManagementFactory.getThreadMXBean().getThreadCount();
            for (int i = 0; i < 64; i++) {
                waiting.add(Caller.on(Thread.ofVirtual().factory(), second::receive));
            }
            for (Caller<Object> each : waiting) {
                each.awaitWaitingIn("await");
            }
            assertThat(ManagementFactory.getThreadMXBean().getThreadCount() - before).isLessThan(32);
            for (int i = 0; i < 64; i++) {
                first.send("message");
            }
            for (Caller<Object> each : waiting) {
                assertThat(each.result()).isEqualTo("message");
            }
        }
    }

    private static Connection keptEndOf(Pipe pipe) {
        return pipe.first();
    }

    @Test
    void whatAnEndLeavesBehindIsSentThoughNobodyHasItAnyMore() throws Exception {
        Connection second = sentInto();
        System.gc();
        assertThat(second.receive()).isEqualTo("left behind");
        second.close();
        // The sending end closes when it is collected, but only after all its messages are sent.
        Conditions.await("the end that nobody has is closed").untilAsserted(() -> {
            System.gc();
            assertThat(folders()).isSubsetOf(before);
        });
    }

    private static Connection sentInto() throws Exception {
        Pipe pipe = Pipe.open();
        pipe.first().send("left behind");
        return pipe.second();
    }

    /** Unsent messages have a bound for the whole process; beyond it a send waits until its ends are connected. */
    @Test
    void allThatIsKeptIsBounded() throws Exception {
        byte[] large = new byte[60_000];
        List<Pipe> pipes = new ArrayList<>();
        for (int bytes = Connection.waitingInAll(); bytes + large.length + 5 <= Connection.MOST_WAITING_IN_ALL;
                bytes += large.length + 5) {
            Pipe pipe = Pipe.open();
            pipes.add(pipe);
            pipe.first().sendBytes(large);
        }
        Pipe next = Pipe.open();
        Caller<Integer> waits = Caller.of(() -> {
            next.first().sendBytes(large);
            return 1;
        });
        waits.awaitInside("select");
        assertThat(Connection.waitingInAll()).isLessThanOrEqualTo(Connection.MOST_WAITING_IN_ALL);
        assertThat(next.second().receiveBytes()).hasSize(large.length);
        assertThat(waits.result()).isOne();
        next.close();
        for (Pipe pipe : pipes) {
            pipe.second().close();
            pipe.first().close();
        }
        Conditions.await("nothing is kept").until(() -> Connection.waitingInAll() == 0);
    }

    /** Many ends in one message, from a sender whose socket accepts no connections. */
    @Test
    void manyEndsInOneMessageTakeNoThreadEach() throws Exception {
        Path folder = Files.createTempDirectory(FolderOwner.namePrefix());
        Path socket = folder.resolve("socket");
        var ticket = Class.forName(Connection.class.getName() + "$Ticket").getDeclaredConstructors()[0];
        ticket.setAccessible(true);
        int pending = EndClaim.pending();
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket), 1);
            Object[] tickets = new Object[10_000];
            for (int i = 0; i < tickets.length; i++) {
                tickets[i] =
                        ticket.newInstance("1-1", folder.toString(), (long) i, 0L, true, true, List.of(), List.of());
            }
            MessageBuffer message = TaskCodec.encodeValue(new Object[] {tickets, new StringBuilder("not compact")});
            var nobody = new AllowList(List.of());
            assertThatThrownBy(() -> TaskCodec.decodeValue(message.bytes(), message.length(),
                    PipeIT.class.getClassLoader(), nobody))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("this process has 1024 ends of pipes whose other ends have not been used");
            assertThat(Thread.getAllStackTraces().keySet()).as("platform threads").hasSizeLessThan(200);
            try (Pipe pipe = Pipe.open()) {
                connect(pipe);
            }
        }
        Conditions.await("they are gone with the socket").until(() -> EndClaim.pending() <= pending);
        Files.deleteIfExists(socket);
        Files.deleteIfExists(folder);
    }
}
