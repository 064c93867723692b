package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.foreign.Json;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Protocol.Command;
import tools.jackson.databind.node.ObjectNode;

/** Entries that were spoilt harm no worker; passwords are shown nowhere. */
class HostileEntriesIT {
    private static final int MUTATIONS = Integer.getInteger("sennit.mutations", 2_000);
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.doubled", Integer.class, number -> number * 2);

    @Test
    void spoiltEntriesEndAndTheWorkerGoesOn() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                CeleryBroker broker = CeleryBroker.open("celery+" + redis.uri());
                Server server = new Server(new RedisAddress(BrokerUri.parse("celery+" + redis.uri())));
                TaskQueue queue = TaskQueue.over(broker)) {
            queue.enqueue(DOUBLED, 21);
            byte[] raw = (byte[]) server.repeatable(Server.call(Command.RPOP, "celery"));
            var random = new SplittableRandom(Long.getLong("sennit.seed", 42));
            try (QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
                for (int i = 0; i < MUTATIONS; i += 100) {
                    List<Server.Call> pushes = new ArrayList<>();
                    for (int k = 0; k < 100; k++) {
                        byte[] spoilt = raw.clone();
                        for (int n = 1 + random.nextInt(4); n > 0; n--) {
                            spoilt[random.nextInt(spoilt.length)] = (byte) random.nextInt(256);
                        }
                        pushes.add(new Server.Call(null, Command.LPUSH,
                                List.of("celery".getBytes(StandardCharsets.US_ASCII), spoilt)));
                    }
                    server.repeatable(pushes);
                    assertThat(queue.submit(DOUBLED, i).get(60, TimeUnit.SECONDS)).isEqualTo(2 * i);
                }
                Waiting.until("nothing is in flight",
                        () -> server.repeatable(Server.call(Command.HLEN, "unacked")).equals(0L));
                assertThat(worker.status().state()).isEqualTo(QueueWorker.State.RUNNING);
                assertThat((Long) server.repeatable(Server.call(Command.LLEN, "sennit.celery:dead"))).isPositive();
            }
        }
    }

    /** The second step of the claim fails, which looks for another task in the place of the one that was refused. */
    @Test
    void aClaimThatFailsHalfwayBringsWhatItHas() throws Exception {
        try (TestServer redis = TestServer.redis().fsync(false).open();
                CeleryBroker broker = CeleryBroker.open("celery+" + redis.uri());
                Server server = new Server(new RedisAddress(BrokerUri.parse("celery+" + redis.uri())))) {
            byte[] payload = "1".getBytes(StandardCharsets.UTF_8);
            broker.enqueue(Batch.of(QueuedTask.of("java.doubled", payload).id("bad").build()));
            var bad = (ObjectNode) Json.read((byte[]) server.repeatable(Server.call(Command.RPOP, "celery")));
            bad.put("body", "bm90aGluZw==");
            broker.enqueue(Batch.of(QueuedTask.of("java.doubled", payload).id("first").build()));
            server.repeatable(Server.call(Command.LPUSH, "celery", Server.text(Json.write(bad))));
            broker.enqueue(Batch.of(QueuedTask.of("java.doubled", payload).id("second").build()));
            server.repeatable(Server.call(Command.SET, "sennit.celery:run:second", "no hash"));
            var request =
                    new ClaimRequest("worker", List.of("default"), Set.of("java.doubled"), 2, Duration.ofMinutes(1));
            assertThat(broker.claim(request).claims()).extracting(claim -> claim.token().id()).containsExactly("first");
        }
    }

    @Test
    void aPasswordIsAskedForAndNotShown() throws Exception {
        try (TestServer redis = TestServer.redis().password("s3cretPassword").fsync(false).open()) {
            String right = "celery+" + redis.uri();
            try (CeleryBroker broker = CeleryBroker.open(right);
                    TaskQueue queue = TaskQueue.over(broker);
                    QueueWorker worker = QueueWorker.builder(broker).types(DOUBLED).start()) {
                assertThat(queue.submit(DOUBLED, 4).get(60, TimeUnit.SECONDS)).isEqualTo(8);
                assertThat(List.of(broker.name(), broker.toString(), queue.toString(), worker.toString()).toString())
                        .doesNotContain("s3cretPassword");
                String stored = "";
                try (Server server = new Server(new RedisAddress(BrokerUri.parse(right)))) {
                    for (Object key : (List<?>) server.repeatable(Server.call(Command.KEYS, "*"))) {
                        stored += Server.text(server.repeatable(Server.call(Command.DUMP, Server.text(key))));
                    }
                }
                assertThat(stored).doesNotContain("s3cretPassword");
            }
            assertThatThrownBy(() -> CeleryBroker.open(right.replace("s3cretPassword", "wr0ngPassword")))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user")
                    .hasMessageNotContaining("wr0ngPassword")
                    .extracting(e -> ((BrokerException) e).kind()).isEqualTo(BrokerException.Kind.REFUSED);
            assertThatThrownBy(() -> CeleryBroker.open(right.replace(":s3cretPassword@", "")))
                    .isInstanceOf(BrokerException.class).hasMessageContaining("refuses this user");
        }
    }
}
