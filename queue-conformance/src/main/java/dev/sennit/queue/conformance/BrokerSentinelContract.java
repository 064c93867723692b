package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.testing.server.TestServer;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers and submitters follow the master that a Redis Sentinel names. */
public abstract class BrokerSentinelContract {
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.double", Integer.class, number -> number * 2);
    private static final int PATIENCE_SECONDS = 60;
    private static final int PAUSE_MILLIS = 10;

    /** For subclasses. */
    protected BrokerSentinelContract() {}

    /**
     * Returns the scheme of the address of a broker that asks sentinels.
     *
     * @return such as {@code redis+sentinel}; with {@code rediss} in it, sentinels and servers speak TLS
     */
    protected abstract String scheme();

    /**
     * Has a sentinel change the master while tasks are submitted and run.
     *
     * @param folder for a certificate
     * @throws Exception if that fails
     */
    @Test
    public void allGoesOnAfterAFailover(@TempDir Path folder) throws Exception {
        boolean isSecure = scheme().contains("rediss");
        @Nullable OwnCertificate own = isSecure ? OwnCertificate.in(folder) : null;
        try (Member first = Member.open(own, "repl-diskless-sync-delay 0");
                Member second = Member.open(own, "replicaof 127.0.0.1 " + first.port())) {
            await("the replica has all", () -> first.ask("INFO replication").contains("state=online"));
            try (Member sentinel = Member.open(own, "sentinel monitor shop 127.0.0.1 " + first.port() + " 1",
                    "sentinel failover-timeout shop 2000")) {
                String address = scheme() + "://127.0.0.1:" + sentinel.port() + "/0?"
                        + (own == null ? "" : "sslrootcert=" + own.certificate() + "&") + "master=shop";
                assertThatThrownBy(() -> Broker.open(address + "s").close()).isInstanceOf(BrokerException.class)
                        .hasMessageContaining("know no master shops");
                sentinel.ask("SENTINEL DEBUG INFO-PERIOD 100 PUBLISH-PERIOD 100");
                await("the sentinel knows the replica", () -> sentinel.ask("INFO sentinel").contains("slaves=1"));
                try (Broker broker = Broker.open(address);
                        QueueWorker _ = QueueWorker.builder(broker).on("threads:2").lease(Duration.ofSeconds(2))
                                .types(DOUBLED).start();
                        TaskQueue queue = TaskQueue.over(broker)) {
                    assertThat(submitted(queue, 1)).isEqualTo(2);
                    await("the sentinel changes the master", () -> {
                        sentinel.ask("SENTINEL FAILOVER shop"); // refused while it finds no good replica
                        return second.ask("INFO replication").contains("role:master");
                    });
                    await("the old master is the replica", () -> first.ask("INFO replication").contains("role:slave"));
                    for (int i = 2; i < 20; i++) {
                        assertThat(submitted(queue, i)).isEqualTo(2 * i);
                    }
                }
            }
        }
    }

    private static int submitted(TaskQueue queue, int number) throws Exception {
        var submitted = new ArrayList<TaskFuture<Integer>>();
        await("the broker takes the task", () -> {
            try {
                submitted.add(queue.submit(DOUBLED, number));
                return true;
            } catch (BrokerException e) {
                return false;
            }
        });
        return submitted.getFirst().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).as("nanoseconds until " + what)
                    .isLessThan(TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS));
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /**
     * A server, or a sentinel.
     *
     * @param server it also speaks without TLS, for {@link #ask}
     * @param port where the broker and other members reach it
     */
    private record Member(TestServer server, int port) implements AutoCloseable {
        static Member open(@Nullable OwnCertificate own, String... configuration)
                throws IOException, InterruptedException {
            TestServer.Builder builder = TestServer.redis().configuration(configuration);
            if (own == null) {
                TestServer server = builder.open();
                return new Member(server, server.port());
            }
            int secure;
            try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                secure = socket.getLocalPort();
            }
            List<String> tls = List.of("tls-port " + secure, "tls-cert-file " + own.certificate(),
                    "tls-key-file " + own.key(), "tls-ca-cert-file " + own.certificate(), "tls-auth-clients no",
                    "tls-replication yes");
            return new Member(builder.configuration(tls.toArray(String[]::new)).open(), secure);
        }

        /** Sends a command in one line. Returns the text that answers it; an error, such as a refusal, is one. */
        String ask(String command) throws IOException {
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                    var in = new DataInputStream(new BufferedInputStream(socket.getInputStream()))) {
                socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.UTF_8));
                var line = new StringBuilder();
                for (int c = in.readUnsignedByte(); c != '\r'; c = in.readUnsignedByte()) {
                    line.append((char) c);
                }
                if (line.charAt(0) != '$') {
                    return line.toString();
                }
                in.skipNBytes(1);
                return new String(in.readNBytes(Integer.parseInt(line.substring(1))), StandardCharsets.UTF_8);
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }
}
