package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Protocol.Command;

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
