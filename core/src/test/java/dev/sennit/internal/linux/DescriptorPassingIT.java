package dev.sennit.internal.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Program;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.Linux;
import dev.sennit.internal.SignalSender;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class DescriptorPassingIT {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private final List<Worker> workers = new ArrayList<>();

    @AfterEach
    void end() {
        workers.forEach(worker -> worker.process.destroyForcibly());
    }

    @Test
    void aChildAcceptsOnAListenerOfItsParent() throws Exception {
        String input = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
        try (ListeningSocket tcp =
                ListeningSocket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 99);
                ListeningSocket six = ListeningSocket.bind(new InetSocketAddress(InetAddress.getByName("::"), 0), 99);
                ListeningSocket unix = ListeningSocket.bind(folder.resolve("service"), 99, true)) {
            for (ListeningSocket listener : List.of(tcp, six, unix)) {
                Worker worker = start(listener, "select");
                assertThat(answerFrom(listener.address())).isEqualTo(worker.process.pid());
                assertThat(Files.readSymbolicLink(Path.of("/proc/" + worker.process.pid() + "/fd/0")).toString())
                        .as("the child's standard input is what it was")
                        .startsWith("pipe:");
            }
        }
        assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString()).isEqualTo(input);
    }

    @Test
    void twoShareConnectionsAndOneGoesOnAlone() throws Exception {
        try (ListeningSocket listener = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 99)) {
            Worker one = start(listener, "select");
            Worker other = start(listener, "block");
            one.signal("STOP", "T");
            assertThat(answerFrom(listener.address())).isEqualTo(other.process.pid());
            one.signal("CONT", "S");
            other.signal("STOP", "T");
            assertThat(answerFrom(listener.address())).isEqualTo(one.process.pid());
            other.signal("CONT", "S");
            for (int i = 0; i < 200; i++) { // neither has got stuck where the other was faster
                assertThat(answerFrom(listener.address())).isIn(one.process.pid(), other.process.pid());
            }
            one.process.destroyForcibly().waitFor();
            for (int i = 0; i < 50; i++) {
                assertThat(answerFrom(listener.address())).isEqualTo(other.process.pid());
            }
        }
    }

    @Test
    void connectionsWaitWhileNobodyAccepts() throws Exception {
        try (ListeningSocket listener = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 99)) {
            try (SocketChannel early = SocketChannel.open(listener.address())) {
                Worker worker = start(listener, "select");
                assertThat(answerFrom(early)).isEqualTo(worker.process.pid());
            }
        }
    }

    /** The trap: closing the channel of {@code System.inheritedChannel()} also closes the way to the parent. */
    @Test
    void whoStopsAcceptingKeepsItsOutputAndWhoClosesLosesIt() throws Exception {
        try (ListeningSocket listener = ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 99)) {
            Worker stops = start(listener, "select");
            Worker closes = start(listener, "select");
            stops.say("stop");
            assertThat(stops.said.readLine()).isEqualTo("last words");
            assertThat(answerFrom(listener.address())).isEqualTo(closes.process.pid());
            closes.say("close");
            assertThat(closes.said.readLine()).isNull();
            assertThat(closes.process.waitFor()).isZero();
        }
    }

    @Test
    void whoeverHasLookedForAnInheritedChannelBeforeIsTold() throws Exception {
        assertThat(Program.outputOf(LooksEarlier.class, "--enable-native-access=ALL-UNNAMED"))
                .matches("the listener on /127.0.0.1:\\d+ cannot be taken over: System.inheritedChannel\\(\\) returns "
                        + "null, as it was called before, or this does not listen\n");
    }

    static final class LooksEarlier {
        public static void main(String[] arguments) throws Exception {
            System.inheritedChannel();
            try {
                InheritedListener.take(ListeningSocket.bind(new InetSocketAddress("127.0.0.1", 0), 1).descriptor());
            } catch (IOException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void exactlyOneDescriptorIsAccepted() throws Exception {
        refusalOf(1, 1); // the first may open jars too
        for (int[] sent : new int[][] {{}, {1, 1}, {1, 1, 1, 1, 1}}) {
            String expected = sent.length < 3 ? Integer.toString(sent.length) : "more, or this process has too many";
            long before = openFiles();
            assertThat(refusalOf(sent)).contains("has to send one descriptor, and has sent " + expected);
            assertThat(openFiles()).as("the others are closed").isEqualTo(before);
        }
    }

    private String refusalOf(int... descriptors) throws Exception {
        Path path = folder.resolve("s");
        try (DescriptorReceiver receiver = DescriptorReceiver.bind(path);
                Arena arena = Arena.ofConfined()) {
            int socket = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_STREAM);
            Sockets.connect(socket, SocketName.unix(arena, path.toString()));
            DescriptorMessage.send(socket, descriptors);
            try {
                receiver.receive(LIMIT);
                throw new AssertionError("it was taken");
            } catch (IOException e) {
                return e.getMessage();
            } finally {
                Linux.close(socket);
            }
        }
    }

    @Test
    void bothSidesHaveALimit() throws Exception {
        Path path = folder.resolve("s");
        Duration brief = Duration.ofMillis(50);
        try (DescriptorReceiver receiver = DescriptorReceiver.bind(path)) {
            assertThatThrownBy(() -> receiver.receive(brief))
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("receiving a descriptor at " + path);
            assertThatThrownBy(() -> DescriptorSender.send(path, 1, brief)) // nobody accepts it
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("sending descriptor 1 to " + path);
        }
        try (DescriptorReceiver receiver = DescriptorReceiver.bind(path);
                Arena arena = Arena.ofConfined()) {
            int silent = Sockets.open(SocketName.AF_UNIX, Sockets.SOCK_STREAM);
            Sockets.connect(silent, SocketName.unix(arena, path.toString()));
            assertThatThrownBy(() -> receiver.receive(brief)).isInstanceOf(SocketTimeoutException.class);
            Linux.close(silent);
        }
        assertThatThrownBy(() -> DescriptorSender.send(path, 1, LIMIT))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot send descriptor 1 to " + path + ": no such file or folder");
    }

    @Test
    void aSenderHearsThatTheReceiverHasGone() throws Exception {
        Path path = folder.resolve("s");
        DescriptorReceiver receiver = DescriptorReceiver.bind(path);
        var sent = new FutureTask<>(() -> {
            DescriptorSender.send(path, 1, LIMIT);
            return true;
        });
        Thread thread = Thread.ofPlatform().start(sent);
        Conditions.await("it has connected").until(() -> connections(path) > 1);
        receiver.close();
        assertThatThrownBy(() -> sent.get(10, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("cannot send descriptor 1 to " + path);
        thread.join();
    }

    private static long connections(Path path) throws IOException {
        try (var all = Files.lines(Path.of("/proc/net/unix"))) {
            return all.filter(line -> line.endsWith(" " + path)).count();
        }
    }

    private static long openFiles() throws IOException {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    // ---- workers ----

    private Worker start(ListeningSocket listener, String way) throws IOException {
        Path path = folder.resolve("meeting-" + workers.size());
        Process process = new ProcessBuilder(Program.command(
                List.of("--enable-native-access=ALL-UNNAMED", "-Xmx32m"),
                Acceptor.class,
                path.toString(),
                way))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Worker worker = new Worker(process, process.inputReader());
        workers.add(worker);
        assertThat(worker.said.readLine()).isEqualTo("waits");
        DescriptorSender.send(path, listener.descriptor(), LIMIT);
        assertThat(worker.said.readLine()).isEqualTo("accepts");
        return worker;
    }

    private record Worker(Process process, BufferedReader said) {
        void say(String word) throws IOException {
            process.outputWriter().write(word + "\n");
            process.outputWriter().flush();
        }

        void signal(String name, String state) throws Exception {
            assertThat(SignalSender.send(process.toHandle(), SignalSender.numberOf(name))).isTrue();
            Path stat = Path.of("/proc/" + process.pid() + "/stat");
            Conditions.await("state " + state)
                    .until(() -> Files.readString(stat).contains(") " + state));
        }
    }

    /** Tells everybody who connects its process id. */
    static final class Acceptor {
        public static void main(String[] arguments) throws Exception {
            int descriptor;
            try (DescriptorReceiver receiver = DescriptorReceiver.bind(Path.of(arguments[0]))) {
                System.out.println("waits");
                descriptor = receiver.receive(LIMIT);
            }
            ServerSocketChannel listener = InheritedListener.take(descriptor);
            System.out.println("accepts");
            if (arguments[1].equals("block")) {
                while (true) {
                    answer(listener.accept());
                }
            }
            Selector selector = Selector.open();
            listener.configureBlocking(false);
            SelectionKey key = listener.register(selector, SelectionKey.OP_ACCEPT);
            var orders = new FutureTask<>(() -> new BufferedReader(new InputStreamReader(System.in)).readLine()) {
                @Override
                protected void done() { // not before: the selector would wait again
                    selector.wakeup();
                }
            };
            Thread.ofPlatform().daemon().start(orders);
            while (!orders.isDone()) {
                selector.select();
                answer(listener.accept());
                selector.selectedKeys().clear();
            }
            key.cancel();
            selector.close();
            if (orders.get().equals("close")) {
                listener.close();
            }
            System.out.println("last words");
        }

        private static void answer(SocketChannel client) throws IOException {
            try (client) {
                if (client != null) {
                    client.write(ByteBuffer.allocate(Long.BYTES)
                            .putLong(ProcessHandle.current().pid())
                            .flip());
                }
            }
        }
    }

    private static long answerFrom(SocketAddress address) throws IOException {
        try (SocketChannel client = SocketChannel.open(address)) {
            return answerFrom(client);
        }
    }

    private static long answerFrom(SocketChannel client) throws IOException {
        return ByteBuffer.wrap(Channels.newInputStream(client).readNBytes(Long.BYTES)).getLong();
    }
}
