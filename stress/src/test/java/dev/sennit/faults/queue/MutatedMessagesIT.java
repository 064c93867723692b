package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Messages and arguments that somebody has spoilt in the store: each runs nevertheless, if it is still one, or is among
 * the dead with its bytes and the reason. The worker goes on, the tasks beside them succeed, and no class is loaded
 * because a message names it.
 *
 * <p>{@code -Dsennit.mutations=1000000} makes a long run of it, {@code -Dsennit.seed=} repeats one.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time; waits are bounded one by one
class MutatedMessagesIT {
    private static final int MUTATIONS = Integer.getInteger("sennit.mutations", 5_000);
    private static final int A_ROUND = 10_000;
    /** One sound task beside so many spoilt ones. */
    private static final int SOUND = 10;
    /** How many spoilt callbacks of a round may stay ready. */
    private static final int MOST_UNKNOWN = 100;
    private static final Duration BOUND = Duration.ofSeconds(90);
    private static final String LOADED = "sennit.test.bomb";

    /** What messages name, and nothing may load. */
    static final class Bomb {
        static {
            System.setProperty(LOADED, "yes");
        }

        public int number;
    }

    /** An argument with a bit of everything. */
    record Order(int number, String customer, List<Double> prices, Map<String, String> notes, Object any) {}

    private static final TaskType<Order, Integer> ORDER = TaskType.of("orders.check", Order.class,
            order -> order == null ? 0 : order.number);
    private static final TaskType<Order, Integer> FAILED = TaskType.of("orders.failed", Order.class,
            order -> order == null ? 0 : order.number);

    private static final List<String> TOKENS = List.of("null", "true", "-1", "0", "1e999", "99999999999999999999",
            "9223372036854775807", "0.5", "\"\"", "{}", "[]", "[".repeat(2000), "{\"a\":".repeat(600), "NaN", "\\u0000",
            "\"orders.nobody\"", "\"orders.failed\"", "\"" + Bomb.class.getName() + "\"",
            "{\"@class\":\"" + Bomb.class.getName() + "\",\"number\":1}",
            "[\"" + Bomb.class.getName() + "\",{\"number\":1}]", "\"java.lang.Runtime\"", "}", "\"", ",", ":",
            "\"key\":{\"key\":\"k\",\"limit\":0},", "\"hardLimit\":1,", "\"softLimit\":9223372036854775807,",
            "\"part\":{\"join\":\"j\",\"index\":7},", "\"after\":\"nowhere\",", "\"version\":7,", "\"resultTtl\":-5,");

    @TempDir
    Path folder;

    private record Spoilt(boolean isMessage, byte[] bytes) {}

    @Test
    void spoiltMessagesHarmNoOtherTask() throws Exception {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var random = new SplittableRandom(seed);
        Map<String, Integer> figures = new TreeMap<>();
        try {
            Path file = folder.resolve("jobs.db");
            try (Broker broker = Broker.open("sqlite:" + file)) {
                for (int done = 0; done < MUTATIONS; done += A_ROUND) {
                    round(broker, file, Math.min(A_ROUND, MUTATIONS - done), random, figures);
                }
            }
        } catch (Throwable e) {
            throw new AssertionError("fails with -Dsennit.seed=" + seed, e);
        }
        assertThat(System.getProperty(LOADED)).as("a class that a message names was loaded").isNull();
        System.out.println("MutatedMessagesIT: -Dsennit.seed=" + seed + ": " + MUTATIONS + " spoilt: " + figures);
    }

    private static void round(
            Broker broker, Path file, int count, SplittableRandom random, Map<String, Integer> figures)
            throws Exception {
        List<QueuedTask> victims = new ArrayList<>();
        Map<String, Integer> sound = new HashMap<>();
        List<QueuedTask> tasks = new ArrayList<>();
        List<Join> joins = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            QueuedTask.Builder task = task(i, random);
            if (i % 20 == 0) {
                // a spoilt part keeps its body waiting, until that is replayed or removed
                String join = QueuedTask.newId();
                joins.add(new Join(join, 1, List.of()));
                task.part(new PartOf(join, 0));
                tasks.add(FAILED.task(order(i, random), SubmitOptions.NONE).after(join).build());
            }
            victims.add(task.build());
            if (i % SOUND == 0) {
                QueuedTask beside = task(i, random).build();
                tasks.add(beside);
                sound.put(beside.id(), i);
            }
        }
        tasks.addAll(victims);
        tasks.sort((a, b) -> a.id().compareTo(b.id()));
        broker.enqueue(new Batch(tasks, joins));
        Map<String, Spoilt> spoilt = spoil(file, victims, random);
        QueueWorker worker = QueueWorker.builder(broker).types(ORDER, FAILED).providers(null).on("threads:4").start();
        try (worker) {
            await(broker, worker);
            assertThat(worker.status().problems()).isEmpty();
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
        check(broker, file, spoilt, sound, figures);
        broker.purge(TaskFilter.ALL);
        assertThat(broker.counts()).isEmpty();
    }

    private static QueuedTask.Builder task(int number, SplittableRandom random) {
        SubmitOptions options = SubmitOptions.NONE.header("tenant", "t" + random.nextInt(5))
                .priority(random.nextInt(10))
                .softLimit(Duration.ofMinutes(2)).hardLimit(Duration.ofMinutes(3))
                .retry(RetryPolicy.attempts(2).waiting(Duration.ofMillis(1)).neverAfter(List.of("java.io.IOException")))
                .expiresAfter(Duration.ofHours(1)).resultTtl(Duration.ofHours(2));
        if (number % 7 == 0) {
            options = options.key("k" + random.nextInt(20), 1 + random.nextInt(3));
        }
        QueuedTask.Builder task = ORDER.task(order(number, random), options);
        return number % 11 == 0
                ? task.onDead(List.of(FAILED.task(order(number, random), SubmitOptions.NONE).build()))
                : task;
    }

    private static Order order(int number, SplittableRandom random) {
        String note = "x".repeat(random.nextInt(100) == 0 ? 5000 : random.nextInt(20));
        return new Order(number, "customer " + random.nextInt(), List.of(1.5, random.nextDouble()), Map.of("a", note),
                List.of(1, "two"));
    }

    // ---- what spoils them ----

    private static Map<String, Spoilt> spoil(Path file, List<QueuedTask> victims, SplittableRandom random)
            throws SQLException {
        Map<String, Spoilt> all = new HashMap<>();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
            connection.setAutoCommit(false);
            for (QueuedTask task : victims) {
                boolean isMessage = random.nextBoolean();
                String column = isMessage ? "message" : "payload";
                for (String table : List.of("sennit_task", "sennit_body")) {
                    byte[] bytes = read(connection, "SELECT " + column + " FROM " + table + " WHERE id = ?", task.id());
                    if (bytes != null) {
                        byte[] mutated = mutated(bytes, random);
                        try (var update = connection
                                .prepareStatement("UPDATE " + table + " SET " + column + " = ? WHERE id = ?")) {
                            update.setBytes(1, mutated);
                            update.setString(2, task.id());
                            assertThat(update.executeUpdate()).isEqualTo(1);
                        }
                        all.put(task.id(), new Spoilt(isMessage, mutated));
                    }
                }
            }
            connection.commit();
        }
        assertThat(all).hasSameSizeAs(victims);
        return all;
    }

    private static byte[] read(Connection connection, String sql, String id) throws SQLException {
        try (var query = connection.prepareStatement(sql)) {
            query.setString(1, id);
            try (var rows = query.executeQuery()) {
                return rows.next() ? rows.getBytes(1) : null;
            }
        }
    }

    private static byte[] mutated(byte[] sound, SplittableRandom random) {
        byte[] bytes = sound;
        for (int i = random.nextInt(3); i >= 0; i--) {
            bytes = mutatedOnce(bytes, random);
        }
        return bytes;
    }

    private static byte[] mutatedOnce(byte[] bytes, SplittableRandom random) {
        int length = bytes.length;
        int at = random.nextInt(length + 1);
        int to = at + random.nextInt(length - at + 1);
        switch (random.nextInt(8)) {
            case 0 -> {
                byte[] flipped = bytes.clone();
                if (at < length) {
                    flipped[at] ^= (byte) (1 << random.nextInt(8));
                }
                return flipped;
            }
            case 1 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 2 -> { // twice
                return joined(Arrays.copyOf(bytes, to), Arrays.copyOfRange(bytes, at, length));
            }
            case 3 -> { // left out
                return joined(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, to, length));
            }
            case 4 -> {
                byte[] any = new byte[random.nextInt(200)];
                random.nextBytes(any);
                return any;
            }
            case 5 -> { // other digits
                byte[] others = bytes.clone();
                for (int i = at; i < to; i++) {
                    if (others[i] >= '0' && others[i] <= '9') {
                        others[i] = (byte) ('0' + random.nextInt(10));
                    }
                }
                return others;
            }
            case 6 -> { // a token at a place of one
                int place = at;
                while (place > 0 && ":,{[".indexOf(bytes[place - 1]) < 0) {
                    place--;
                }
                int end = place;
                while (end < length && ",}]".indexOf(bytes[end]) < 0) {
                    end++;
                }
                return joined(Arrays.copyOf(bytes, place), token(random),
                        Arrays.copyOfRange(bytes, random.nextInt(3) == 0 ? place : end, length));
            }
            default -> {
                return joined(Arrays.copyOf(bytes, at), token(random), Arrays.copyOfRange(bytes, at, length));
            }
        }
    }

    private static byte[] token(SplittableRandom random) {
        return TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] joined(byte[]... parts) {
        byte[] all = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    // ---- what became of them ----

    /** Waits until nothing can be done any more: what is left waits for a spoilt task, or for a spoilt time. */
    private static void await(Broker broker, QueueWorker worker) throws InterruptedException {
        long since = System.nanoTime();
        long ended = -1;
        while (true) {
            // a spoilt error callback may go to a queue that nobody serves
            List<QueueCounts> counts = broker.counts().stream()
                    .filter(queue -> queue.queue().equals(QueuedTask.USUAL_QUEUE)).toList();
            long open = counts.stream().mapToLong(queue -> queue.count(TaskState.READY)
                    + queue.count(TaskState.RUNNING) + queue.count(TaskState.HELD)).sum();
            if (open <= MOST_UNKNOWN && open == ofUnknownTypes(broker)
                    && counts.stream().allMatch(MutatedMessagesIT::waitsLong)) {
                return;
            }
            long now = counts.stream().mapToLong(queue -> queue.count(TaskState.DEAD)).sum()
                    + worker.status().succeeded();
            if (now > ended) {
                ended = now;
                since = System.nanoTime();
            }
            if (System.nanoTime() - since > BOUND.toNanos()) {
                throw new AssertionError("nothing happens any more: " + counts + ", " + worker.status() + ", ready: "
                        + broker.search(TaskFilter.ALL.state(TaskState.READY), 3));
            }
            Thread.sleep(10);
        }
    }

    /** A spoilt error callback may be of a type that no worker knows; then it stays ready. */
    private static long ofUnknownTypes(Broker broker) {
        return broker.search(TaskFilter.ALL.state(TaskState.READY).queue(QueuedTask.USUAL_QUEUE), MOST_UNKNOWN).stream()
                .filter(task -> !task.type().equals(ORDER.name()) && !task.type().equals(FAILED.name())).count();
    }

    /** Retries wait for a millisecond, if that was not spoilt, too: then few do. */
    private static boolean waitsLong(QueueCounts queue) {
        return queue.count(TaskState.SCHEDULED) < 10;
    }

    private static void check(Broker broker, Path file, Map<String, Spoilt> spoilt, Map<String, Integer> sound,
            Map<String, Integer> figures) throws SQLException {
        Set<String> seen = new HashSet<>();
        String last = null;
        while (true) {
            List<TaskView> some = broker.search(TaskFilter.ALL.after(last), 1000);
            if (some.isEmpty()) {
                break;
            }
            for (TaskView each : some) {
                if (sound.containsKey(each.id())) {
                    assertThat(each.state()).as("the sound task " + each).isEqualTo(TaskState.SUCCEEDED);
                } else if (spoilt.containsKey(each.id())) {
                    check(each, spoilt.get(each.id()));
                    figures.merge(each.state() + (each.reason() == null ? "" : " " + each.reason()), 1, Integer::sum);
                }
                seen.add(each.id());
            }
            last = some.getLast().id();
        }
        assertThat(seen).containsAll(spoilt.keySet()).containsAll(sound.keySet());
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
            for (TaskView each : broker.search(TaskFilter.ALL.state(TaskState.DEAD), 500)) {
                Spoilt its = spoilt.get(each.id());
                if (its != null && its.isMessage) {
                    assertThat(read(connection, "SELECT COALESCE(t.message, b.message) FROM sennit_task t"
                            + " LEFT JOIN sennit_body b ON b.id = t.id WHERE t.id = ?", each.id()))
                            .as("the message of " + each.id()).isEqualTo(its.bytes);
                }
            }
        }
    }

    private static void check(TaskView task, Spoilt spoilt) {
        switch (task.state()) {
            case SUCCEEDED -> {
                // a change that changes nothing
            }
            case SCHEDULED -> assertThat(task.error()).as("why " + task + " is retried").isNotNull();
            case DEAD -> {
                assertThat(task.reason()).isNotNull();
                assertThat(task.error()).as("the reason of " + task).isNotNull();
                assertThat(task.error().message()).isNotBlank();
                if (!spoilt.isMessage) {
                    assertThat(task.reason()).as(task.toString()).isEqualTo(DeadReason.UNREADABLE);
                    assertThat(task.payload()).isEqualTo(spoilt.bytes);
                }
            }
            default -> throw new AssertionError(task + " with " + new String(spoilt.bytes, StandardCharsets.UTF_8));
        }
    }
}
