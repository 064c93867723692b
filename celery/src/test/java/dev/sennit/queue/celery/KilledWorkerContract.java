package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers in Java are killed while they run what Celery's producers have sent: all results come. */
abstract class KilledWorkerContract {
    private static final int TASKS = 120;

    @TempDir
    static Path folder;

    /** Returns the address of the broker. */
    abstract String uri();

    abstract Celery celery() throws Exception;

    private Process worker() throws IOException {
        Process worker = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), WorkerMain.class.getName(),
                uri())
                .redirectError(folder.resolve("worker.log").toFile())
                .start();
        assertThat(worker.inputReader().readLine()).isEqualTo("ready");
        return worker;
    }

    @Test
    void allResultsCome() throws Exception {
        Celery celery = celery();
        Process first = worker();
        Process second = null;
        try {
            celery.run("""
                    results = [jecho.delay(i) for i in range(%d)]
                    summed = chord([jecho.s(i) for i in range(%d)])(jtotal.s())
                    """.formatted(TASKS, TASKS));
            Waiting.until("some are done", () -> celery.value("sum(r.ready() for r in results) > 20")
                    .booleanValue());
            first.destroyForcibly();
            first.waitFor();
            assertThat(celery.text("all(r.ready() for r in results)")).isEqualTo("false");
            second = worker();
            // not get(): Celery's client may take a second for each result that has come meanwhile
            Waiting.until("all have ended",
                    () -> celery.value("all(r.ready() for r in results) and summed.ready()").booleanValue());
            assertThat(celery.text("[r.result for r in results] == list(range(%d))".formatted(TASKS)))
                    .isEqualTo("true");
            assertThat(celery.text("summed.result")).isEqualTo(Integer.toString(TASKS * (TASKS - 1) / 2));
        } finally {
            first.destroyForcibly();
            if (second != null) {
                second.destroyForcibly();
            }
        }
    }
}
