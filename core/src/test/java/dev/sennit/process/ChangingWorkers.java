package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.conformance.Signals;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the tests share whose pools change their workers. */
@Timeout(120)
abstract class ChangingWorkers {
    static final int BOUND = 60;

    @TempDir
    Path folder;

    Signals signals;

    @BeforeEach
    void makeSignals() {
        signals = new Signals(folder.toString());
    }

    static ProcessPool.Builder pool(int workers) {
        return ProcessPool.builder().workers(workers).heap("64m").output(WorkerOutput.DISCARD);
    }

    static long pidIn(ProcessPool pool) throws Exception {
        return pool.submit(() -> ProcessHandle.current().pid()).get(BOUND, SECONDS);
    }

    static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(BOUND)).until(condition);
    }

    static void awaitProcesses(int count) {
        await(() -> WorkerProcesses.ofThisJvm().size() == count);
    }

    static void awaitSpare(ProcessPool pool) {
        await(() -> pool.toString().contains(", 1 spare"));
    }

    /** Marks that it began, waits for a signal of its own, and returns its pid. */
    static int gated(Signals here, String name) throws InterruptedException {
        here.mark("began " + name);
        here.await("go " + name);
        return (int) ProcessHandle.current().pid();
    }

    static void awaitQuietly(Signals here, String name) {
        try {
            here.await(name);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
