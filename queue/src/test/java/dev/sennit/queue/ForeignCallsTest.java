package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.worker.RunFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tasks of programs in other languages: their arguments, and what they cannot say. */
class ForeignCallsTest {
    record Photo(String path, int width) {}

    private static Claim claim(String payload, Map<String, String> headers) {
        QueuedTask task = QueuedTask.of("make", payload.getBytes(StandardCharsets.UTF_8)).headers(headers).build();
        return new Claim(new Token(task.id(), 1), task, 0, 0, Instant.EPOCH, null, List.of());
    }

    private static String run(TaskType<?, ?> type, String payload, String how) throws RunFailure {
        return new String(QueuedRun.of(type, claim(payload, Map.of(QueuedTask.ARGUMENT, how)), 1000, null).call()[0],
                StandardCharsets.UTF_8);
    }

    @Test
    void aRecordTakesArgumentsByTheOrderOfItsComponents() throws Exception {
        TaskType<Photo, String> make = TaskType.of("make", Photo.class, photo -> photo.path() + photo.width());
        assertThat(run(make, "[\"a\", 2]", "positional")).isEqualTo("\"a2\"");
        assertThat(run(make, "{\"args\": [\"a\"], \"kwargs\": {\"width\": 3}}", "mixed")).isEqualTo("\"a3\"");
        assertThatThrownBy(() -> run(make, "[\"a\", 2, 3]", "positional")).isInstanceOf(RunFailure.class)
                .hasMessageContaining("has 3 arguments, but Photo has 2 components");
        assertThatThrownBy(() -> run(make, "{\"args\": [\"a\"], \"kwargs\": {\"path\": \"b\"}}", "mixed"))
                .isInstanceOf(RunFailure.class).hasMessageContaining("has path twice");
        assertThatThrownBy(() -> run(make, "[\"a\"]", "positional")).isInstanceOf(RunFailure.class)
                .hasMessageContaining("width");
    }

    @Test
    void aListTakesThemAsTheyAre() throws Exception {
        TaskType<List<Integer>, Integer> sum =
                TaskType.ofList("sum", Integer.class, all -> all.stream().mapToInt(each -> each).sum());
        assertThat(run(sum, "[1, 2, 3]", "positional")).isEqualTo("6");
    }

    @Test
    void theTypeSaysWhatTheSubmitterCouldNot() {
        RetryPolicy retry = RetryPolicy.attempts(4);
        TaskType<String, String> type = TaskType.of("make", String.class, text -> text)
                .options(SubmitOptions.NONE.retry(retry).hardLimit(Duration.ofMinutes(1)));
        QueuedTask foreign = type.completed(claim("\"x\"", Map.of(QueuedTask.FOREIGN, "celery"))).task();
        assertThat(foreign.retry()).isEqualTo(retry);
        assertThat(foreign.hardLimit()).isEqualTo(Duration.ofMinutes(1));
        QueuedTask own = type.completed(claim("\"x\"", Map.of())).task();
        assertThat(own.retry()).isEqualTo(RetryPolicy.NONE);
        assertThat(own.hardLimit()).isNull();
    }
}
