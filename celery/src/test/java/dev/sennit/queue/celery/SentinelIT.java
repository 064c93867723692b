package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol.Command;
import redis.clients.jedis.exceptions.JedisDataException;

/** Workers and submitters follow the master that a sentinel names. */
class SentinelIT {
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.echo", Integer.class, number -> number * 2);

    private static String asked(TestServer server, Command command, String... words) {
        try (var connection = new Connection(new HostAndPort("127.0.0.1", server.port()))) {
            connection.sendCommand(command, words);
            return connection.getOne() instanceof byte[] text ? new String(text, StandardCharsets.UTF_8) : "";
        } catch (JedisDataException e) { // such as a failover that is under way
            return String.valueOf(e.getMessage());
        }
    }

    private static String replication(TestServer server) {
        return asked(server, Command.INFO, "replication");
    }

    private static int submitted(TaskQueue queue, int number) throws Exception {
        var submitted = new ArrayList<TaskFuture<Integer>>();
        Waiting.until("the broker takes it", () -> {
            try {
                submitted.add(queue.submit(DOUBLED, number));
                return true;
            } catch (BrokerException e) {
                return false;
            }
        });
        return submitted.getFirst().get(60, TimeUnit.SECONDS);
    }

    @Test
    void allGoesOnAfterAFailover() throws Exception {
        try (TestServer first = TestServer.redis().configuration("repl-diskless-sync-delay 0").open();
                TestServer second = TestServer.redis().configuration("replicaof 127.0.0.1 " + first.port()).open()) {
            Waiting.until("the replica has all", () -> replication(first).contains("state=online"));
            try (TestServer sentinel = TestServer.redis().configuration(
                    "sentinel monitor shop 127.0.0.1 " + first.port() + " 1",
                    "sentinel failover-timeout shop 2000").open()) {
                String uri = "celery+redis+sentinel://127.0.0.1:" + sentinel.port() + "/0?master=shop";
                assertThatThrownBy(() -> CeleryBroker.open(uri + "s").close()).isInstanceOf(BrokerException.class)
                        .hasMessageContaining("know no master shops");
                asked(sentinel, Command.SENTINEL, "DEBUG", "INFO-PERIOD", "100", "PUBLISH-PERIOD", "100");
                Waiting.until("the sentinel knows the replica", () -> asked(sentinel, Command.INFO, "sentinel")
                        .contains("slaves=1"));
                try (CeleryBroker broker = CeleryBroker.open(uri);
                        QueueWorker _ = QueueWorker.builder(broker).on("threads:2").lease(Duration.ofSeconds(2))
                                .types(DOUBLED).start();
                        TaskQueue queue = TaskQueue.over(broker)) {
                    assertThat(submitted(queue, 1)).isEqualTo(2);
                    Waiting.until("the sentinel changes the master", () -> {
                        asked(sentinel, Command.SENTINEL, "FAILOVER", "shop");
                        return replication(second).contains("role:master");
                    });
                    Waiting.until("the old master is the replica", () -> replication(first).contains("role:slave"));
                    for (int i = 2; i < 20; i++) {
                        assertThat(submitted(queue, i)).isEqualTo(2 * i);
                    }
                }
            }
        }
    }
}
