package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.junit.WithServer;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers in Java are killed while they run what RQ's producers have sent: all results come. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class KilledWorkerIT {
    private static final int TASKS = 120;

    @TempDir
    static Path folder;

    private final TestServer redis;

    KilledWorkerIT(TestServer redis) {
        this.redis = redis;
    }

    private Process worker() throws IOException {
        Process worker = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), WorkerMain.class.getName(),
                "rq+" + redis.uri())
                .redirectError(folder.resolve("worker.log").toFile())
                .start();
        assertThat(worker.inputReader().readLine()).isEqualTo("ready");
        return worker;
    }

    @Test
    void allResultsCome() throws Exception {
        try (Rq rq = Rq.on(redis, folder)) {
            Process first = worker();
            Process second = null;
            try {
                rq.run("""
                        jobs = [q.enqueue('java.echo', i) for i in range(%d)]
                        last = q.enqueue('java.echo', 'last', depends_on=jobs)
                        """.formatted(TASKS));
                Waiting.until("some are done", () -> rq.value("sum(job.is_finished for job in jobs) > 20")
                        .booleanValue());
                first.destroyForcibly();
                first.waitFor();
                assertThat(rq.text("all(job.is_finished for job in jobs)")).isEqualTo("false");
                assertThat(rq.text("len(q.started_job_registry) > 0")).isEqualTo("true");
                second = worker();
                assertThat(rq.text("[get(job, 60) for job in jobs] == list(range(%d))".formatted(TASKS)))
                        .isEqualTo("true");
                assertThat(rq.text("get(last)")).isEqualTo("\"last\"");
                assertThat(rq.text("[len(q.started_job_registry), q.failed_job_registry.count]")).isEqualTo("[0,0]");
            } finally {
                first.destroyForcibly();
                if (second != null) {
                    second.destroyForcibly();
                }
            }
        }
    }
}
