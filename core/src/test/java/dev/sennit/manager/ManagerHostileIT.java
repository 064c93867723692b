package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.CompactForm;
import dev.sennit.codec.Family;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.manager.wire.ChannelWire;
import dev.sennit.manager.wire.ListOperations;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Message;
import dev.sennit.manager.wire.MapOperations;
import dev.sennit.manager.wire.MethodTable;
import dev.sennit.manager.wire.Wire;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.ForgedEnds;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.ValueWrapper;

/** Clients that do not know the key, or break the protocol. */
@Timeout(120)
class ManagerHostileIT {
    private final ManagerServer server =
            ManagerServer.builder().lease(Duration.ofMillis(100)).longestMessage(1 << 16).open();

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
        var wrong =
                new ManagerAddress(1, server.address().socket(), null, new byte[32], null, new AllowList(List.of()));
        assertThatThrownBy(() -> ManagerClient.connect(wrong)).isInstanceOf(ManagerLostException.class)
                .hasMessageContaining("another key");
        assertThat(server.clients()).isZero();
        assertServes();
    }

    /** An overheard answer is useless, as each connection has a challenge of its own. */
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
            assertThat(ManagerProtocol.greetServer(in, out, server.address().key()).server())
                    .isEqualTo(server.address().server());
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
                // the server has closed it meanwhile
            }
            if (i % 3 == 0) {
                open.add(channel); // sends no more, and stays open
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
                java.nio.channels.Channels.newInputStream(channel), java.nio.channels.Channels.newOutputStream(channel),
                address.key());
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
            assertThat(pool.submit(() -> ManagerProcessesIT.Held.server.clients()).get(60, SECONDS))
                    .as("none has failed").isGreaterThanOrEqualTo(20);
            for (SocketChannel channel : open) {
                channel.close();
            }
        }
    }

    // ---- in a process of its own ----

    /**
     * A client with the key, and with a server of its own that pretends to be the manager. The client puts forged
     * values into the manager's queue, and then reports the number of elements of its own list on request.
     */
    static final class Forger {
        public static void main(String[] arguments) throws Exception {
            var in = new ObjectInputStream(System.in);
            var address = (ManagerAddress) in.readObject();
            try (ManagerServer own = ManagerServer.builder().allow(Forgery.PATTERN).open();
                    ManagerClient client = ManagerClient.connect(address)) {
                List<Object> list = own.client().newList();
                list.add(ValueWrapper.create("not allowed"));
                list.add("forged");
                if (in.readBoolean()) {
                    var id = ManagerServer.class.getDeclaredField("id");
                    id.setAccessible(true);
                    id.set(own, address.server()); // it greets with this id from now on
                }
                ForgedEnds ends = ForgedEnds.open();
                ends.kept().send(ValueWrapper.create("not allowed"));
                ends.kept().send("allowed");
                ManagerAddress forged = Forgery.passingFor(address, own.address());
                ManagedQueue<Object> queue = client.queue("forged", 10);
                queue.put(ends.given());
                queue.put(Forgery.firstListAt(forged));
                queue.put(forged);
                do {
                    System.out.write(list.size());
                    System.out.flush();
                } while (System.in.read() != -1);
            }
        }

        /**
         * Starts a forger, which knows only the address of this process; one that lies also greets with the manager's
         * id.
         */
        static Process start(ManagerAddress address, boolean lies, Path folder) throws IOException {
            List<String> arguments = WorkerProcesses.arguments(Forger.class);
            arguments.removeIf(Family.option()::equals);
            Process forger = new ProcessBuilder(WorkerProcesses.write(arguments, folder.resolve("forger.arguments")))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            var out = new ObjectOutputStream(forger.getOutputStream());
            out.writeObject(address);
            out.writeBoolean(lies);
            out.flush();
            return forger;
        }
    }

    /** The manager reads the forged values before their reader does, in a separate process or in the reader's own. */
    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true"})
    void whatAClientForgesIsReadBehindItsReadersList(boolean managerIsApart, boolean lies, @TempDir Path folder)
            throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            ManagerAddress address = managerIsApart
                    ? pool.submit(() -> {
                        ManagerProcessesIT.Held.server = ManagerServer.local();
                        return ManagerProcessesIT.Held.server.address();
                    }).get(60, SECONDS)
                    : server.address();
            try (ManagerClient client = ManagerClient.connect(address)) {
                List<Object> ours = client.list("ours"); // the first list, which the forged values claim to be
                ours.add("before");
                Process forger = Forger.start(address, lies, folder);
                try {
                    assertThat(forger.getInputStream().read()).isEqualTo(2);
                    ManagedQueue<Object> forged = client.queue("forged", 10);
                    assertReadBehindOurList((Connection) forged.take());
                    assertReadBehindOurList((List<?>) forged.take(), lies);
                    var theirs = (ManagerAddress) forged.take();
                    assertThat(theirs.allowed().named()).doesNotContain(Forgery.PATTERN);
                    assertThat(theirs.allowed().locations()).doesNotContain(Forgery.JAR);

                    ours.add("later");
                    client.<Object>list("proxies").add(ours);
                    List<Object> proxy = client.<List<Object>>list("proxies").get(0);
                    proxy.add("by a proxy that came after the forged one");
                    assertThat(ours).containsExactly("before", "later", "by a proxy that came after the forged one");
                    forger.getOutputStream().write(1);
                    forger.getOutputStream().flush();
                    assertThat(forger.getInputStream().read()).as("what the forger's list has").isEqualTo(2);
                    forger.getOutputStream().close();
                    assertThat(forger.waitFor(60, SECONDS)).isTrue();
                } finally {
                    forger.destroyForcibly();
                }
            }
        }
    }

    private static void assertReadBehindOurList(Connection end) throws Exception {
        try (end) {
            assertThatThrownBy(end::receive).isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining(NOT_ALLOWED);
            assertThat(end.receive()).isEqualTo("allowed");
        }
    }

    private static void assertReadBehindOurList(List<?> list, boolean lies) {
        if (lies) {
            assertThatThrownBy(() -> list.get(0)).isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining(NOT_ALLOWED);
            assertThat(list.get(1)).isEqualTo("forged");
        } else {
            assertThatThrownBy(() -> list.get(1)).isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining("another manager");
        }
    }

    private static final String NOT_ALLOWED = "class org.opentest4j.ValueWrapper is not on the allow-list";

    // ---- work without end ----

    /** A server for long messages. */
    private static ManagerServer roomy() {
        return ManagerServer.builder().longestMessage(64 << 20).open();
    }

    /** Returns the number of a method of a list or map, found by its name. */
    private static int number(Class<?> type, String method) {
        for (var one : type.getMethods()) {
            if (one.getName().equals(method) && java.lang.reflect.Modifier.isAbstract(one.getModifiers())) {
                return MethodTable.of(type).numberOf(one);
            }
        }
        throw new AssertionError(method);
    }

    private static long made(SocketChannel channel, ManagedKind kind) throws Exception {
        ask(channel, ManagerProtocol.DIRECTORY, number(Directory.class, "make"), kind, null, 0, null);
        Message answer = answer(channel);
        assertThat(answer.kind()).isEqualTo(ManagerProtocol.VALUE);
        return (Long) Objects.requireNonNull(
                TaskCodec.decodeValue(answer.body(),
                        Reading.behind(new AllowList(List.of()), ManagerHostileIT.class.getClassLoader())));
    }

    private static void ask(SocketChannel channel, long object, int method, @Nullable Object... arguments)
            throws IOException {
        ByteBuffer message = ManagerProtocol.call(1, object, method, 1, TaskCodec.encodeValue(arguments));
        while (message.hasRemaining()) {
            channel.write(message);
        }
    }

    /** Reads an answer without a wire, as a wire would make the channel non-blocking. */
    private static Message answer(SocketChannel channel) throws IOException {
        return Objects.requireNonNull(new ManagerProtocol.Reader(
                new GivenBytes(new byte[0]) {
                    @Override
                    public int read(ByteBuffer target) throws IOException {
                        return channel.read(target);
                    }
                },
                64 << 20)
                .next());
    }

    /** Appends the elements of a list in the form of another collection, which is not made here. */
    private static void append(SocketChannel channel, int tag, List<?> elements) throws Exception {
        MessageBuffer arguments = TaskCodec.encodeValue(new Object[] {new ArrayList<>(elements)});
        long object = made(channel, ManagedKind.LIST);
        ByteBuffer call = ManagerProtocol.call(1, object, number(ListOperations.class, "append"), 1, arguments);
        int at = call.limit() - arguments.length() + BEFORE_FIRST_ARGUMENT;
        assertThat(call.get(at)).isEqualTo((byte) CompactForm.ARRAY_LIST);
        call.put(at, (byte) tag);
        while (call.hasRemaining()) {
            channel.write(call);
        }
    }

    private static String refusal(SocketChannel channel) throws IOException {
        Message answer = answer(channel);
        assertThat(answer.kind()).isEqualTo(ManagerProtocol.FAILURE);
        return TaskCodec.decodeFailure(answer.body(), ManagerHostileIT.class.getClassLoader(), new AllowList(List.of()))
                .toString();
    }

    /** The bytes before the first argument of an array: tag, tag and length of the class name, the name, the length. */
    private static final int BEFORE_FIRST_ARGUMENT = 1 + 1 + 4 + "java.lang.Object".length() + 4;

    /** Wraps a value so that it travels by Java serialization. */
    private static Object inForm(boolean compact, Object value) {
        return compact ? value : new Object[] {value, new StringBuilder("not compact")};
    }

    /** Each set holds the same two sets, each of which holds the same two sets, and so on. */
    @Test
    void setsOfSetsOfSetsAreNotHashed() throws Exception {
        Set<Object> bomb = new HashSet<>();
        Set<Object> one = bomb;
        Set<Object> two = new HashSet<>();
        for (int i = 0; i < 26; i++) {
            Set<Object> nextOne = new HashSet<>();
            Set<Object> nextTwo = new HashSet<>(Set.of("other"));
            one.add(nextOne);
            one.add(nextTwo);
            two.add(nextOne);
            two.add(nextTwo);
            one = nextOne;
            two = nextTwo;
        }
        try (ManagerServer roomy = roomy();
                SocketChannel channel = authenticated(roomy.address())) {
            ask(channel, made(channel, ManagedKind.LIST), number(ListOperations.class, "append"), inForm(false, bomb));
            assertThat(refusal(channel)).contains("if nothing in it came twice");
        }
    }

    /** Each list holds the same list twice: no table in the message, and hashed as a key. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aKeyThatTakesForeverToHashIsRefused(boolean compact) throws Exception {
        List<Object> bomb = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            bomb = new ArrayList<>(Arrays.asList(bomb, bomb));
        }
        try (ManagerServer roomy = roomy();
                SocketChannel channel = authenticated(roomy.address())) {
            ask(channel, made(channel, ManagedKind.MAP), number(MapOperations.class, "putIfAbsent"),
                    inForm(compact, bomb), 1);
            assertThat(refusal(channel)).contains("if nothing in it came twice");
        }
    }

    private static List<Object> colliding(int count) {
        List<Object> keys = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            keys.add(new ArrayList<>(List.of(i, -31 * i)));
        }
        return keys;
    }

    /** Messages that make the server compare each key with each other key, if it does not stop. */
    enum Quadratic {
        A_COMPACT_SET {
            @Override
            void ask(SocketChannel channel) throws Exception {
                append(channel, CompactForm.HASH_SET, colliding(COUNT));
            }
        },
        A_SERIALIZED_SET {
            @Override
            void ask(SocketChannel channel) throws Exception {
                ManagerHostileIT.ask(
                        channel, made(channel, ManagedKind.LIST), number(ListOperations.class, "append"),
                        inForm(false, bomb()));
            }
        },
        KEYS_OF_A_MAP {
            @Override
            void ask(SocketChannel channel) throws Exception {
                Object[] entries =
                        colliding(COUNT).stream().flatMap(key -> java.util.stream.Stream.of(key, 1)).toArray();
                ManagerHostileIT.ask(channel, made(channel, ManagedKind.MAP), number(MapOperations.class, "putAll"),
                        (Object) entries);
            }
        };

        static final int COUNT = 300_000;

        abstract void ask(SocketChannel channel) throws Exception;

        /** Made of keys that do not collide, so that it is made quickly here. */
        static Object bomb() throws Exception {
            Set<Object> bomb = new HashSet<>();
            for (Object key : colliding(COUNT)) {
                bomb.add(new Collider((List<?>) key));
            }
            return bomb;
        }
    }

    /** Has a good hash code here, and travels as its list. */
    private static final class Collider implements java.io.Serializable {
        private static final long serialVersionUID = 1L;
        private final transient List<?> list;

        Collider(List<?> list) {
            this.list = list;
        }

        private Object writeReplace() {
            return list;
        }
    }

    /** Returns the threads of the newest server, without the given threads of others. */
    private static List<Thread> threadsBeside(List<Thread> others) {
        return clientThreads().stream().filter(thread -> !others.contains(thread)).toList();
    }

    private static List<Thread> clientThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().matches("sennit-manager-\\d+-client-.*"))
                .toList();
    }

    private static void awaitWork(List<Thread> others) {
        Conditions.await("the server compares").until(() -> threadsBeside(others).stream()
                .anyMatch(thread -> Arrays.stream(thread.getStackTrace())
                        .anyMatch(frame -> frame.getMethodName().matches("putTreeVal|findTreeNode|treeifyBin"))));
    }

    @ParameterizedTest
    @EnumSource(Quadratic.class)
    void workEndsWithItsClient(Quadratic work) throws Exception {
        List<Thread> others = clientThreads();
        try (ManagerServer roomy = roomy()) {
            try (SocketChannel channel = authenticated(roomy.address())) {
                work.ask(channel);
                awaitWork(others);
            }
            Conditions.await("nobody works for it")
                    .until(() -> roomy.clients() == 0 && threadsBeside(others).isEmpty());
        }
    }

    @ParameterizedTest
    @EnumSource(Quadratic.class)
    void workEndsWithItsServer(Quadratic work) throws Exception {
        List<Thread> others = clientThreads();
        ManagerServer roomy = roomy();
        try (SocketChannel channel = authenticated(roomy.address())) {
            work.ask(channel);
            awaitWork(others);
            roomy.close();
            assertThat(threadsBeside(others)).isEmpty();
        } finally {
            roomy.close();
        }
    }

    /** Harmless messages are read as before. */
    @Test
    void sharedPartsAndPoorHashesAreReadAsEver() throws Exception {
        try (ManagerServer roomy = roomy();
                ManagerClient client = ManagerClient.connect(roomy.address())) {
            List<Object> list = client.newList();
            List<Integer> large = new ArrayList<>(java.util.Collections.nCopies(1_000, 7));
            list.add(new ArrayList<>(java.util.Collections.nCopies(1_000, large)));
            list.add(new Object[] {new ArrayList<>(java.util.Collections.nCopies(1_000, large)),
                new StringBuilder("not compact")});
            Set<Object> collide = new HashSet<>(colliding(2_000));
            list.add(collide);
            list.add(new Object[] {collide, Set.copyOf(colliding(500)), new StringBuilder("not compact")});
            list.add(Set.copyOf(java.util.stream.IntStream.range(0, 300_000).boxed().toList()));
            assertThat((List<?>) list.get(0)).hasSize(1_000);
            assertThat(list.get(2)).isEqualTo(collide);
            assertThat(((Object[]) list.get(3))[0]).isEqualTo(collide);
            assertThat((Set<?>) list.get(4)).hasSize(300_000);
            var map = client.<Object, Integer>newMap();
            map.put(large, 1);
            map.put("Aa", 2);
            map.put("BB", 3);
            assertThat(map.get(new ArrayList<>(large))).isOne();
            assertThat(map.keySet()).containsExactlyInAnyOrder(large, "Aa", "BB");
            assertThat(map.containsValue(3)).isTrue();
            assertThat(map.remove("Aa")).isEqualTo(2);
            assertThat(list.indexOf(collide)).isEqualTo(2);
            assertThat(list.remove(collide)).isTrue();
        }
    }

    /** All elements have the same hash slot. */
    @Test
    void anImmutableSetThatIsMadeAtOneGoIsRefusedWhereItsElementsCrowd() throws Exception {
        try (ManagerServer roomy = roomy();
                SocketChannel channel = authenticated(roomy.address())) {
            append(channel, CompactForm.IMMUTABLE_SET,
                    java.util.stream.IntStream.range(0, 100_000).mapToObj(i -> i * 200_000).toList());
            assertThat(refusal(channel)).contains("with too few hashes");
        }
    }

    /** A wire with given bytes, which drops sent bytes. */
    private static class GivenBytes implements Wire {
        private final ByteBuffer bytes;

        GivenBytes(byte[] bytes) {
            this.bytes = ByteBuffer.wrap(bytes);
        }

        @Override
        public int read(ByteBuffer target) throws IOException {
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

    /** Valid messages of clients with random changes: the server answers or closes the connection, and goes on. */
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
                changed[random.nextInt(changed.length)] =
                        (byte) (random.nextBoolean() ? random.nextInt(12) : random.nextInt(256));
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
            {}, {"text"}, {1, "text"}, {ManagedKind.LIST, null, 0}, {ManagedKind.QUEUE, "queue", 3},
            {new Object[] {1, 2L, "three"}},
            {"queue", "dev.sennit.manager.ManagedQueue", 5L}, {1_000L}
        };
        for (Object[] given : arguments) {
            for (int object = 0; object < 5; object++) {
                for (int method = 0; method < 16; method++) {
                    messages.add(ManagerProtocol.call(
                            1, object, method, 7, given.length == 0 ? null : TaskCodec.encodeValue(given))
                            .array());
                }
            }
        }
        for (byte kind = ManagerProtocol.CANCEL; kind <= ManagerProtocol.PING; kind++) {
            messages.add(ManagerProtocol.message(kind, 1, 1).array());
        }
        return messages;
    }
}
