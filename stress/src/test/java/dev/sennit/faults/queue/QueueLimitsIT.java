package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Upkeep;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * How much a queue in an SQLite file holds, with a worker whose heap has 64 MB and that ends if it is not enough.
 *
 * <p>The build has a fiftieth of each; {@code -Dsennit.queue.percent=100} has all: a million tasks, and so on.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(value = 6, unit = TimeUnit.HOURS) // all of it takes its time; waits are bounded one by one
class QueueLimitsIT {
    private static final int PERCENT = Integer.getInteger("sennit.queue.percent", 1);
    private static final int BATCH = 5_000;
    private static final Duration BOUND = Duration.ofSeconds(120);

    @TempDir
    Path folder;

    private Broker broker;
    private Process worker;
    private Path log;

    private static int some(int all, int least) {
        return Math.max(least, (int) ((long) all * PERCENT / 100));
    }

    @BeforeEach
    void open() {
        broker = Broker.open(uri());
    }

    private String uri() {
        return "sqlite:" + folder.resolve("jobs.db");
    }

    @AfterEach
    void close() {
        broker.close();
        if (worker != null) {
            List<ProcessHandle> children = worker.descendants().toList();
            worker.destroyForcibly().onExit().join();
            children.forEach(ProcessHandle::destroyForcibly);
        }
    }

    // ---- the worker ----

    private void start(String plan, String queues) throws IOException {
        start("64m", plan, queues);
    }

    private void start(String heap, String plan, String queues) throws IOException {
        log = folder.resolve("worker.log");
        worker = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx" + heap,
                "-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                LimitsWorkerMain.class.getName(), uri(), plan, queues)
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }

    private void start() throws IOException {
        start("threads:4", "default");
    }

    /** Waits as long as the number of tasks in the store changes. */
    private void await(Callable<Boolean> condition) throws Exception {
        long since = System.nanoTime();
        String last = "";
        while (!condition.call()) {
            assertThat(worker.isAlive()).as("the worker lives: " + Files.readString(log)).isTrue();
            String now = broker.counts().stream().map(queue -> queue.counts().toString())
                    .collect(Collectors.joining());
            if (!now.equals(last)) {
                last = now;
                since = System.nanoTime();
            }
            if (System.nanoTime() - since > BOUND.toNanos()) {
                throw new AssertionError("nothing happens any more: " + now + "\n" + Files.readString(log));
            }
            Thread.sleep(100);
        }
    }

    private boolean isDone() {
        return broker.counts().isEmpty();
    }

    private boolean hasOnly(TaskState... states) {
        return broker.counts().stream().allMatch(queue -> List.of(states).containsAll(queue.counts().keySet()));
    }

    private long count(TaskState state) {
        return broker.counts().stream().mapToLong(queue -> queue.count(state)).sum();
    }

    /** Ends the worker and prints what the run has taken. Returns what it says of itself. */
    private String end(String what, long start) throws Exception {
        long millis = (System.nanoTime() - start) / 1_000_000;
        String memory = Files.readAllLines(Path.of("/proc", Long.toString(worker.pid()), "status")).stream()
                .filter(line -> line.startsWith("VmHWM")).findFirst().orElse("").replaceAll("\\s+", " ");
        worker.getOutputStream().close();
        assertThat(worker.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(worker.exitValue()).as(Files.readString(log)).isZero();
        System.out
                .println("QueueLimitsIT: " + what + " in " + millis + " ms, memory of the worker " + memory + ", file "
                        + Files.size(folder.resolve("jobs.db")) / 1_000_000 + " MB");
        List<String> lines = Files.readAllLines(log);
        return lines.isEmpty() ? "" : lines.getLast();
    }

    private long enqueue(int count, IntFunction<QueuedTask> task) {
        long start = System.nanoTime();
        for (int i = 0; i < count; i += BATCH) {
            List<QueuedTask> some = new ArrayList<>();
            for (int j = i; j < Math.min(count, i + BATCH); j++) {
                some.add(task.apply(j));
            }
            broker.enqueue(new Batch(some, List.of()));
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    private static QueuedTask count(int number, SubmitOptions options) {
        return LimitsWorkerMain.COUNT.task(number, options).build();
    }

    private long rows(String table) throws SQLException {
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT count(*) FROM sennit_" + table)) {
            return row.getLong(1);
        }
    }

    // ---- the limits ----

    @Test
    void aMillionTasksWait() throws Exception {
        int count = some(1_000_000, 1000);
        long millis = enqueue(count, i -> count(i, SubmitOptions.NONE));
        assertThat(count(TaskState.READY)).isEqualTo(count);
        long start = System.nanoTime();
        start();
        await(this::isDone);
        assertThat(end(count + " queued tasks (enqueued in " + millis + " ms)", start))
                .isEqualTo("ended " + count + " 0 0");
        assertThat(rows("ended")).isEqualTo(count);
    }

    @Test
    void aHundredThousandTasksAreDelayed() throws Exception {
        int count = some(100_000, 1000);
        long start = System.nanoTime();
        enqueue(count, i -> {
            Duration delay = Duration.ofMillis(1000 + i % 4000);
            return LimitsWorkerMain.LATER.task(System.currentTimeMillis() + delay.toMillis(),
                    SubmitOptions.NONE.delay(delay)).build();
        });
        start();
        await(this::isDone);
        assertThat(end(count + " delayed tasks", start)).isEqualTo("ended " + count + " 0 0");
    }

    @Test
    void argumentsHaveTenMegabytes() throws Exception {
        int count = some(50, 5);
        int small = some(20_000, 2_000);
        int length = 10_000_000;
        String text = "x".repeat(length);
        List<String> ids = new ArrayList<>();
        // after many small ones, of which a worker claims many at a time
        enqueue(small, i -> count(i, SubmitOptions.NONE));
        for (int i = 0; i < count; i++) {
            QueuedTask task = LimitsWorkerMain.LENGTH.task(text, SubmitOptions.NONE).build();
            broker.enqueue(Batch.of(task));
            ids.add(task.id());
        }
        long start = System.nanoTime();
        // Jackson has a text of 10 MB several times while it reads it.
        start("256m", "threads:2", "default");
        await(this::isDone);
        assertThat(end(count + " arguments of 10 MB", start)).isEqualTo("ended " + (small + count) + " 0 0");
        assertThat(broker.ended(ids)).hasSize(count).allSatisfy(
                task -> assertThat(new String(task.result(), StandardCharsets.UTF_8)).isEqualTo("" + length));
    }

    @Test
    void aChordOfTenThousandGoesOnWhenItsDeadPartIsReplayed() throws Exception {
        int size = some(10_000, 200);
        Path file = folder.resolve("wanted");
        List<QueuedTask> tasks = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            var part = new PartOf("chord", i);
            tasks.add(i == size / 2
                    ? LimitsWorkerMain.WANTS_FILE.task(file.toString(), SubmitOptions.NONE).part(part).build()
                    : LimitsWorkerMain.COUNT.task(1, SubmitOptions.NONE).part(part).build());
        }
        QueuedTask body = LimitsWorkerMain.SUM.task(new Integer[0], SubmitOptions.NONE).after("chord").build();
        tasks.add(body);
        broker.enqueue(new Batch(tasks, List.of(new Join("chord", size, List.of()))));
        long start = System.nanoTime();
        start();
        await(() -> hasOnly(TaskState.DEAD, TaskState.BLOCKED));
        assertThat(count(TaskState.DEAD)).isEqualTo(1);
        assertThat(broker.find(body.id()).orElseThrow().state()).isEqualTo(TaskState.BLOCKED);
        Files.createFile(file);
        assertThat(broker.replay(TaskFilter.ALL, null)).isEqualTo(1);
        await(this::isDone);
        assertThat(end("a chord of " + size + " tasks, with a dead part that was replayed", start))
                .isEqualTo("ended " + (size + 1) + " 1 0");
        EndedTask end = broker.ended(List.of(body.id())).getFirst();
        assertThat(new String(end.result(), StandardCharsets.UTF_8)).isEqualTo(Integer.toString(size));
        assertThat(end.attempts()).isEqualTo(1);
        assertThat(rows("part")).isZero();
    }

    @Test
    void aHundredThousandKeysHaveLimits() throws Exception {
        int keys = some(100_000, 1000);
        int count = keys + keys / 2; // every second key has another one that waits for its turn
        enqueue(count, i -> count(i, SubmitOptions.NONE.key("customer " + i % keys, 1)));
        assertThat(count(TaskState.HELD)).isEqualTo(count - keys);
        long start = System.nanoTime();
        start();
        await(this::isDone);
        assertThat(end(count + " tasks of " + keys + " keys with limits", start))
                .isEqualTo("ended " + count + " 0 0");
        assertThat(rows("turn")).isZero();
    }

    @Test
    void aThousandQueuesHaveOneWorker() throws Exception {
        int queues = some(1000, 100);
        int count = queues * 5;
        enqueue(count, i -> count(i, SubmitOptions.NONE.queue("q" + i % queues)));
        assertThat(broker.counts()).hasSize(queues);
        long start = System.nanoTime();
        start("threads:4", IntStream.range(0, queues).mapToObj(i -> "q" + i).collect(Collectors.joining(",")));
        await(this::isDone);
        assertThat(end(count + " tasks of " + queues + " queues", start)).isEqualTo("ended " + count + " 0 0");
    }

    @Test
    void poisonThatHaltsItsProcessEndsAmongTheDead() throws Exception {
        int count = some(5_000, 100);
        int poisons = some(50, 3);
        enqueue(count, i -> count(i, SubmitOptions.NONE));
        enqueue(poisons, i -> LimitsWorkerMain.POISON
                .task(i, SubmitOptions.NONE.priority(9).retry(RetryPolicy.NONE.crashes(2))).build());
        long start = System.nanoTime();
        start("processes:2?heap=48m", "default");
        await(() -> hasOnly(TaskState.DEAD));
        assertThat(end(count + " tasks beside " + poisons + " that halt their process", start))
                .isEqualTo("ended " + count + " 0 " + 2 * poisons);
        assertThat(broker.search(TaskFilter.ALL.state(TaskState.DEAD), 1000)).hasSize(poisons)
                .allSatisfy(task -> assertThat(task.reason()).isEqualTo(DeadReason.CRASHED))
                .extracting(TaskView::crashes).containsOnly(2);
    }

    @Test
    void resultsThatNobodyFetchesAreRemoved() throws Exception {
        int count = some(200_000, 2000);
        long start = System.nanoTime();
        enqueue(count, i -> count(i, SubmitOptions.NONE.resultTtl(Duration.ofSeconds(1))));
        start();
        await(() -> {
            broker.upkeep(Upkeep.Limits.USUAL);
            return isDone() && rows("ended") == 0;
        });
        assertThat(end(count + " results that nobody fetches", start)).isEqualTo("ended " + count + " 0 0");
    }
}
