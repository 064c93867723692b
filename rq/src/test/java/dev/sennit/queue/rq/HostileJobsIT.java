package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Protocol.Command;

/** Jobs that were spoilt harm no worker and no other job; passwords are shown nowhere; pickle is never read. */
class HostileJobsIT {
    private static final int MUTATIONS = Integer.getInteger("sennit.mutations", 2_000);
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.doubled", Integer.class, number -> number * 2);

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void spoil(byte[] bytes, SplittableRandom random) {
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
    }

    @Test
    void spoiltJobsEndAndTheWorkerGoesOn() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())));
                TaskQueue queue = TaskQueue.over(broker)) {
            String id = queue.enqueue(DOUBLED, 21);
            server.repeatable(Server.call(Command.DEL, "rq:queue:default"));
            List<?> hash = (List<?>) server.look(Server.call(Command.HGETALL, "rq:job:" + id));
            long seed = Long.getLong("sennit.seed", 42);
            var random = new SplittableRandom(seed);
            try (QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
                for (int i = 0; i < MUTATIONS; i += 100) {
                    List<Server.Call> calls = new ArrayList<>();
                    for (int k = 0; k < 100; k++) {
                        String name = "spoilt-" + (i + k);
                        List<byte[]> fields = new ArrayList<>(List.of(bytes("rq:job:" + name)));
                        for (Object each : hash) {
                            byte[] field = ((byte[]) each).clone();
                            boolean isName = fields.size() % 2 == 1;
                            if (!isName && field.length > 0 && random.nextInt(5) == 0) {
                                spoil(field, random);
                            } else if (isName && random.nextInt(50) == 0) {
                                spoil(field, random);
                            }
                            fields.add(field);
                        }
                        calls.add(new Server.Call(null, Command.HSET, fields));
                        calls.add(Server.call(Command.RPUSH, "rq:queue:default", name));
                    }
                    server.repeatable(calls);
                    assertThat(queue.submit(DOUBLED, i).get(60, TimeUnit.SECONDS)).as("seed " + seed)
                            .isEqualTo(2 * i);
                }
                Waiting.until("nothing runs",
                        () -> server.look(Server.call(Command.ZCARD, "sennit.rq:leases")).equals(0L));
                assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
                assertThat((Long) server.look(Server.call(Command.ZCARD, "rq:failed:default"))).isPositive();
            }
        }
    }

    /** The script reads them in the middle of a claim: an error there would lose what it has claimed before. */
    @Test
    void dependenciesThatMakeNoSenseEndTheirJobAlone() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            server.repeatable(Server.call(Command.SET, "rq:results:text", "no stream"));
            List<String> dependencies = List.of("[", "7", "[[]]", "[{}]", "[\"text\"]");
            broker.enqueue(Batch.of(QueuedTask.of("java.doubled", bytes("1")).id("first").build()));
            for (String each : dependencies) {
                String id = "bad " + each;
                broker.enqueue(Batch.of(QueuedTask.of("java.doubled", bytes("1")).id(id).build()));
                server.repeatable(
                        Server.call(Command.HSET, "rq:job:" + id, "dependency_ids", each, "sennit_inputs", "1"));
            }
            broker.enqueue(Batch.of(QueuedTask.of("java.doubled", bytes("1")).id("last").build()));
            List<Claim> claims = broker.claim(new ClaimRequest("worker", List.of("default"), Set.of("java.doubled"), 20,
                    Duration.ofMinutes(1))).claims();
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactly("first", "last");
            assertThat(server.look(Server.call(Command.ZCARD, "rq:failed:default")))
                    .isEqualTo((long) dependencies.size());
        }
    }

    private static List<String> claimed(RqBroker broker) {
        return broker.claim(new ClaimRequest("worker", List.of("default"), Set.of("java.doubled"), 20,
                Duration.ofMinutes(1))).claims().stream().map(claim -> claim.token().id()).toList();
    }

    private static QueuedTask doubled(String id) {
        return QueuedTask.of("java.doubled", bytes("1")).id(id).build();
    }

    /** Its dependent goes before all others, into the line that the script reads. */
    @Test
    void aJobThatCannotBeReadTakesNoOtherOutOfLine() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            for (String id : List.of("dependent", "bad", "next")) {
                broker.enqueue(Batch.of(doubled(id)));
            }
            server.repeatable(List.of(Server.call(Command.LREM, "rq:queue:default", "1", "dependent"),
                    Server.call(Command.HSET, "rq:job:dependent", "status", "deferred", "origin", "default",
                            "allow_dependency_failures", "1", "enqueue_at_front", "1"),
                    Server.call(Command.SADD, "rq:job:bad:dependents", "dependent"),
                    Server.call(Command.HDEL, "rq:job:bad", "sennit_type"),
                    Server.call(Command.HSET, "rq:job:bad", "data", "none of a job")));
            List<String> ids = new ArrayList<>(claimed(broker));
            ids.addAll(claimed(broker));
            assertThat(ids).containsExactlyInAnyOrder("dependent", "next");
            assertThat(server.look(Server.call(Command.LLEN, "rq:queue:default"))).isEqualTo(0L);
        }
    }

    @Test
    void aKeyThatIsNoJobStopsNoQueue() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            broker.enqueue(Batch.of(doubled("first")));
            server.repeatable(List.of(Server.call(Command.SET, "rq:job:text", "no hash"),
                    Server.call(Command.RPUSH, "rq:queue:default", "text"),
                    Server.call(Command.SET, "rq:job:wip", "no hash"),
                    Server.call(Command.ZADD, "rq:wip:default", "1", "wip")));
            broker.enqueue(Batch.of(doubled("last")));
            broker.upkeep(Upkeep.Limits.USUAL);
            assertThat(claimed(broker)).containsExactly("first", "last");
            assertThat(server.look(Server.call(Command.LLEN, "rq:queue:default"))).isEqualTo(0L);
        }
    }

    @Test
    void anEndIsToldWhateverStandsBesideIt() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            broker.enqueue(Batch.of(doubled("first")));
            List<Claim> claims = broker.claim(new ClaimRequest("worker", List.of("default"), Set.of("java.doubled"), 1,
                    Duration.ofMinutes(1))).claims();
            server.repeatable(List.of(Server.call(Command.SET, "rq:job:text", "no hash"),
                    Server.call(Command.SADD, "rq:job:first:dependents", "text"),
                    Server.call(Command.HSET, "rq:worker:worker", "successful_job_count", "none",
                            "total_working_time", "none")));
            assertThat(broker.complete(List.of(new Completion(claims.getFirst().token(), bytes("2"), Batch.EMPTY))))
                    .containsExactly(true);
            assertThat(broker.ended(List.of("first"))).extracting(EndedTask::state)
                    .containsExactly(TaskState.SUCCEEDED);
        }
    }

    /** A job that Python has enqueued is read before a second step claims it, which fails here. */
    @Test
    void aClaimThatFailsHalfwayBringsWhatItHas() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            for (String id : List.of("first", "second")) {
                broker.enqueue(Batch.of(QueuedTask.of("java.doubled", bytes("1")).id(id).build()));
            }
            server.repeatable(List.of(Server.call(Command.HDEL, "rq:job:second", "sennit_type"),
                    Server.call(Command.SET, "sennit.rq:run:second", "no hash")));
            var request = new ClaimRequest("worker", List.of("default"), Set.of("java.doubled"), 20,
                    Duration.ofMinutes(1));
            assertThat(broker.claim(request).claims()).extracting(claim -> claim.token().id()).containsExactly("first");
            assertThatThrownBy(() -> broker.claim(request)).isInstanceOf(BrokerException.class);
        }
    }

    /** They are small where they lie. */
    @Test
    void jobsThatAreLargeOnceTheyAreUnpackedComeOneAfterTheOther() throws Exception {
        byte[] large = bytes("\"" + "x".repeat(5 << 20) + "\"");
        try (TestServer redis = TestServer.redis().fsync(false).open();
                RqBroker broker = RqBroker.open("rq+" + redis.uri())) {
            List<String> sent = new ArrayList<>();
            for (int i = 0; i < 11; i++) {
                sent.add("job-" + i);
                broker.enqueue(Batch.of(QueuedTask.of("java.text", large).id("job-" + i).build()));
            }
            var request = new ClaimRequest("worker", List.of("default"), Set.of("java.text"), 20,
                    Duration.ofMinutes(1));
            List<String> come = new ArrayList<>();
            while (come.size() < sent.size()) {
                Claimed claimed = broker.claim(request);
                assertThat(claimed.claims()).hasSizeBetween(1, 4).allSatisfy(claim -> {
                    assertThat(claim.crashes()).isZero();
                    assertThat(claim.failures()).isZero();
                });
                claimed.claims().forEach(claim -> come.add(claim.token().id()));
                assertThat(claimed.lookAgainIn() != null).isEqualTo(come.size() < sent.size());
                broker.complete(claimed.claims().stream()
                        .map(claim -> new Completion(claim.token(), bytes("1"), Batch.EMPTY)).toList());
            }
            assertThat(come).isEqualTo(sent);
        }
    }

    /** Submitters wait for the thread that has failed. */
    @Test
    void aResultThatMakesNoSenseEndsNoWatch() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                Server server = new Server(new Address(BrokerUri.parse("rq+" + redis.uri())))) {
            BlockingQueue<String> told = new LinkedBlockingQueue<>();
            var failures = new AtomicInteger();
            ResultWatch.Looking looking = ids -> {
                int number = failures.incrementAndGet();
                if (number == 1) {
                    throw new ClassCastException("no result");
                } else if (number == 2) {
                    throw new IllegalStateException("neither");
                }
                return ids.stream().map(id -> new EndedTask(id, "java.doubled", "default", id, TaskState.SUCCEEDED,
                        bytes("1"), null, null, 1, Instant.EPOCH)).toList();
            };
            try (var watch = new ResultWatch(server, looking, end -> told.add(end.id()))) {
                watch.expect(List.of("job"));
                server.repeatable(Server.call(Command.XADD, "rq:results:job", "*", "type", "1"));
                assertThat(told.poll(60, TimeUnit.SECONDS)).isEqualTo("job");
                assertThat(failures).hasValue(3);
            }
        }
    }

    /** Python would create a file if it read this. */
    @Test
    void pickleIsNotRead(@TempDir Path folder) throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                Rq rq = Rq.on(redis, folder);
                RqBroker broker = RqBroker.open("rq+" + redis.uri());
                QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
            rq.run("""
                    import pickle, pathlib, zlib
                    class Evil:
                        def __reduce__(self):
                            return (pathlib.Path.touch, (pathlib.Path('evil'),))
                    bad = q.enqueue('java.doubled', 1, at_front=True)
                    r.hset(bad.key, 'data', zlib.compress(pickle.dumps(('java.doubled', None, (Evil(),), {}))))
                    other = pickled.enqueue('java.doubled', 4)
                    good = q.enqueue('java.doubled', 2)
                    """);
            assertThat(rq.text("get(good)")).isEqualTo("4");
            assertThat(rq.text("error(q.fetch_job(other.id))")).contains("the job's data is not JSON");
            assertThat(Files.exists(folder.resolve("evil"))).isFalse();
            assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
        }
    }

    @Test
    void aPasswordIsAskedForAndNotShown() throws Exception {
        try (TestServer redis = TestServer.redis().password("s3cretPassword").fsync(false).open()) {
            String right = "rq+" + redis.uri();
            try (RqBroker broker = RqBroker.open(right);
                    TaskQueue queue = TaskQueue.over(broker);
                    QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
                assertThat(queue.submit(DOUBLED, 4).get(60, TimeUnit.SECONDS)).isEqualTo(8);
                assertThat(List.of(broker.name(), broker.toString(), queue.toString(), worker.toString()).toString())
                        .doesNotContain("s3cretPassword");
                String stored = "";
                try (Server server = new Server(new Address(BrokerUri.parse(right)))) {
                    for (Object key : (List<?>) server.look(Server.call(Command.KEYS, "*"))) {
                        stored += Server.text(server.look(Server.call(Command.DUMP, Server.text(key))));
                    }
                }
                assertThat(stored).isNotEmpty().doesNotContain("s3cretPassword");
            }
            assertThatThrownBy(() -> RqBroker.open(right.replace("s3cretPassword", "wr0ngPassword")))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user")
                    .hasMessageNotContaining("wr0ngPassword")
                    .extracting(e -> ((BrokerException) e).kind()).isEqualTo(BrokerException.Kind.REFUSED);
            assertThatThrownBy(() -> RqBroker.open(right.replace(":s3cretPassword@", "")))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user");
        }
        assertThatThrownBy(() -> RqBroker.open("rq+redis://:s3cret@127.0.0.1:1/0"))
                .isInstanceOf(BrokerException.class).hasMessageNotContainingAny("s3cret", "\n")
                .hasMessageContaining("rq+redis://:***@127.0.0.1:1/0 cannot be reached");
    }
}
