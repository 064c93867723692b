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
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The systems that {@code queues} compares: each runs tasks, and holds some that nobody takes. Most in full runs. */
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
    void theProcessesOfAServerAreFound() throws Exception {
        try (TestServer server = start(ServerKind.POSTGRESQL)) {
            var processes = new ServerProcesses(server.port());
            assertThat(processes.connections()).isZero();
            double before = processes.processorSeconds();
            long empty = processes.memory();
            assertThat(empty).isPositive();
            try (var system = new SennitQueue(server.uri().toString())) {
                check(system);
                assertThat(processes.connections()).isPositive();
                assertThat(processes.memory()).isGreaterThan(empty);
                assertThat(processes.processorSeconds()).isGreaterThan(before);
            }
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void rabbitmq() throws Exception {
        try (TestServer server = start(ServerKind.RABBITMQ);
                var system = new SennitQueue(server.uri().toString().replaceFirst("amqp", "rabbitmq"))) {
            check(system);
        }
    }

    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void jobRunr() throws Exception {
        try (TestServer server = start(ServerKind.POSTGRESQL); var system = new JobRunrQueue(server.uri().toString())) {
            check(system);
        }
    }

    @ParameterizedTest
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    @EnumSource
    void programsInPython(PythonQueue.Kind kind, @TempDir Path folder) throws Exception {
        Optional<Python> python = Python.find();
        Assumptions.assumeTrue(python.isPresent() && kind.version(python.get()).isPresent(),
                kind + " is not installed");
        try (TestServer server = start(ServerKind.REDIS);
                var bench = new Bench(true, 1, python);
                var system = new PythonQueue(
                        kind, bench, python.get(), server.uri().toString(), server.uri().toString(),
                        folder.resolve("worker.log"))) {
            check(system);
        }
    }

    @ParameterizedTest
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    @ValueSource(strings = {"celery+", "rq+"})
    void sennitInTheirPlace(String protocol) throws Exception {
        try (TestServer server = start(ServerKind.REDIS); var system = new SennitQueue(protocol + server.uri())) {
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
