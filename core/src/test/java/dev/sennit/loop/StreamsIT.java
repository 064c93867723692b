package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sennit.Seeded;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Streams between coroutines, and to plain sockets, on a loop of either mechanism. */
@Timeout(120)
class StreamsIT {
    private static final Duration LONG = Duration.ofSeconds(60);

    private EventLoop loop;

    /** A new loop of the kind that is tested. */
    protected EventLoop open() {
        return EventLoop.open();
    }

    @BeforeEach
    void openLoop() {
        loop = open();
    }

    @AfterEach
    void closeLoop() {
        loop.shutdownNow();
        loop.close();
        assertThat(loop.isTerminated()).isTrue();
    }

    private <T> T inLoop(Task<T> body) throws Exception {
        try {
            return loop.submit(body).get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (Exception) e.getCause();
        }
    }

    /** Two ends of a connection. */
    private record Pair(ByteStream client, ByteStream server) implements AutoCloseable {
        @Override
        public void close() {
            client.close();
            server.close();
        }
    }

    protected ByteStream connect(Listener listener) throws Exception {
        return ByteStream.connect("127.0.0.1", listener.port());
    }

    protected Listener listen() throws Exception {
        return Listener.open(0);
    }

    /** Over TLS a client is connected only when the server has shaken hands. */
    private static ByteStream accept(Listener listener) throws Exception {
        ByteStream server = listener.accept();
        server.handshake();
        return server;
    }

    private Pair pair() throws Exception {
        try (Listener listener = listen()) {
            TaskFuture<ByteStream> accepted = EventLoop.current().submit(() -> accept(listener));
            ByteStream client = connect(listener);
            return new Pair(client, accepted.get());
        }
    }

    /** Not what javac takes for a mistake. */
    private static void stop(Listener listener) {
        listener.close();
    }

    /** Lets the others go on until each waits. */
    private static void letOthersWait() {
        for (int i = 0; i < 10; i++) {
            EventLoop.yieldNow();
        }
    }

    private static Throwable failure(TaskFuture<?> future) throws InterruptedException {
        try {
            throw new AssertionError("should have failed: " + future.get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    // ---- reading and writing ----

    @Test
    void linesGoThereAndBack() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("one\ntwo\r\n\nz\u00fcrich \u20ac \ud83d\ude00\rx\r\nlast");
                pair.client().shutdownOutput();
                ByteStream server = pair.server();
                assertThat(server.readLine(100)).isEqualTo("one");
                assertThat(server.readLine(3)).isEqualTo("two");
                assertThat(server.readLine(0)).isEmpty();
                assertThat(server.readLine(100)).isEqualTo("z\u00fcrich \u20ac \ud83d\ude00\rx");
                assertThat(server.readLine(100)).isEqualTo("last");
                assertThat(server.readLine(100)).isNull();
                assertThat(server.readLine(100)).isNull();
                assertThat(server.read(new byte[1])).isEqualTo(-1);
                server.write("still\n");
                assertThat(pair.client().readLine(100)).isEqualTo("still");
                return null;
            }
        });
    }

    @Test
    void bytesThatComeOneByOneAreALine() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<String> line = loop.submit(() -> pair.server().readLine(10));
                for (byte one : "abcdefghij\r\n".getBytes(StandardCharsets.UTF_8)) {
                    pair.client().write(new byte[] {one});
                    EventLoop.yieldNow();
                }
                assertThat(line.get()).isEqualTo("abcdefghij");
                return null;
            }
        });
    }

    @Test
    void aLineOverTheLimitIsNamedAndStaysUnread() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("abcdefghijk\nnext\n");
                assertThatThrownBy(() -> pair.server().readLine(10))
                        .isInstanceOf(InputTooLongException.class)
                        .hasMessageContaining("the line is longer than 10 bytes")
                        .hasMessageContaining("connection from");
                assertThat(pair.server().readLine(11)).isEqualTo("abcdefghijk");
                assertThat(pair.server().readLine(10)).isEqualTo("next");
                return null;
            }
        });
    }

    @Test
    void anEndlessLineIsRefusedSoonAndNotHeld() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<?> writer = loop.submit(() -> {
                    byte[] letters = new byte[1 << 16];
                    Arrays.fill(letters, (byte) 'x');
                    while (true) {
                        pair.client().write(letters);
                    }
                });
                assertThatThrownBy(() -> pair.server().readLine(100_000)).isInstanceOf(InputTooLongException.class);
                pair.server().close();
                assertThat(failure(writer)).isInstanceOf(SocketException.class).hasMessageContaining("connection to");
                return null;
            }
        });
    }

    @Test
    void tenMegabytesMayBeALine() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                String line = "0123456789".repeat(1 << 20);
                loop.submit(() -> {
                    pair.client().write(line + "\n");
                    return null;
                });
                assertThat(Objects.requireNonNull(pair.server().readLine(line.length())).equals(line)).isTrue();
                return null;
            }
        });
    }

    @Test
    void readExactlyTellsHowManyCameAndLosesNone() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("abcde");
                assertThat(pair.server().readExactly(2)).containsExactly('a', 'b');
                assertThat(pair.server().readExactly(0)).isEmpty();
                pair.client().shutdownOutput();
                assertThatThrownBy(() -> pair.server().readExactly(10))
                        .isInstanceOf(EOFException.class)
                        .hasMessageContaining("ended after 3 of 10 bytes");
                byte[] rest = new byte[10];
                assertThat(pair.server().read(rest)).isEqualTo(3);
                assertThat(rest).startsWith('c', 'd', 'e');
                return null;
            }
        });
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void readUntilTakesASeparatorOfSeveralBytesHoweverItComes() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<byte[]> head = loop.submit(() -> pair.server().readUntil(100, ascii("\r\n\r\n")));
                for (byte one : ascii("GET / \r\n\rx\r\r\n\r\nbody")) { // with what looks like its beginning
                    pair.client().write(new byte[] {one});
                    EventLoop.yieldNow();
                }
                assertThat(head.get()).asString().isEqualTo("GET / \r\n\rx\r\r\n\r\n");
                assertThat(pair.server().readExactly(4)).asString().isEqualTo("body");
                return null;
            }
        });
    }

    @Test
    void readUntilTakesTheFirstOfSeveralSeparators() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("a;b\nc\0\0d");
                pair.client().shutdownOutput();
                byte[][] separators = {ascii("\n"), ascii(";"), ascii("\0\0"), ascii("c\0\0")};
                assertThat(pair.server().readUntil(1, separators)).asString().isEqualTo("a;");
                assertThat(pair.server().readUntil(1, separators)).asString().isEqualTo("b\n");
                assertThat(pair.server().readUntil(0, separators)).asString().isEqualTo("c\0\0");
                assertThatThrownBy(() -> pair.server().readUntil(100, separators))
                        .isInstanceOf(EOFException.class)
                        .hasMessageContaining("ended after 1 bytes without a separator");
                assertThat(pair.server().readLine(1)).isEqualTo("d");
                assertThat(pair.server().readUntil(100, separators)).isNull();
                return null;
            }
        });
    }

    @Test
    void readUntilHasALimitAndLosesNothing() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("abcdef--next--");
                assertThatThrownBy(() -> pair.server().readUntil(5, ascii("--")))
                        .isInstanceOf(InputTooLongException.class)
                        .hasMessageContaining("is longer than 5 bytes");
                assertThat(pair.server().readUntil(6, ascii("--"))).asString().isEqualTo("abcdef--");
                assertThat(pair.server().readUntil(4, ascii("--"))).asString().isEqualTo("next--");
                TaskFuture<?> endless = loop.submit(() -> {
                    byte[] hyphens = new byte[1 << 16];
                    Arrays.fill(hyphens, (byte) '-');
                    while (true) {
                        pair.client().write(hyphens);
                    }
                });
                assertThatThrownBy(() -> pair.server().readUntil(100_000, ascii("--x")))
                        .isInstanceOf(InputTooLongException.class);
                endless.cancel(true);
                assertThatThrownBy(() -> pair.server().readUntil(1)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> pair.server().readUntil(1, new byte[0]))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> pair.server().readUntil(-1, ascii("x")))
                        .isInstanceOf(IllegalArgumentException.class);
                return null;
            }
        });
    }

    @Test
    void aReadUntilThatIsCancelledLosesNothing() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                var ended = new CountDownLatch(1);
                TaskFuture<?> reader = loop.submit(() -> {
                    try {
                        return pair.server().readUntil(100, ascii("||"));
                    } finally {
                        ended.countDown();
                    }
                });
                pair.client().write("half|");
                letOthersWait();
                reader.cancel(true);
                EventLoop.suspending(() -> ended.await(60, TimeUnit.SECONDS));
                pair.client().write("|");
                pair.server().setReadTimeout(LONG);
                assertThat(pair.server().readUntil(100, ascii("||"))).asString().isEqualTo("half||");
                return null;
            }
        });
    }

    /** Against the obvious way to find the first separator. */
    @Test
    void readUntilFindsWhatAPlainSearchFinds() {
        Seeded.repeat(200, random -> inLoop(() -> {
            var generator = random.generator();
            byte[] sent = new byte[generator.nextInt(1, 300)];
            for (int i = 0; i < sent.length; i++) {
                sent[i] = (byte) ('a' + generator.nextInt(2));
            }
            byte[][] separators = new byte[generator.nextInt(1, 4)][];
            for (int i = 0; i < separators.length; i++) {
                separators[i] = new byte[generator.nextInt(1, 6)];
                for (int j = 0; j < separators[i].length; j++) {
                    separators[i][j] = (byte) ('a' + generator.nextInt(2));
                }
            }
            try (Pair pair = pair()) {
                TaskFuture<?> writer = loop.submit(() -> {
                    for (int at = 0; at < sent.length;) {
                        int size = Math.min(generator.nextInt(1, 40), sent.length - at);
                        pair.client().write(ByteBuffer.wrap(sent, at, size));
                        at += size;
                        EventLoop.yieldNow();
                    }
                    pair.client().shutdownOutput();
                    return null;
                });
                int from = 0;
                for (int end = endOfSeparator(sent, from, separators); end >= 0;
                        end = endOfSeparator(sent, from, separators)) {
                    assertThat(pair.server().readUntil(300, separators)).isEqualTo(Arrays.copyOfRange(sent, from, end));
                    from = end;
                }
                assertThat(pair.server().readAll(300)).isEqualTo(Arrays.copyOfRange(sent, from, sent.length));
                writer.get();
            }
            return null;
        }));
    }

    private static int endOfSeparator(byte[] bytes, int from, byte[][] separators) {
        String rest = new String(bytes, from, bytes.length - from, StandardCharsets.US_ASCII);
        for (int end = 1; end <= rest.length(); end++) {
            for (byte[] one : separators) {
                if (rest.substring(0, end).endsWith(new String(one, StandardCharsets.US_ASCII))) {
                    return from + end;
                }
            }
        }
        return -1;
    }

    @Test
    void oneStreamGoesIntoAnotherAsFastAsThatIsRead() throws Exception {
        inLoop(() -> {
            byte[] sent = new byte[8 << 20];
            new java.util.SplittableRandom(1).nextBytes(sent);
            try (Pair source = pair(); Pair target = pair()) {
                loop.submit(() -> {
                    source.client().write(sent);
                    source.client().shutdownOutput();
                    return null;
                });
                assertThat(source.server().transferTo(target.client(), 0)).isZero();
                TaskFuture<Long> first = loop.submit(() -> source.server().transferTo(target.client(), 1_000_001));
                assertThat(Arrays.equals(target.server().readExactly(1_000_001), Arrays.copyOf(sent, 1_000_001)))
                        .isTrue();
                assertThat(first.get()).isEqualTo(1_000_001);
                TaskFuture<Long> rest = loop.submit(() -> {
                    long count = source.server().transferTo(target.client());
                    target.client().shutdownOutput();
                    return count;
                });
                EventLoop.sleep(Duration.ofMillis(20));
                assertThat(rest.isDone()).as("written, though nobody has read").isFalse();
                assertThatThrownBy(() -> source.server().readLine(1)).isInstanceOf(IllegalStateException.class);
                byte[] come = target.server().readAll(sent.length);
                assertThat(Arrays.equals(come, Arrays.copyOfRange(sent, 1_000_001, sent.length))).isTrue();
                assertThat(rest.get()).isEqualTo(sent.length - 1_000_001);
                return null;
            }
        });
    }

    @Test
    void aTransferThatIsCancelledOrWhoseTargetIsGoneLosesNothing() throws Exception {
        inLoop(() -> {
            try (Pair source = pair(); Pair target = pair(); Pair gone = pair()) {
                byte[] sent = new byte[32 << 20];
                new java.util.SplittableRandom(2).nextBytes(sent);
                loop.submit(() -> {
                    source.client().write(sent);
                    source.client().shutdownOutput();
                    return null;
                });
                var over = new CountDownLatch(1);
                TaskFuture<?> transfer = loop.submit(() -> {
                    try {
                        return source.server().transferTo(target.client());
                    } finally {
                        over.countDown();
                    }
                });
                EventLoop.sleep(Duration.ofMillis(50));
                transfer.cancel(true);
                EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
                gone.client().close();
                assertThatThrownBy(() -> source.server().transferTo(gone.client()))
                        .isInstanceOf(StreamClosedException.class);
                TaskFuture<?> rest = loop.submit(() -> {
                    source.server().transferTo(target.client());
                    target.client().shutdownOutput();
                    return null;
                });
                assertThat(Arrays.equals(target.server().readAll(sent.length), sent)).isTrue();
                rest.get();
                return null;
            }
        });
    }

    @Test
    void readTakesWhatThereIs() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("abcdefgh");
                ByteBuffer target = ByteBuffer.allocateDirect(10);
                target.position(1).limit(4);
                assertThat(pair.server().read(target)).isEqualTo(3);
                assertThat(pair.server().read(target)).isZero();
                target.flip().position(1);
                assertThat(StandardCharsets.UTF_8.decode(target).toString()).isEqualTo("abc");
                assertThat(pair.server().read(new byte[0])).isZero();
                byte[] rest = new byte[10];
                assertThat(pair.server().read(rest)).isEqualTo(5);
                assertThat(rest).startsWith('d', 'e', 'f', 'g', 'h');
                return null;
            }
        });
    }

    @Test
    void readAllHasALimit() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.client().write("abc");
                pair.client().shutdownOutput();
                assertThatThrownBy(() -> pair.server().readAll(2))
                        .isInstanceOf(InputTooLongException.class)
                        .hasMessageContaining("the input is longer than 2 bytes");
                assertThat(pair.server().readAll(3)).containsExactly('a', 'b', 'c');
                assertThat(pair.server().readAll(0)).isEmpty();
                return null;
            }
        });
    }

    @Test
    void whateverIsWrittenComesHoweverItIsRead() {
        Seeded.repeat(5, random -> inLoop(() -> {
            byte[] sent = new byte[300_000];
            random.generator().nextBytes(sent);
            try (Pair pair = pair()) {
                TaskFuture<?> writer = loop.submit(() -> {
                    for (int at = 0; at < sent.length;) {
                        int size = Math.min(random.generator().nextInt(1, 1 << random.generator().nextInt(1, 18)),
                                sent.length - at);
                        pair.client().write(ByteBuffer.wrap(sent, at, size));
                        at += size;
                    }
                    pair.client().shutdownOutput();
                    return null;
                });
                var come = new java.io.ByteArrayOutputStream();
                while (true) {
                    int size = random.generator().nextInt(1, 1 << random.generator().nextInt(1, 18));
                    if (random.generator().nextBoolean() && size <= sent.length - come.size()) {
                        come.write(pair.server().readExactly(size));
                        continue;
                    }
                    byte[] target = new byte[size];
                    int count = pair.server().read(target);
                    if (count < 0) {
                        break;
                    }
                    come.write(target, 0, count);
                }
                assertThat(Arrays.equals(come.toByteArray(), sent)).isTrue();
                writer.get();
            }
            return null;
        }));
    }

    // ---- back-pressure ----

    @Test
    void aSlowReaderSlowsItsWriter() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                ByteBuffer much = ByteBuffer.allocate(64 << 20);
                TaskFuture<?> writer = loop.submit(() -> {
                    pair.client().write(much);
                    return null;
                });
                int before = -1;
                while (before != much.position()) { // until the system takes no more
                    before = much.position();
                    EventLoop.sleep(Duration.ofMillis(20));
                }
                assertThat(writer.isDone()).isFalse();
                assertThat(much.position()).isPositive().isLessThan(64 << 20);
                ByteBuffer target = ByteBuffer.allocate(1 << 20);
                for (long count = 0; count < 64 << 20; count += target.position()) {
                    pair.server().read(target.clear());
                }
                writer.get();
                return null;
            }
        });
    }

    @Test
    void ofManyWritersEachWritesAllOfItsOwn() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                int size = 1_000_000;
                List<TaskFuture<?>> writers = new ArrayList<>();
                for (char letter = 'a'; letter < 'i'; letter++) {
                    String line = String.valueOf(letter).repeat(size) + "\n";
                    writers.add(loop.submit(() -> {
                        pair.client().write(line);
                        return null;
                    }));
                }
                for (char letter = 'a'; letter < 'i'; letter++) {
                    String line = Objects.requireNonNull(pair.server().readLine(size));
                    assertThat(line.equals(String.valueOf(letter).repeat(size))).as("line of " + letter).isTrue();
                }
                for (TaskFuture<?> writer : writers) {
                    writer.get();
                }
                return null;
            }
        });
    }

    @Test
    void onlyOneReadsAtATime() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<String> first = loop.submit(() -> pair.server().readLine(10));
                letOthersWait();
                assertThatThrownBy(() -> pair.server().readLine(10))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("is being read by");
                pair.client().write("hello\n");
                assertThat(first.get()).isEqualTo("hello");
                return null;
            }
        });
    }

    // ---- what ends a wait ----

    @Test
    void aCancelledReaderLosesNothing() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                for (int i = 0; i < 20; i++) {
                    var ended = new CountDownLatch(1);
                    TaskFuture<byte[]> reader = loop.submit(() -> {
                        try {
                            return pair.server().readExactly(100);
                        } finally {
                            ended.countDown();
                        }
                    });
                    pair.client().write("abcd");
                    letOthersWait();
                    reader.cancel(true);
                    EventLoop.suspending(() -> ended.await(60, TimeUnit.SECONDS));
                }
                assertThat(pair.server().isClosed()).isFalse();
                assertThat(new String(pair.server().readExactly(80), StandardCharsets.UTF_8))
                        .isEqualTo("abcd".repeat(20));
                return null;
            }
        });
    }

    @Test
    void anInterruptThatIsPendingEndsAWaitAndIsTaken() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                Thread.currentThread().interrupt();
                assertThatThrownBy(() -> pair.server().readLine(10)).isInstanceOf(InterruptedException.class);
                assertThat(Thread.currentThread().isInterrupted()).isFalse();
                pair.client().write("hello\n");
                assertThat(pair.server().readLine(10)).isEqualTo("hello");
                return null;
            }
        });
    }

    @Test
    void aCancelledWriterTellsHowMuchWent() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                ByteBuffer much = ByteBuffer.allocate(64 << 20);
                var seen = new CountDownLatch(1);
                TaskFuture<?> writer = loop.submit(() -> {
                    try {
                        pair.client().write(much);
                    } catch (InterruptedException e) {
                        seen.countDown();
                    }
                    return null;
                });
                EventLoop.sleep(Duration.ofMillis(20));
                writer.cancel(true);
                EventLoop.suspending(() -> seen.await(60, TimeUnit.SECONDS));
                int went = much.position();
                assertThat(went).isLessThan(64 << 20);
                TaskFuture<?> shutdown = loop.submit(() -> { // over TLS it waits until half a record is out
                    pair.client().shutdownOutput();
                    return null;
                });
                assertThat(pair.server().readAll(64 << 20)).hasSize(went);
                shutdown.get();
                return null;
            }
        });
    }

    @Test
    void aCancelledAcceptLeavesTheListenerOpen() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                var ended = new CountDownLatch(1);
                TaskFuture<?> acceptor = loop.submit(() -> {
                    try {
                        return listener.accept();
                    } finally {
                        ended.countDown();
                    }
                });
                letOthersWait();
                acceptor.cancel(true);
                EventLoop.suspending(() -> ended.await(60, TimeUnit.SECONDS));
                TaskFuture<ByteStream> accepted = loop.submit(() -> accept(listener));
                try (ByteStream client = connect(listener); ByteStream server = accepted.get()) {
                    client.write("x\n");
                    assertThat(server.readLine(1)).isEqualTo("x");
                }
                return null;
            }
        });
    }

    @Test
    void timeoutsAreNamedAndLoseNothing() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                pair.server().setReadTimeout(Duration.ofMillis(50));
                pair.client().write("ab");
                assertThatThrownBy(() -> pair.server().readLine(10))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("connection from")
                        .hasMessageContaining("took longer than 50 ms");
                pair.client().write("c\n");
                assertThat(pair.server().readLine(10)).isEqualTo("abc");
                pair.server().setWriteTimeout(Duration.ofMillis(50));
                ByteBuffer much = ByteBuffer.allocate(64 << 20);
                assertThatThrownBy(() -> pair.server().write(much))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("writing to");
                assertThat(much.position()).isPositive();
                assertThatThrownBy(() -> pair.server().setReadTimeout(Duration.ZERO))
                        .isInstanceOf(IllegalArgumentException.class);
                return null;
            }
        });
    }

    @Test
    void aWriteThatWaitsForAnotherSaysSo() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<?> first = EventLoop.current().submit(() -> {
                    pair.server().write(new byte[64 << 20]); // more than the system takes for one who does not read
                    return null;
                });
                EventLoop.yieldNow();
                pair.server().setWriteTimeout(Duration.ofMillis(50));
                assertThatThrownBy(() -> pair.server().write("x"))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("waiting for others that write to connection from")
                        .hasMessageContaining("took longer than 50 ms");
                first.cancel(true);
                return null;
            }
        });
    }

    /** The JDK keeps what it copies an array into, for the next write of that thread. */
    @Test
    void aLargeArrayIsWrittenInPieces() throws Exception {
        int size = 32 << 20;
        inLoop(() -> {
            try (Pair pair = pair()) {
                long before = directMemory();
                loop.submit(() -> {
                    pair.client().write(new byte[size]);
                    return null;
                });
                assertThat(pair.server().readExactly(size)).hasSize(size);
                assertThat(directMemory() - before).isLessThan(size / 2);
                return null;
            }
        });
    }

    private static long directMemory() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    /** A sender of a byte now and then does not hold a reader for longer. */
    @Test
    void aTimeoutIsForTheWholeCall() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<?> drops = loop.submit(() -> {
                    while (true) {
                        pair.client().write("x");
                        EventLoop.sleep(Duration.ofMillis(5));
                    }
                });
                pair.server().setReadTimeout(Duration.ofMillis(200));
                assertThatThrownBy(() -> pair.server().readLine(1 << 20)).isInstanceOf(SocketTimeoutException.class);
                drops.cancel(true);
                return null;
            }
        });
    }

    @Test
    void closingWakesThoseWhoWait() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                TaskFuture<?> reader = loop.submit(() -> pair.server().readLine(10));
                TaskFuture<?> writer = loop.submit(() -> {
                    pair.server().write(ByteBuffer.allocate(64 << 20));
                    return null;
                });
                TaskFuture<?> second = loop.submit(() -> {
                    pair.server().write("after that");
                    return null;
                });
                EventLoop.sleep(Duration.ofMillis(20));
                pair.server().close();
                for (TaskFuture<?> one : List.of(reader, writer, second)) {
                    assertThat(failure(one))
                            .isInstanceOf(StreamClosedException.class)
                            .hasMessageContaining("is closed: close() was called");
                }
                assertThat(pair.server().isClosed()).isTrue();
                assertThatThrownBy(() -> pair.server().readLine(1)).isInstanceOf(StreamClosedException.class);
                assertThatThrownBy(() -> pair.server().write("x")).isInstanceOf(StreamClosedException.class);
                assertThatThrownBy(() -> pair.server().shutdownOutput()).isInstanceOf(StreamClosedException.class);
                assertThat(pair.server().toString()).endsWith(", closed");
                return null;
            }
        });
    }

    @Test
    void closingByAnotherThreadWakesToo() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair(); Listener listener = listen()) {
                TaskFuture<?> reader = loop.submit(() -> pair.server().readLine(10));
                TaskFuture<?> acceptor = loop.submit(listener::accept);
                letOthersWait();
                Thread other = Thread.ofPlatform().start(() -> {
                    pair.server().close();
                    stop(listener);
                });
                assertThat(failure(reader)).isInstanceOf(StreamClosedException.class);
                assertThat(failure(acceptor)).isInstanceOf(StreamClosedException.class)
                        .hasMessageContaining("listener at");
                EventLoop.suspending(() -> {
                    other.join();
                    return true;
                });
                return null;
            }
        });
    }

    @Test
    void theEndOfTheLoopClosesWhatIsOpen() throws Exception {
        ServerSocket outside = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        ByteStream[] streams = new ByteStream[1];
        Listener[] listeners = new Listener[1];
        try (outside) {
            loop.submit(() -> {
                listeners[0] = listen();
                streams[0] = ByteStream.connect("127.0.0.1", outside.getLocalPort());
                return null;
            }).get();
            try (Socket socket = outside.accept()) {
                loop.close();
                assertThat(socket.getInputStream().read()).isEqualTo(-1);
            }
        }
        assertThat(streams[0].isClosed()).isTrue();
        assertThat(listeners[0].isClosed()).isTrue();
        new ServerSocket(listeners[0].port(), 1, InetAddress.getLoopbackAddress()).close();
    }

    @Test
    void anOutsiderMayNotUseIt() throws Exception {
        Pair pair = inLoop(this::pair);
        assertThatThrownBy(() -> pair.client().write("x"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is not a coroutine of it");
        assertThatThrownBy(() -> Listener.open(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> ByteStream.connect("127.0.0.1", 1)).isInstanceOf(IllegalStateException.class);
        pair.close();
    }

    // ---- the other side ----

    @Test
    void aBrokenConnectionIsNamed() throws Exception {
        inLoop(() -> {
            try (Listener listener = Listener.open(0)) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), listener.port());
                try (ByteStream server = listener.accept()) {
                    TaskFuture<?> reader = loop.submit(() -> server.readLine(10));
                    letOthersWait();
                    socket.setSoLinger(true, 0);
                    socket.close();
                    assertThat(failure(reader))
                            .isInstanceOf(SocketException.class)
                            .hasMessageContaining("connection from /127.0.0.1:")
                            .hasMessageContaining("reset");
                    assertThatThrownBy(() -> {
                        while (true) {
                            server.write("x");
                        }
                    })
                            .isInstanceOf(SocketException.class)
                            .hasMessageContaining("connection from /127.0.0.1:");
                }
                return null;
            }
        });
    }

    @Test
    void aHalfClosedConnectionStillAnswers() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                loop.submit(() -> {
                    listener.serve(10, client -> client.write(new StringBuilder(
                            new String(client.readAll(100), StandardCharsets.UTF_8))
                            .reverse()
                            .toString()));
                    return null;
                });
                try (ByteStream client = connect(listener)) {
                    client.write("abc");
                    client.shutdownOutput();
                    assertThat(client.readAll(10)).containsExactly('c', 'b', 'a');
                    assertThatThrownBy(() -> client.write("more")).isInstanceOf(IOException.class);
                }
                return null;
            }
        });
    }

    // ---- connecting ----

    @Test
    void nobodyThere() throws Exception {
        try (var taken = new Socket()) { // so that no other program can listen there meanwhile
            taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            int port = taken.getLocalPort();
            inLoop(() -> {
                assertThatThrownBy(() -> ByteStream.connect("127.0.0.1", port))
                        .isInstanceOf(ConnectException.class)
                        .hasMessage("cannot connect to /127.0.0.1:" + port + ": Connection refused");
                assertThatThrownBy(() -> ByteStream.connect("no-such-host.invalid", port))
                        .isInstanceOf(UnknownHostException.class)
                        .hasMessage("host no-such-host.invalid has no address: check the name");
                return null;
            });
        }
    }

    @Test
    void namesAreLookedUp() throws Exception {
        inLoop(() -> {
            try (Listener listener = Listener.open(0)) {
                TaskFuture<ByteStream> accepted = loop.submit(listener::accept);
                try (ByteStream client =
                        ByteStream.connect(InetSocketAddress.createUnresolved("localhost", listener.port()), LONG);
                        ByteStream server = accepted.get()) {
                    assertThat(server.remoteAddress()).isEqualTo(client.localAddress());
                    assertThat(client.remoteAddress()).isEqualTo(listener.localAddress());
                    assertThat(server.localAddress()).isEqualTo(listener.localAddress());
                }
                return null;
            }
        });
    }

    /** On Linux, a listener whose backlog is full answers no more: then connecting takes until the time-out. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void connectingHasATimeout() throws Exception {
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            inLoop(() -> {
                List<ByteStream> open = new ArrayList<>();
                Throwable seen = catchThrowable(() -> {
                    for (int i = 0; i < 10; i++) {
                        open.add(ByteStream.connect(full.getLocalSocketAddress(), Duration.ofMillis(100)));
                    }
                });
                assertThat(seen).isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("connecting connection to");
                open.forEach(ByteStream::close);
                return null;
            });
        }
    }

    @Test
    void aPortThatIsTaken() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                assertThatThrownBy(() -> Listener.open(listener.port()))
                        .isInstanceOf(BindException.class)
                        .hasMessageContaining("cannot listen at")
                        .hasMessageContaining(String.valueOf(listener.port()));
                assertThat(listener).hasToString("listener at " + listener.localAddress());
                return null;
            }
        });
    }

    @Test
    void aSocketInTheFileSystem(@TempDir Path folder) throws Exception {
        inLoop(() -> {
            var address = UnixDomainSocketAddress.of(folder.resolve("socket"));
            try (Listener listener = Listener.open(address)) {
                TaskFuture<ByteStream> accepted = loop.submit(listener::accept);
                try (ByteStream client = ByteStream.connect(address, LONG); ByteStream server = accepted.get()) {
                    client.write("hello\n");
                    assertThat(server.readLine(10)).isEqualTo("hello");
                }
            }
            return null;
        });
    }

    // ---- serving ----

    @Test
    void aThousandConnections() throws Exception {
        int connections = 1000;
        inLoop(() -> {
            try (Listener listener = Listener.open(0)) {
                TaskFuture<?> served = loop.submit(() -> {
                    listener.serve(connections, client -> {
                        for (String line = client.readLine(100); line != null; line = client.readLine(100)) {
                            client.write(line.toUpperCase(java.util.Locale.ROOT) + "\n");
                        }
                    });
                    return null;
                });
                List<TaskFuture<String>> clients = new ArrayList<>();
                var allConnected = new CountDownLatch(connections);
                for (int i = 0; i < connections; i++) {
                    int number = i;
                    clients.add(loop.submit(() -> {
                        try (ByteStream client = ByteStream.connect("127.0.0.1", listener.port())) {
                            allConnected.countDown();
                            EventLoop.suspending(() -> allConnected.await(60, TimeUnit.SECONDS));
                            for (int j = 0; j < 10; j++) {
                                client.write("client " + number + ' ' + j + "\n");
                                assertThat(client.readLine(100)).isEqualTo("CLIENT " + number + ' ' + j);
                            }
                            return "done";
                        }
                    }));
                }
                for (TaskFuture<String> client : clients) {
                    assertThat(client.get()).isEqualTo("done");
                }
                stop(listener);
                served.get();
                return null;
            }
        });
    }

    @Test
    void noMoreConnectionsThanTheLimit() throws Exception {
        inLoop(() -> {
            try (Listener listener = Listener.open(0)) {
                int[] now = {0};
                int[] most = {0};
                TaskFuture<?> served = loop.submit(() -> {
                    listener.serve(2, client -> {
                        most[0] = Math.max(most[0], ++now[0]);
                        client.write(Objects.requireNonNull(client.readLine(10)) + "\n");
                        now[0]--;
                    });
                    return null;
                });
                List<TaskFuture<String>> clients = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    clients.add(loop.submit(() -> {
                        try (ByteStream client = ByteStream.connect("127.0.0.1", listener.port())) {
                            client.write("x\n");
                            return client.readLine(10);
                        }
                    }));
                }
                for (TaskFuture<String> client : clients) {
                    assertThat(client.get()).isEqualTo("x");
                }
                assertThat(most[0]).isEqualTo(2);
                stop(listener);
                served.get();
                return null;
            }
        });
    }

    @Test
    void aHandlerThatFailsHarmsNobody() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                loop.submit(() -> {
                    listener.serve(1, client -> {
                        if (Objects.requireNonNull(client.readLine(10)).equals("bad")) {
                            throw new IOException("refused by the test");
                        }
                        client.write("fine\n");
                    });
                    return null;
                });
                for (String word : List.of("bad", "good", "bad", "good")) {
                    try (ByteStream client = connect(listener)) {
                        client.write(word + "\n");
                        assertThat(client.readLine(10)).isEqualTo(word.equals("bad") ? null : "fine");
                    }
                }
                return null;
            }
        });
    }

    @Test
    void servingEndsWhenTheHandlersHave() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                var begun = new CountDownLatch(1);
                TaskFuture<?> served = loop.submit(() -> {
                    listener.serve(10, client -> {
                        begun.countDown();
                        client.write(Objects.requireNonNull(client.readLine(10)) + "\n");
                    });
                    return null;
                });
                try (ByteStream client = connect(listener)) {
                    EventLoop.suspending(() -> begun.await(60, TimeUnit.SECONDS));
                    stop(listener);
                    letOthersWait();
                    assertThat(served.isDone()).isFalse();
                    client.write("late\n");
                    assertThat(client.readLine(10)).isEqualTo("late");
                    served.get();
                }
                return null;
            }
        });
    }

    @Test
    void cancelledServingCancelsTheHandlers() throws Exception {
        inLoop(() -> {
            try (Listener listener = listen()) {
                int[] ended = {0};
                var begun = new CountDownLatch(2);
                var over = new CountDownLatch(1);
                TaskFuture<?> served = loop.submit(() -> {
                    try {
                        listener.serve(10, client -> {
                            begun.countDown();
                            try {
                                client.readLine(10);
                            } finally {
                                ended[0]++;
                            }
                        });
                    } finally {
                        over.countDown();
                    }
                    return null;
                });
                try (ByteStream one = connect(listener); ByteStream two = connect(listener)) {
                    EventLoop.suspending(() -> begun.await(60, TimeUnit.SECONDS));
                    letOthersWait();
                    served.cancel(true);
                    EventLoop.suspending(() -> over.await(60, TimeUnit.SECONDS));
                    assertThat(ended[0]).isEqualTo(2);
                    assertThat(one.readLine(10)).isNull();
                    assertThat(two.readLine(10)).isNull();
                }
                return null;
            }
        });
    }

    // ---- what is left ----

    /** While a coroutine computes and yields, others that wait for the network get their turns. */
    @Test
    void busyCoroutinesDoNotKeepTheNetworkFromBeingLookedAt() throws Exception {
        inLoop(() -> {
            try (Pair pair = pair()) {
                boolean[] over = {false};
                for (int i = 0; i < 3; i++) {
                    loop.execute(() -> {
                        while (!over[0]) {
                            EventLoop.yieldNow();
                        }
                    });
                }
                loop.execute(() -> {
                    try {
                        pair.server().write(Objects.requireNonNull(pair.server().readLine(10)) + "\n");
                    } catch (IOException | InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
                letOthersWait();
                pair.client().write("hello\n");
                assertThat(pair.client().readLine(10)).isEqualTo("hello");
                over[0] = true;
                return null;
            }
        });
    }

    /** Other threads wake a loop that waits for the network. */
    @Test
    void aLoopThatWaitsForTheNetworkIsWokenByOtherThreads() throws Exception {
        Pair pair = inLoop(this::pair);
        TaskFuture<String> reader = loop.submit(() -> pair.server().readLine(10));
        for (int i = 0; i < 2000; i++) {
            int number = i;
            assertThat(inLoop(() -> number)).isEqualTo(number);
        }
        assertThat(inLoop(() -> {
            EventLoop.sleep(Duration.ofMillis(10));
            return "slept";
        })).isEqualTo("slept");
        inLoop(() -> {
            pair.client().write("hello\n");
            return null;
        });
        assertThat(reader.get()).isEqualTo("hello");
        pair.close();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void nothingIsLeft() throws Exception {
        inLoop(() -> { // what the JDK itself keeps
            pair().close();
            return null;
        });
        closeLoop();
        int before = files();
        long threads = loopThreads();
        for (int round = 0; round < 3; round++) {
            loop = open();
            TaskFuture<?> abandoned = loop.submit(() -> {
                List<Pair> pairs = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    pairs.add(pair());
                }
                Listener listener = listen();
                loop.execute(() -> catchThrowable(() -> listener.serve(10, client -> client.readLine(1))));
                connect(listener);
                return pairs.getFirst().server().readLine(1);
            });
            Conditions.await("all are open").until(() -> files() > before + 40 && loop.statistics().running() >= 2);
            loop.shutdownNow();
            loop.close();
            assertThat(abandoned.isDone()).isTrue();
        }
        Conditions.await("nothing is left").untilAsserted(() -> {
            assertThat(files()).isLessThanOrEqualTo(before);
            // the one of before may still have been about to end
            assertThat(loopThreads()).isLessThanOrEqualTo(threads);
        });
    }

    /** A closed stream gives its file back at once, though the loop goes on. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void whatIsClosedIsGivenBack() throws Exception {
        Pair pair = inLoop(this::pair);
        int open = files();
        pair.close();
        Conditions.await("both files are gone").untilAsserted(() -> assertThat(files()).isLessThanOrEqualTo(open - 2));
    }

    private static int files() {
        return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
    }

    private static long loopThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(one -> one.getName().startsWith("loop-"))
                .count();
    }
}
