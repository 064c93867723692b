package dev.sennit.benchmarks.queues;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Python;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The systems that {@code queues} compares: each runs tasks, and holds some that nobody takes. */
class QueueSystemIT {
    @Test
    void sqlite(@TempDir Path folder) throws Exception {
        try (var system = new SennitQueue("sqlite:" + folder.resolve("jobs.db"))) {
            check(system);
        }
    }

    @Test
    void postgresql() throws Exception {
        try (TestServer server = start(ServerKind.POSTGRESQL);
                var ours = new SennitQueue(server.uri().toString());
                var others = new DbSchedulerQueue(server.uri().toString())) {
            check(ours);
            check(others);
        }
    }

    @Test
    void rabbitmq() throws Exception {
        try (TestServer server = start(ServerKind.RABBITMQ);
                var system = new SennitQueue(server.uri().toString().replaceFirst("amqp", "rabbitmq"))) {
            check(system);
        }
    }

    @Test
    void jobRunr() throws Exception {
        try (TestServer server = start(ServerKind.POSTGRESQL); var system = new JobRunrQueue(server.uri().toString())) {
            check(system);
        }
    }

    @Test
    void celery(@TempDir Path folder) throws Exception {
        Optional<Python> python = Python.find();
        Assumptions.assumeTrue(python.isPresent() && CeleryQueue.version(python.get()).isPresent(),
                "Celery is not installed");
        try (TestServer server = start(ServerKind.REDIS);
                var bench = new Bench(true, 1, python);
                var system = new CeleryQueue(
                        bench, python.get(), server.uri().toString(), server.uri().toString(),
                        folder.resolve("celery.log"))) {
            check(system);
        }
    }

    private static TestServer start(ServerKind kind) throws Exception {
        if (Boolean.getBoolean("sennit.servers.optional")) {
            Assumptions.assumeTrue(kind.isInstalled(), () -> kind.obstacle().orElseThrow());
        }
        return TestServer.of(kind).open();
    }

    /** A system itself throws if a task is missing. */
    private static void check(QueueSystem system) throws Exception {
        assertThat(system.runAll(30)).isPositive();
        assertThat(system.enqueue(25, 10)).isPositive();
        assertThat(system.enqueue(5, 1)).isPositive();
        assertThat(system.runAll(5)).isPositive();
        assertThat(system.processorSeconds()).isPositive();
        assertThat(system.memory(false)).isGreaterThanOrEqualTo(system.memory(true)).isPositive();
        if (system.isPushed()) {
            double[] seconds = system.latency(3, 1);
            assertThat(seconds).hasSize(4);
            assertThat(seconds[QueueSystem.BEGIN_P50]).isPositive().isLessThan(seconds[QueueSystem.RESULT_P99]);
            assertThat(seconds[QueueSystem.RESULT_P50]).isLessThanOrEqualTo(seconds[QueueSystem.RESULT_P99]);
        }
    }
}
