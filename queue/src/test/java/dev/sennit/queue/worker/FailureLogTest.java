package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FailureLogTest {
    private final Logger logger = Logger.getLogger(Worker.class.getName());
    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final Queue<String> finer = new ConcurrentLinkedQueue<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            (line.getLevel() == Level.WARNING ? lines : finer).add(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        handler.setLevel(Level.ALL);
        logger.setLevel(Level.FINE);
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void stop() {
        logger.removeHandler(handler);
        logger.setLevel(null);
        logger.setUseParentHandlers(true);
    }

    private static Claim claim(String id) {
        QueuedTask task = QueuedTask.of("thumbs.make", "\"secret\"".getBytes(StandardCharsets.UTF_8)).id(id)
                .headers(Map.of("token", "secret")).build();
        return new Claim(new Token(id, 2), task, 1, 0, Instant.EPOCH, null, List.of());
    }

    private static Failure failure(Failure.Verdict verdict) {
        return new Failure(new Token("a", 2),
                new ErrorInfo("java.io.IOException", "no\n disk for password=hush", "java.io.IOException: no"
                        + "\n disk for password=hush\n\tat app.Tasks.make(Tasks.java:12)"
                        + "\n\tat app.Tasks.main(Tasks.java:3)\n"),
                verdict);
    }

    @Test
    void aRunThatFailsHasOneLine() {
        var log = new FailureLog("w1", VirtualClock.standing(VirtualClock.START));
        log.failed(claim("a"), failure(new Failure.RetryIn(Duration.ofMillis(200))));
        log.failed(claim("b\nforged"), failure(new Failure.Die(DeadReason.FAILED)));
        log.failed(claim("c"), failure(new Failure.GiveBack()));
        log.failed(claim("d"), failure(new Failure.Cancelled()));
        assertThat(lines).containsExactly(
                "w1 - thumbs.make (a) failed in attempt 2: java.io.IOException: no / disk for password=***"
                        + " at app.Tasks.make(Tasks.java:12); it runs again in 200 ms",
                "w1 - thumbs.make (b / forged) failed in attempt 2: java.io.IOException: no / disk for password=***"
                        + " at app.Tasks.make(Tasks.java:12); the task is dead (FAILED)");
        assertThat(finer).hasSize(2).first().asString().contains("at app.Tasks.main(Tasks.java:3)");
        assertThat(lines.toString() + finer).doesNotContain("secret", "hush");
    }

    @Test
    void ofManyInASecondTheFirstOnesAreLoggedAndTheOthersCounted() {
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        var log = new FailureLog("w1", clock);
        for (int i = 0; i < 1000; i++) {
            log.failed(claim("a"), failure(new Failure.Die(DeadReason.FAILED)));
        }
        assertThat(lines).hasSize(FailureLog.MOST_LINES);
        clock.advance(Duration.ofSeconds(1));
        log.tellOthers();
        assertThat(lines).hasSize(FailureLog.MOST_LINES + 1).last().asString().contains("w1 - 990 more runs failed");
        log.tellOthers();
        log.failed(claim("b"), failure(new Failure.Die(DeadReason.FAILED)));
        assertThat(lines).hasSize(FailureLog.MOST_LINES + 2);
        for (int i = 0; i < FailureLog.MOST_LINES; i++) {
            log.failed(claim("a"), failure(new Failure.Die(DeadReason.FAILED)));
        }
        log.end();
        assertThat(lines).last().asString().contains("w1 - 1 more runs failed");
    }

    @Test
    void aWorkerLogsEachAttempt() {
        TaskType<Integer, Integer> flaky = TaskType.of("flaky", Integer.class, (number, run) -> {
            if (run.attempt() < 2) {
                throw new IllegalStateException("not yet");
            }
            return number;
        });
        try (MemoryBroker broker = new MemoryBroker();
                TaskQueue queue = TaskQueue.over(broker);
                QueueWorker worker =
                        QueueWorker.builder(broker).name("w2").on("threads:1").types(flaky).start()) {
            assertThat(queue.submit(flaky, 5, SubmitOptions.NONE
                    .retry(RetryPolicy.attempts(2).waiting(Duration.ofMillis(1)))).join()).isEqualTo(5);
            assertThat(worker.status().isHealthy()).isTrue();
        }
        assertThat(lines).filteredOn(each -> each.contains(" failed in attempt ")).hasSize(1).first().asString()
                .startsWith("w2 - flaky (")
                .contains(") failed in attempt 1: java.lang.IllegalStateException: not yet at "
                        + getClass().getName());
    }
}
