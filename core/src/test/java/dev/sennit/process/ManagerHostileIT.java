package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that do not know the key, or do not keep to the rules. */
@Timeout(120)
class ManagerHostileIT {
    private final ManagerServer server = ManagerServer.builder().lease(Duration.ofMillis(100)).longestMessage(1 << 16).open();

    @AfterEach
    void close() {
        server.close();
    }

    private static SocketChannel connect(ManagerAddress address) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(Objects.requireNonNull(address.socket())));
    }

    private static byte[] readAll(SocketChannel channel) throws IOException {
        return java.nio.channels.Channels.newInputStream(channel).readAllBytes();
    }

    private void assertServes() {
        try (ManagerClient client = ManagerClient.connect(server.address())) {
            List<Integer> list = client.newList();
            list.add(1);
            assertThat(list).containsExactly(1);
        }
    }

    // ---- without the key ----

    @Test
    void aWrongKeyLearnsNothingButTheChallenge() throws Exception {
        for (int change = 0; change < 64; change++) {
            try (SocketChannel channel = connect(server.address())) {
                byte[] answer = new byte[64];
                answer[change] = 1;
                channel.write(ByteBuffer.wrap(answer));
                assertThat(readAll(channel)).hasSize(40);
            }
        }
        var wrong = new ManagerAddress(1, server.address().socket(), null, new byte[32], null, List.of());
        assertThatThrownBy(() -> ManagerClient.connect(wrong)).isInstanceOf(ManagerLostException.class).hasMessageContaining("another key");
        assertThat(server.clients()).isZero();
        assertServes();
    }

    /** An answer that was overheard is worth nothing: each connection has a challenge of its own. */
    @Test
    void anAnswerCannotBePlayedBack() throws Exception {
        var spoken = new java.io.ByteArrayOutputStream();
        try (SocketChannel channel = connect(server.address())) {
            var in = java.nio.channels.Channels.newInputStream(channel);
            var out = new java.io.FilterOutputStream(java.nio.channels.Channels.newOutputStream(channel)) {
                @Override
                public void write(byte[] bytes) throws IOException {
                    spoken.write(bytes);
                    super.out.write(bytes);
                }
            };
            assertThat(ManagerProtocol.greetServer(in, out, server.address().key()).server()).isEqualTo(server.address().server());
        }
        assertThat(spoken.size()).isEqualTo(64);
        try (SocketChannel channel = connect(server.address())) {
            channel.write(ByteBuffer.wrap(spoken.toByteArray()));
            assertThat(readAll(channel)).hasSize(40);
        }
    }

    @Test
    void garbageAndHalfAnswersKeepNobodyOut() throws Exception {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var random = new SplittableRandom(seed);
        List<SocketChannel> open = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            SocketChannel channel = connect(server.address());
            byte[] garbage = new byte[random.nextInt(200)];
            random.nextBytes(garbage);
            try {
                channel.write(ByteBuffer.wrap(garbage));
            } catch (IOException e) {
                // it was closed meanwhile
            }
            if (i % 3 == 0) {
                open.add(channel); // says nothing more, and stays
            } else {
                channel.close();
            }
        }
        assertServes();
        assertThat(server.toString()).as("-Dsennit.seed=%d", seed).doesNotContain("closed");
        for (SocketChannel channel : open) {
            channel.close();
        }
    }

    @Test
    void aThousandConnectionsThatSayNothingKeepNobodyOut() throws Exception {
        List<SocketChannel> open = new ArrayList<>();
        try {
            for (int i = 0; i < 1_000; i++) {
                open.add(connect(server.address()));
                if (i % 200 == 0) {
                    assertServes();
                }
            }
            assertServes();
            assertThat(readAll(open.getFirst())).as("the oldest was closed for the others").hasSize(40);
        } finally {
            for (SocketChannel channel : open) {
                channel.close();
            }
        }
    }

    // ---- with the key ----

    private static SocketChannel authenticated(ManagerAddress address) throws IOException {
        SocketChannel channel = connect(address);
        ManagerProtocol.greetServer(
                java.nio.channels.Channels.newInputStream(channel), java.nio.channels.Channels.newOutputStream(channel), address.key());
        return channel;
    }

    @Test
    void whatBreaksTheRulesEndsItsConnectionOnly() throws Exception {
        List<ByteBuffer> wrong = List.of(
                ByteBuffer.allocate(33).putInt(-1).rewind(),
                ByteBuffer.allocate(33).putInt((1 << 16) + 1).rewind(),
                ManagerProtocol.message((byte) 99, 1, 1),
                ManagerProtocol.message(ManagerProtocol.VALUE, 1, 1));
        for (ByteBuffer bytes : wrong) {
            try (SocketChannel channel = authenticated(server.address())) {
                channel.write(bytes);
                assertThat(readAll(channel)).isEmpty();
            }
        }
        assertServes();
    }

    @Test
    void callsOfWhatIsNotThereFailAlone() throws Exception {
        try (SocketChannel channel = authenticated(server.address())) {
            channel.write(ManagerProtocol.call(1, 999, 0, 1, null));
            channel.write(ManagerProtocol.call(2, ManagerProtocol.DIRECTORY, 99, 1, null));
            channel.write(ManagerProtocol.call(3, ManagerProtocol.DIRECTORY, -1, 1, null));
            channel.write(ManagerProtocol.call(4, ManagerProtocol.DIRECTORY, 0, 1, null)); // without its arguments
            channel.write(ManagerProtocol.message(ManagerProtocol.CANCEL, 77, 0));
            channel.write(ManagerProtocol.message(ManagerProtocol.RETAIN, 0, 999));
            channel.write(ManagerProtocol.message(ManagerProtocol.RELEASE, 0, 999));
            channel.write(ManagerProtocol.message(ManagerProtocol.PING, 5, 0));
            List<Byte> kinds = new ArrayList<>();
            var messages = new ManagerProtocol.Reader(new ChannelWire(channel, false), 1 << 16);
            for (int i = 0; i < 5; i++) {
                kinds.add(Objects.requireNonNull(messages.next()).kind());
            }
            byte failure = ManagerProtocol.FAILURE;
            assertThat(kinds).containsExactly(failure, failure, failure, failure, ManagerProtocol.PONG);
        }
    }

    /** A server with little memory, and clients that announce far more than they send. */
    @Test
    void aLengthThatLiesAllocatesNothing() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("32m").open()) {
            ManagerAddress address = pool.submit(() -> {
                ManagerProcessesIT.Held.server = ManagerServer.local();
                return ManagerProcessesIT.Held.server.address();
            }).get(60, SECONDS);
            List<SocketChannel> open = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                SocketChannel channel = authenticated(address);
                channel.write(ByteBuffer.allocate(100).putInt(60 << 20).put(ManagerProtocol.CALL).rewind());
                open.add(channel);
            }
            try (ManagerClient client = ManagerClient.connect(address)) {
                assertThat(client.newList()).isEmpty();
            }
            assertThat(pool.submit(() -> ManagerProcessesIT.Held.server.clients()).get(60, SECONDS)).as("none has failed").isGreaterThanOrEqualTo(20);
            for (SocketChannel channel : open) {
                channel.close();
            }
        }
    }

    /** Brings given bytes, and forgets what is sent. */
    private static final class GivenBytes implements Wire {
        private final ByteBuffer bytes;

        GivenBytes(byte[] bytes) {
            this.bytes = ByteBuffer.wrap(bytes);
        }

        @Override
        public int read(ByteBuffer target) {
            if (!bytes.hasRemaining()) {
                return -1;
            }
            int count = Math.min(target.remaining(), bytes.remaining());
            target.put(bytes.slice(bytes.position(), count));
            bytes.position(bytes.position() + count);
            return count;
        }

        @Override
        public void send(ByteBuffer unsent, @Nullable Runnable ifUnsent) {
            if (ifUnsent != null) {
                ifUnsent.run();
            }
        }

        @Override
        public void close() {}
    }

    /** What clients say in earnest, changed in some places: the server answers, or ends that connection, and lives. */
    @Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time
    @Test
    void changedMessagesHarmNobody() throws Exception {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var random = new SplittableRandom(seed);
        ManagerClient client = server.client();
        client.list("list");
        client.map("map");
        client.queue("queue", 10).add("element");
        client.lock("lock");
        List<byte[]> sound = soundMessages();
        for (int i = 0; i < Integer.getInteger("sennit.mutations", 20_000); i++) {
            byte[] changed = sound.get(random.nextInt(sound.size())).clone();
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                changed[random.nextInt(changed.length)] = (byte) (random.nextBoolean() ? random.nextInt(12) : random.nextInt(256));
            }
            if (random.nextInt(10) == 0) {
                changed = Arrays.copyOf(changed, random.nextInt(changed.length));
            }
            try {
                new ManagerSession(server, new GivenBytes(changed), "changed").serve();
            } catch (Throwable e) {
                throw new AssertionError("message " + i + " fails with -Dsennit.seed=" + seed, e);
            }
        }
        assertServes();
        assertThat(client.lock("lock").tryLock()).as("nobody that is gone has it, -Dsennit.seed=%d", seed).isTrue();
    }

    private static List<byte[]> soundMessages() {
        List<byte[]> messages = new ArrayList<>();
        Object[][] arguments = {
            {}, {"text"}, {1, "text"}, {ManagedKind.LIST, null, 0}, {ManagedKind.QUEUE, "queue", 3}, {new Object[] {1, 2L, "three"}},
            {"queue", "dev.sennit.process.ManagedQueue", 5L}, {1_000L}
        };
        for (Object[] given : arguments) {
            for (int object = 0; object < 5; object++) {
                for (int method = 0; method < 16; method++) {
                    messages.add(ManagerProtocol.call(1, object, method, 7, given.length == 0 ? null : TaskCodec.encodeValue(given)).array());
                }
            }
        }
        for (byte kind = ManagerProtocol.CANCEL; kind <= ManagerProtocol.PING; kind++) {
            messages.add(ManagerProtocol.message(kind, 1, 1).array());
        }
        return messages;
    }
}
