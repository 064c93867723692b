package dev.sennit.queue.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Upkeep;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes on one file, of which some are killed; datagrams; and a disk that is full. */
class SqliteProcessesIT {
    private static final int ROUNDS = Integer.getInteger("sennit.sqliteRounds", 2);
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("greet", "1".getBytes(StandardCharsets.UTF_8)).id(id)
                .retry(RetryPolicy.attempts(100).crashes(1000));
    }

    private static Process worker(String uri, long seed) throws IOException {
        Process process = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-Xmx64m", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), SqliteWorkerMain.class.getName(), uri, Long.toString(seed))
                .redirectErrorStream(true).start();
        String line = process.inputReader().readLine();
        assertThat(line).isEqualTo("works");
        return process;
    }

    /** Whatever moment a process is killed at: each task and its successor are completed, and nothing is left. */
    @Test
    void nothingIsLostWhenProcessesAreKilled() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Path file = folder.resolve("jobs" + seed + ".db");
            killInTheMiddle(file, new Random(seed));
            assertThat(integrity(file)).as("seed " + seed).isEqualTo("ok");
        }
    }

    private static void killInTheMiddle(Path file, Random random) throws Exception {
        String uri = "sqlite:" + file;
        int count = 600;
        Set<String> expected = new HashSet<>();
        try (Broker broker = Broker.open(uri)) {
            List<Process> processes = new ArrayList<>();
            try {
                processes.add(worker(uri, random.nextLong()));
                processes.add(worker(uri, random.nextLong()));
                for (int i = 0; i < count; i += 50) {
                    broker.enqueue(some(i, expected));
                    if (i % 200 == 150) {
                        int done = random.nextInt(expected.size() / 2);
                        await().atMost(LONG).pollInterval(Duration.ofMillis(1))
                                .until(() -> broker.ended(expected).size() >= done);
                        int victim = random.nextInt(processes.size());
                        processes.get(victim).destroyForcibly().waitFor();
                        processes.set(victim, worker(uri, random.nextLong()));
                    }
                }
                await().atMost(LONG).untilAsserted(() -> assertThat(broker.counts()).isEmpty());
            } finally {
                for (Process process : processes) {
                    process.destroyForcibly().waitFor();
                }
            }
            assertThat(broker.search(TaskFilter.ALL.state(TaskState.SUCCEEDED), 10_000)).extracting(TaskView::id)
                    .containsExactlyInAnyOrderElementsOf(expected);
            assertThat(broker.search(TaskFilter.ALL, 10_000)).hasSameSizeAs(expected);
        }
        for (String table : List.of("task", "chord", "part", "turn", "unique", "body")) {
            assertThat(number(file, "SELECT count(*) FROM sennit_" + table)).as(table).isZero();
        }
    }

    /** Tasks with keys, and a chord. */
    private static Batch some(int from, Set<String> expected) {
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = from; i < from + 48; i++) {
            var task = task("t" + i);
            if (i % 3 == 0) {
                task.key(new KeyLimit("k" + i % 5, 1 + i % 2));
            }
            tasks.add(task.build());
        }
        tasks.set(0, task("t" + from).part(new PartOf("j" + from, 0)).build());
        tasks.add(task("w" + from).after("j" + from).build());
        for (QueuedTask task : tasks) {
            expected.add(task.id());
            expected.add(task.id() + "-next");
        }
        return new Batch(tasks, List.of(new Join("j" + from, 1, List.of())));
    }

    private static String integrity(Path file) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery("PRAGMA integrity_check")) {
            return rows.getString(1);
        }
    }

    private static long number(Path file, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            return rows.getLong(1);
        }
    }

    // ---- datagrams ----

    private static final class Heard implements BrokerListener {
        final BlockingQueue<String> news = new LinkedBlockingQueue<>();

        @Override
        public void workMayBeReady() {
            news.add("work");
        }

        @Override
        public void ended(EndedTask end) {
            news.add("ended " + end.id() + " " + end.state());
        }

        @Override
        public void cancelRequested(String id) {
            news.add("cancel " + id);
        }

        @Override
        public void control(ControlMessage message) {
            news.add("control " + message.command());
        }

        String next() throws InterruptedException {
            String next = news.poll(30, TimeUnit.SECONDS);
            return next == null ? "nothing" : next;
        }
    }

    private static Claim claim(Broker broker) {
        return broker.claim(new ClaimRequest("w", List.of("default"), Set.of("greet"), 1, LONG)).claims().getFirst();
    }

    @Test
    void listenersHearWhatOtherBrokerObjectsDo() throws Exception {
        String uri = "sqlite:" + folder.resolve("jobs.db");
        var worker = new Heard();
        var submitter = new Heard();
        try (Broker one = Broker.open(uri); Broker two = Broker.open(uri)) {
            one.subscribe(new BrokerListener.Interest(Set.of("default"), null, "w"), worker);
            two.subscribe(new BrokerListener.Interest(Set.of(), "me", null), submitter);
            two.enqueue(Batch.of(task("a").replyTo("me").build()));
            assertThat(worker.next()).isEqualTo("work");
            Claim claim = claim(one);
            two.cancel("a");
            assertThat(worker.next()).isEqualTo("cancel a");
            two.control(new ControlMessage("w", "quiet", Map.of("a", "b")));
            assertThat(worker.next()).isEqualTo("control quiet");
            one.complete(List.of(new Completion(claim.token(), new byte[] {'1'}, Batch.EMPTY)));
            assertThat(submitter.next()).isEqualTo("ended a SUCCEEDED");
            two.enqueue(Batch.of(task("b").queue("elsewhere").build()));
            two.enqueue(Batch.of(task("c").build()));
            assertThat(worker.next()).isEqualTo("work");
        }
        assertThat(worker.news).isEmpty();
    }

    /** Where nobody sends a datagram - a transaction of the caller's own - the listener looks by itself. */
    @Test
    void listenersHearOfWhatNobodyTellsThem() throws Exception {
        Path file = folder.resolve("jobs.db");
        var worker = new Heard();
        try (Broker broker = Broker.open("sqlite:" + file)) {
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, "w"), worker);
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
                connection.setAutoCommit(false);
                ((SqliteBroker) broker).enqueue(connection, Batch.of(task("a").build()));
                connection.commit();
                connection.rollback();
            }
            assertThat(worker.next()).isEqualTo("work");
        }
    }

    @Test
    void datagramsOfOthersAreNothing() throws Exception {
        Path file = folder.resolve("jobs.db");
        var worker = new Heard();
        try (Broker broker = Broker.open("sqlite:" + file)) {
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, "w"), worker);
            int port = (int) number(file, "SELECT port FROM sennit_listener");
            var random = new Random(7);
            try (var socket = new DatagramSocket()) {
                for (int i = 0; i < 200; i++) {
                    byte[] data = new byte[random.nextInt(40)];
                    random.nextBytes(data);
                    socket.send(new DatagramPacket(data, data.length,
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), port)));
                }
            }
            broker.control(new ControlMessage(null, "last", Map.of()));
            assertThat(worker.next()).isEqualTo("control last");
        }
        assertThat(number(file, "SELECT count(*) FROM sennit_listener")).isZero();
    }

    // ---- a full disk ----

    @Test
    void aFullDiskLosesNothingAndGoesOnWhenThereIsRoom() throws Exception {
        assumeTrue(System.getProperty("user.name").equals("root"), "mounting needs root");
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.toString()) == 0, "cannot mount");
        try {
            fill(disk);
        } finally {
            assertThat(run("umount", disk.toString())).isZero();
        }
    }

    private static int run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start().waitFor();
    }

    private static void fill(Path disk) throws Exception {
        Path ballast = Files.write(disk.resolve("ballast"), new byte[2 << 20]);
        byte[] large = new byte[100_000];
        java.util.Arrays.fill(large, (byte) '1');
        Set<String> accepted = new HashSet<>();
        try (Broker broker = Broker.open("sqlite:" + disk.resolve("jobs.db"))) {
            Throwable refused = null;
            for (int i = 0; i < 200 && refused == null; i++) {
                String id = "t" + i;
                refused = catchThrowable(() -> broker.enqueue(Batch.of(QueuedTask.of("greet", large).id(id).build())));
                if (refused == null) {
                    accepted.add(id);
                }
            }
            assertThat(refused).isInstanceOf(BrokerException.class)
                    .hasMessageMatching("sqlite:\\S+ (is on a full disk|cannot be read or written).*");
            assertThat(((BrokerException) refused).kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
            assertThat(broker.search(TaskFilter.ALL, 1000)).extracting(TaskView::id)
                    .containsExactlyInAnyOrderElementsOf(accepted);
            Files.delete(ballast);
            broker.enqueue(Batch.of(task("last").build()));
            accepted.add("last");
            for (String _ : accepted) {
                Claim claim = claim(broker);
                assertThat(broker.complete(
                        List.of(new Completion(claim.token(), new byte[] {'1'}, Batch.EMPTY)))).containsExactly(true);
            }
            assertThat(broker.upkeep(Upkeep.Limits.USUAL).more()).isFalse();
            assertThat(broker.counts()).isEmpty();
        }
    }
}
