package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.testing.server.TestServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** What cannot be opened says why in one line, and no password. */
class RedisOpenIT {
    private static final String PASSWORD = "hunter2.is-secret";

    private static BrokerException refused(String uri, BrokerException.Kind kind, String... parts) {
        var thrown = new ArrayList<BrokerException>();
        assertThatThrownBy(() -> Broker.open(uri).close()).isInstanceOfSatisfying(BrokerException.class, thrown::add)
                .hasMessageContainingAll(parts).hasMessageNotContainingAny("\n", "\r");
        assertThat(thrown.getFirst().kind()).isEqualTo(kind);
        assertThat(thrown.getFirst().isDoubtful()).isFalse();
        var text = new StringWriter();
        thrown.getFirst().printStackTrace(new PrintWriter(text));
        assertThat(text.toString()).doesNotContain(PASSWORD, "hunter2");
        return thrown.getFirst();
    }

    @Test
    void aServerThatIsNotThere() throws IOException {
        int free;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        refused("redis://:" + PASSWORD + "@127.0.0.1:" + free + "/0", BrokerException.Kind.UNAVAILABLE,
                "redis://:***@127.0.0.1:" + free, "cannot be reached", "see whether the server runs");
        refused("redis://:" + PASSWORD + "@nowhere.invalid/0", BrokerException.Kind.UNAVAILABLE, "unknown host");
    }

    @Test
    void aPasswordOrADatabaseThatIsWrong() throws Exception {
        try (TestServer server = TestServer.redis().password(PASSWORD).open()) {
            String at = "127.0.0.1:" + server.port();
            refused("redis://:hunter2@" + at + "/0", BrokerException.Kind.REFUSED, "refuses this user or password");
            refused("redis://me:" + PASSWORD + "@" + at + "/0", BrokerException.Kind.REFUSED,
                    "redis://me:***@", "refuses this user or password");
            refused("redis://" + at + "/0", BrokerException.Kind.REFUSED, "wants a password");
            try (Broker broker = Broker.open("redis://:" + PASSWORD + "@" + at)) {
                assertThat(broker.name()).doesNotContain(PASSWORD);
                assertThat(broker.toString()).doesNotContain(PASSWORD);
                broker.enqueue(Batch.of(QueuedTask.of("work", new byte[] {'1'}).build()));
            }
        }
        try (TestServer server = TestServer.redis().open()) {
            Broker.open("redis://:" + PASSWORD + "@127.0.0.1:" + server.port()).close(); // it takes any password
            refused("redis://127.0.0.1:" + server.port() + "/99", BrokerException.Kind.REFUSED,
                    "no database of this number");
        }
    }

    @Test
    void aUserWithoutTheRights() throws Exception {
        try (TestServer server = TestServer.redis()
                .configuration("user small on >" + PASSWORD + " ~other:* &* +@all", "user mute on >" + PASSWORD
                        + " ~* &* -@all +auth +hello +select +client +ping")
                .open()) {
            String at = ":" + PASSWORD + "@127.0.0.1:" + server.port();
            refused("redis://mute" + at, BrokerException.Kind.REFUSED, "does not let this user do it");
            refused("redis://small" + at, BrokerException.Kind.REFUSED, "does not let this user do it", "prefix");
        }
    }

    @Test
    void aServerThatThrowsKeysAway() throws Exception {
        try (TestServer server =
                TestServer.redis().configuration("maxmemory 100mb", "maxmemory-policy allkeys-lru").open()) {
            refused(server.uri().toString(), BrokerException.Kind.REFUSED, "throws tasks away",
                    "maxmemory-policy allkeys-lru", "set maxmemory-policy noeviction");
        }
        try (TestServer server =
                TestServer.redis().configuration("maxmemory 100mb", "maxmemory-policy noeviction").open()) {
            Broker.open(server.uri().toString()).close();
        }
    }

    @Test
    void aServerWithoutMemoryTakesNoTaskAndLosesNone() throws Exception {
        try (TestServer server =
                TestServer.redis().configuration("maxmemory 8mb", "maxmemory-policy noeviction").open();
                Broker broker = Broker.open(server.uri().toString())) {
            List<String> accepted = new ArrayList<>();
            assertThatThrownBy(() -> {
                while (true) {
                    QueuedTask task = QueuedTask.of("work", new byte[200_000]).build();
                    broker.enqueue(Batch.of(task));
                    accepted.add(task.id());
                }
            }).isInstanceOfSatisfying(BrokerException.class, e -> {
                assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                assertThat(e.isDoubtful()).isFalse();
            }).hasMessageContainingAll("has no memory left", "raise maxmemory");
            assertThat(accepted).isNotEmpty().allSatisfy(id -> assertThat(broker.find(id)).isPresent());
            var request = new ClaimRequest("w", List.of("default"), Set.of("work"), 100, Duration.ofMinutes(1));
            for (var claims = broker.claim(request).claims(); !claims.isEmpty();
                    claims = broker.claim(request).claims()) { // that needs none, and makes some
                List<Completion> done = claims.stream()
                        .map(claim -> new Completion(claim.token(), new byte[] {'1'}, Batch.EMPTY)).toList();
                assertThat(broker.complete(done)).containsOnly(true);
            }
            assertThat(broker.ended(accepted)).hasSameSizeAs(accepted);
            broker.enqueue(Batch.of(QueuedTask.of("work", new byte[200_000]).build()));
        }
    }

    @Test
    void aNodeOfACluster() throws Exception {
        try (TestServer server = TestServer.redis().configuration("cluster-enabled yes").open()) {
            String at = "redis://127.0.0.1:" + server.port();
            refused(at, BrokerException.Kind.REFUSED, "is a node of a cluster", "?prefix={NAME}");
            refused(at + "/?prefix={jobs}", BrokerException.Kind.REFUSED, "does not have the keys");
            try (var console = new Console(server)) {
                console.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            }
            try (Broker broker = openSoon(at + "/?prefix={jobs}")) {
                QueuedTask task = QueuedTask.of("work", new byte[] {'1'}).build();
                broker.enqueue(Batch.of(task));
                assertThat(broker.find(task.id())).isPresent();
            }
        }
    }

    /** A cluster takes a moment until it says that it is whole. */
    private static Broker openSoon(String uri) throws InterruptedException {
        long start = System.nanoTime();
        while (true) {
            try {
                return Broker.open(uri);
            } catch (BrokerException e) {
                assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(60_000_000_000L);
                Thread.sleep(50);
            }
        }
    }

    @Test
    void aCopyThatCanOnlyBeRead() throws Exception {
        try (TestServer first = TestServer.redis().open();
                TestServer second = TestServer.redis().configuration("replicaof 127.0.0.1 " + first.port()).open()) {
            refused(second.uri().toString(), BrokerException.Kind.REFUSED, "name the primary server");
        }
    }

    @Test
    void aServerThatIsNotRedis() throws Exception {
        try (var other = new Fake("HTTP/1.1 400 Bad Request\r\n\r\n", "")) {
            refused("redis://127.0.0.1:" + other.port(), BrokerException.Kind.REFUSED, "is no Redis server");
        }
        try (var mute = new Fake("", "")) {
            refused("redis://127.0.0.1:" + mute.port(), BrokerException.Kind.UNAVAILABLE, "cannot be reached");
        }
    }

    @Test
    void aServerThatIsTooOld() throws Exception {
        try (var old = new Fake("+OK\r\n", "redis_version:6.2.7\r\nrole:master\r\n")) {
            refused("redis://127.0.0.1:" + old.port(), BrokerException.Kind.REFUSED, "is Redis 6.2.7, too old");
        }
        try (var older = new Fake("-ERR unknown command 'HELLO'\r\n", "")) {
            refused("redis://127.0.0.1:" + older.port(), BrokerException.Kind.REFUSED, "is too old");
        }
        try (var odd = new Fake("*0\r\n", "")) {
            refused("redis://127.0.0.1:" + odd.port(), BrokerException.Kind.REFUSED, "is no Redis server");
        }
    }

    @Test
    void noAddressShowsItsPassword() {
        for (String address : List.of("redis://me:hunter2@127.0.0.1:1/0", "redis://:hunter2@nowhere.invalid/",
                "redis://me:hunter2@127.0.0.1:99999/0", "redis://me:hunter2@/0", "redis://hunter2@127.0.0.1:1/0",
                "redis://me:a@hunter2@127.0.0.1:1/0", "redis://me:a/hunter2@127.0.0.1:1/0",
                "redis://me:a:hunter2@127.0.0.1:1/0", "redis://me:hunter2%zz@127.0.0.1:1/0",
                "redis://127.0.0.1:1/0?password=hunter2", "redis://me:hunter2@127.0.0.1:1/hunter2",
                "redis://me:hunter2@127.0.0.1:1/0?prefix=a b", "redis://me:hunter2@127.0.0.1:1/0?colour=red",
                "redis:me:hunter2@127.0.0.1/0")) {
            assertThatThrownBy(() -> Broker.open(address).close()).as(address)
                    .isInstanceOfAny(IllegalArgumentException.class, BrokerException.class).satisfies(error -> {
                        var text = new StringWriter();
                        error.printStackTrace(new PrintWriter(text));
                        assertThat(text.toString()).doesNotContain("hunter2");
                        assertThat(error.getMessage()).doesNotContain("\n");
                    });
        }
    }

    @Test
    void aServerWithoutAnAppendOnlyFileIsTakenWithAWarning() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger("dev.sennit");
        boolean usesParents = logger.getUseParentHandlers();
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try (TestServer server = TestServer.redis().password(PASSWORD).configuration("appendonly no").open()) {
            Broker.open("redis://:" + PASSWORD + "@127.0.0.1:" + server.port()).close();
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(usesParents);
        }
        assertThat(lines).filteredOn(line -> line.contains("append-only file")).hasSize(1).first().asString()
                .contains("redis://:***@", "set appendonly yes").doesNotContain("\n", PASSWORD);
    }

    /** Answers each command by the same line, and INFO by a text. */
    private static final class Fake implements AutoCloseable {
        private final ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        private final String answer;
        private final String info;

        Fake(String answer, String info) throws IOException {
            this.answer = answer;
            this.info = info;
            Thread.ofVirtual().start(this::accept);
        }

        int port() {
            return socket.getLocalPort();
        }

        private void accept() {
            while (!socket.isClosed()) {
                try (Socket client = socket.accept()) {
                    serve(client);
                } catch (IOException e) {
                    // The next one may come.
                }
            }
        }

        private void serve(Socket client) throws IOException {
            var in = new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (answer.isEmpty()) {
                    return; // it hangs up
                }
                if (line.startsWith("$") || line.startsWith("*")) {
                    continue;
                }
                boolean isCommand = List.of("INFO", "HELLO", "AUTH", "SELECT", "CLIENT").contains(line);
                if (isCommand) {
                    String text = line.equals("INFO") && !info.isEmpty()
                            ? "$" + info.length() + "\r\n" + info + "\r\n"
                            : line.equals("HELLO") && !info.isEmpty() ? "*2\r\n$5\r\nproto\r\n:2\r\n" : answer;
                    client.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
                    client.getOutputStream().flush();
                }
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
