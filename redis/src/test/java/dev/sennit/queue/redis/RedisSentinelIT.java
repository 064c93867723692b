package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.testing.server.TestServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sentinels lead to the master, also to the next one. */
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RedisSentinelIT {
    private static final int TASKS = 400;

    private static QueuedTask task(String type, int argument) {
        return QueuedTask.of(type, Integer.toString(argument).getBytes(StandardCharsets.US_ASCII)).build();
    }

    private static BrokerException refused(String uri, BrokerException.Kind kind, String... parts) {
        var thrown = new ArrayList<BrokerException>();
        assertThatThrownBy(() -> Broker.open(uri).close()).isInstanceOfSatisfying(BrokerException.class, thrown::add)
                .hasMessageContainingAll(parts).hasMessageNotContainingAny("\n", "\r");
        assertThat(thrown.getFirst().kind()).isEqualTo(kind);
        assertThat(thrown.getFirst().isDoubtful()).isFalse();
        var text = new StringWriter();
        thrown.getFirst().printStackTrace(new PrintWriter(text));
        assertThat(text.toString()).doesNotContain("hunter");
        return thrown.getFirst();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /**
     * The master is killed in the middle, and comes back as the replica of the other one. As the replica confirms each
     * task before it counts as accepted, none is lost.
     */
    @Test
    void afterAFailoverAllGoesOnAndNothingIsLost() throws Exception {
        var runs = new AtomicInteger();
        TaskType<Integer, Integer> square = TaskType.of("square", Integer.class, number -> {
            runs.incrementAndGet();
            return number * number;
        });
        try (var group = new SentinelGroup()) {
            checkRefusals(group);
            String uri = group.uri() + "&replicas=1&prefix=soak";
            TestServer first = group.server(0);
            TestServer second = group.server(1);
            Set<String> accepted = ConcurrentHashMap.newKeySet();
            var refusals = new AtomicInteger();
            try (Broker broker = Broker.open(uri);
                    Broker workers = Broker.open(uri);
                    QueueWorker _ = QueueWorker.builder(workers).types(square).on("threads:4").providers(null)
                            .lease(Duration.ofSeconds(2)).start()) {
                assertThat(broker.name()).doesNotContain("hunter").contains("&sentinelPassword=***");
                Thread submitter = Thread.ofVirtual().start(() -> {
                    for (int i = 0; i < TASKS; i++) {
                        accepted.add(enqueue(broker, task("square", i), refusals));
                    }
                });
                SentinelGroup.await("some tasks are there", () -> accepted.size() >= TASKS / 3);
                first.kill();
                SentinelGroup.await("the replica is the master", () -> SentinelGroup.isMaster(second));
                first.start();
                // As sentinels do too, but on a busy machine only after a minute: they distrust their clocks.
                SentinelGroup.asked(first, "REPLICAOF", "127.0.0.1", String.valueOf(second.port()));
                SentinelGroup.await("the old master is the replica",
                        () -> !SentinelGroup.isMaster(first) && SentinelGroup.hasReplica(second));
                submitter.join(Duration.ofSeconds(60));
                assertThat(accepted).hasSize(TASKS);
                SentinelGroup.await("all have ended", () -> broker.ended(accepted).size() == TASKS);
                assertThat(broker.ended(accepted)).extracting(EndedTask::state).containsOnly(TaskState.SUCCEEDED);
            }
            assertThat(refusals.get()).isPositive();
            System.out.println("RedisSentinelIT: " + TASKS + " tasks, " + runs + " runs, " + refusals
                    + " enqueues tried again");
        }
    }

    /** Tries until it is accepted, and returns its id. */
    private static String enqueue(Broker broker, QueuedTask task, AtomicInteger refusals) {
        while (true) {
            try {
                return broker.enqueue(Batch.of(task)).getFirst().id();
            } catch (BrokerException e) {
                assertThat(e.kind()).as(e.getMessage()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                refusals.incrementAndGet();
            }
        }
    }

    private static void checkRefusals(SentinelGroup group) throws IOException {
        String uri = group.uri();
        refused(uri.replace("master=mymaster", "master=other"), BrokerException.Kind.REFUSED,
                "has sentinels that know no master other", "correct ?master=");
        refused(uri.replace(SentinelGroup.SENTINELS_PASSWORD, "hunter1"), BrokerException.Kind.REFUSED,
                "which refuses this user or password", "&sentinelPassword=");
        refused(uri.replace("&sentinelPassword=" + SentinelGroup.SENTINELS_PASSWORD, ""),
                BrokerException.Kind.REFUSED, "which refuses this user or password");
        refused(uri.replace(SentinelGroup.PASSWORD, "hunter1"), BrokerException.Kind.REFUSED,
                "refuses this user or password");
        refused("redis://:" + SentinelGroup.SENTINELS_PASSWORD + "@127.0.0.1:" + group.sentinel(0).port(),
                BrokerException.Kind.REFUSED, "is a sentinel", "redis+sentinel://HOST");
        Broker.open(uri.replaceFirst("127\\.0\\.0\\.1:\\d+", "127.0.0.1:" + freePort())).close(); // the next one knows
    }

    /** It is not known whether the task is there: the server may forget it when it copies its new master. */
    @Test
    void aMasterThatBecomesAReplicaWhileItWaitsForReplicas() throws Exception {
        try (TestServer server = TestServer.redis().password(SentinelGroup.PASSWORD).open();
                Broker broker = Broker.open("redis://:" + SentinelGroup.PASSWORD + "@127.0.0.1:" + server.port()
                        + "?replicas=1")) {
            var enqueued = new FutureTask<>(() -> broker.enqueue(Batch.of(task("square", 1))));
            Thread.ofVirtual().start(enqueued);
            SentinelGroup.await("it waits for replicas",
                    () -> SentinelGroup.asked(server, "INFO", "clients") instanceof byte[] text
                            && new String(text, StandardCharsets.US_ASCII).contains("blocked_clients:1"));
            SentinelGroup.asked(server, "REPLICAOF", "127.0.0.1", String.valueOf(freePort()));
            assertThatThrownBy(enqueued::get).cause().isInstanceOfSatisfying(BrokerException.class, e -> {
                assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                assertThat(e.isDoubtful()).isTrue();
                assertThat(e).hasMessageContaining("has become a replica");
            });
        }
    }

    @Test
    void sentinelsThatAreNotThere() throws IOException {
        int one = freePort();
        refused("redis+sentinel://:" + SentinelGroup.PASSWORD + "@127.0.0.1:" + one + ",nowhere.invalid/0?master=m"
                + "&sentinelPassword=hunter1", BrokerException.Kind.UNAVAILABLE, "has no sentinel that answers",
                "127.0.0.1:" + one + " (", "nowhere.invalid:26379 (unknown host)", "see whether they run");
    }

    @Test
    void aServerThatIsNoSentinel() throws Exception {
        try (TestServer server = TestServer.redis().open()) {
            refused("redis+sentinel://127.0.0.1:" + server.port() + "/0?master=m", BrokerException.Kind.REFUSED,
                    "names 127.0.0.1:" + server.port() + ", which is no sentinel");
        }
    }

    /** Tells the same address until it is told another one, as a sentinel that is cut off from the others would. */
    private static final class Teller implements AutoCloseable {
        private final ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        private final AtomicInteger asked = new AtomicInteger();
        private volatile int told;

        Teller(int told) throws IOException {
            this.told = told;
            Thread.ofVirtual().start(this::accept);
        }

        private void accept() {
            while (!socket.isClosed()) {
                try (var client = socket.accept();
                        var in = new BufferedReader(new InputStreamReader(client.getInputStream(),
                                StandardCharsets.US_ASCII))) {
                    for (@Nullable String line = in.readLine(); line != null; line = in.readLine()) {
                        String answer = switch (line) {
                            case "HELLO" -> "*2\r\n$5\r\nproto\r\n:2\r\n";
                            case "CLIENT" -> "+OK\r\n";
                            case "SENTINEL" -> {
                                asked.incrementAndGet();
                                String port = Integer.toString(told);
                                yield "*2\r\n$9\r\n127.0.0.1\r\n$" + port.length() + "\r\n" + port + "\r\n";
                            }
                            default -> "";
                        };
                        client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                    }
                } catch (IOException e) {
                    // The next one may come.
                }
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private static void runs(TestServer server, String... words) {
        try (var console = new Console(server)) {
            console.run(words);
        }
    }

    /** Nothing breaks the connection to it: it refuses to write, and has changed nothing. */
    @Test
    void aMasterThatHasBecomeAReplicaIsLeft() throws Exception {
        try (TestServer first = TestServer.redis().configuration("repl-diskless-sync-delay 0").open();
                TestServer second = TestServer.redis().configuration("repl-diskless-sync-delay 0").open();
                var stale = new Teller(first.port());
                var fresh = new Teller(first.port());
                Broker broker = Broker.open("redis+sentinel://127.0.0.1:" + stale.socket.getLocalPort()
                        + ",127.0.0.1:" + fresh.socket.getLocalPort() + "/0?master=m")) {
            runs(second, "REPLICAOF", "127.0.0.1", Integer.toString(first.port()));
            SentinelGroup.await("it has all", () -> replicates(first));
            QueuedTask before = task("work", 1);
            broker.enqueue(Batch.of(before));
            int asked = stale.asked.get();
            SentinelGroup.await("it has the task", () -> isThere(second, before));
            runs(second, "REPLICAOF", "NO", "ONE");
            runs(first, "REPLICAOF", "127.0.0.1", Integer.toString(second.port()));
            SentinelGroup.await("it has all", () -> replicates(second));
            fresh.told = second.port(); // and the other one still tells the first
            QueuedTask after = task("work", 2);
            broker.enqueue(Batch.of(after));
            assertThat(stale.asked.get()).isGreaterThan(asked);
            assertThat(isThere(second, after)).isTrue();
            assertThat(broker.find(before.id())).isPresent();
            fresh.told = first.port(); // now none knows, and no sentinel leads to a replica
            refused(broker.name(), BrokerException.Kind.UNAVAILABLE, "has sentinels that name a replica");
        }
    }

    private static boolean replicates(TestServer server) {
        try (var console = new Console(server)) {
            return console.text("INFO", "replication").contains("state=online");
        }
    }

    private static boolean isThere(TestServer server, QueuedTask task) {
        try (var console = new Console(server)) {
            return console.run("EXISTS", "{sennit}:t:" + task.id()) instanceof Long number && number == 1;
        }
    }

    /** What returns is on the replica; without one it is not known to be, and says so. */
    @Test
    void replicasConfirm() throws Exception {
        try (TestServer first = TestServer.redis().configuration("repl-diskless-sync-delay 0").open();
                Broker broker = Broker.open(first.uri() + "?replicas=1")) {
            QueuedTask task = task("work", 1);
            try (TestServer second = TestServer.redis().configuration("replicaof 127.0.0.1 " + first.port()).open()) {
                SentinelGroup.await("it has all", () -> replicates(first));
                for (int i = 0; i < 50; i++) {
                    QueuedTask each = task("work", i);
                    broker.enqueue(Batch.of(each));
                    assertThat(isThere(second, each)).isTrue();
                }
                second.suspend();
                assertThatThrownBy(() -> broker.enqueue(Batch.of(task))).isInstanceOfSatisfying(BrokerException.class,
                        e -> {
                            assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                            assertThat(e.isDoubtful()).isTrue();
                        }).hasMessageContaining("has it, but 0 of 1 replicas have confirmed it within 3 s");
                second.resume();
                assertThat(broker.enqueue(Batch.of(task)).getFirst().isDuplicate()).isFalse();
                assertThat(isThere(second, task)).isTrue();
            }
        }
    }
}
