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
import java.util.Optional;
import org.jspecify.annotations.Nullable;
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

    record Sized(String path, int width) {
        Sized(String path) {
            this(path, 128);
        }
    }

    record Loose(String path, Optional<Integer> width, @Nullable String note) {}

    record Bag(Map<String, Integer> sizes) {}

    record Row(List<Integer> numbers) {}

    /** No record. */
    static class Plain {
        public @Nullable String path;
        public int width = 128;
    }

    static class Whole {
        public List<String> args = List.of();
        public Map<String, Integer> kwargs = Map.of();
    }

    private static String foreign(TaskType<?, ?> type, String payload) throws RunFailure {
        return new String(
                QueuedRun.of(type, claim(payload, Map.of(QueuedTask.FOREIGN, "celery")), 1000, null).call()[0],
                StandardCharsets.UTF_8);
    }

    @Test
    void oneArgumentIsTheFirstComponent() throws Exception {
        TaskType<Sized, String> make = TaskType.of("make", Sized.class, photo -> photo.path() + photo.width());
        assertThat(foreign(make, "\"a\"")).isEqualTo("\"a128\"");
        assertThat(foreign(make, "{\"path\": \"a\"}")).isEqualTo("\"a128\"");
        assertThat(run(make, "[\"a\"]", "positional")).isEqualTo("\"a128\"");
        assertThat(run(make, "[\"a\", 7]", "positional")).isEqualTo("\"a7\"");
        assertThat(run(make, "{\"args\": [\"a\"], \"kwargs\": {\"width\": 7}}", "mixed")).isEqualTo("\"a7\"");
        assertThat(run(make, "{\"path\": \"a\", \"width\": 3}", "single")).isEqualTo("\"a3\"");
        assertThatThrownBy(() -> foreign(make, "null")).isInstanceOf(RunFailure.class)
                .hasMessageContaining("path is missing");
        TaskType<Row, Integer> row = TaskType.of("row", Row.class, each -> each.numbers().size());
        assertThat(foreign(row, "[4, 5]")).isEqualTo("2");
        TaskType<Bag, Integer> bag = TaskType.of("bag", Bag.class, each -> each.sizes().size());
        assertThat(run(bag, "{\"a\": 1, \"b\": 2}", "single")).isEqualTo("2");
        assertThat(foreign(bag, "{\"sizes\": {\"a\": 1}}")).isEqualTo("1");
        assertThatThrownBy(() -> foreign(bag, "{\"a\": 1}")).isInstanceOf(RunFailure.class)
                .hasMessageContaining("sizes is missing");
    }

    @Test
    void aMissingArgumentIsNamedUnlessItMayBeMissing() throws Exception {
        TaskType<Photo, String> make = TaskType.of("make", Photo.class, photo -> photo.path() + photo.width());
        assertThatThrownBy(() -> foreign(make, "\"a\"")).isInstanceOf(RunFailure.class)
                .hasMessageContaining("the argument of make cannot be read as")
                .hasMessageEndingWith("Photo: width is missing");
        assertThatThrownBy(() -> foreign(make, "{\"path\": \"a\"}")).isInstanceOf(RunFailure.class)
                .hasMessageEndingWith("Photo: width is missing");
        TaskType<Loose, String> loose = TaskType.of("loose", Loose.class, Loose::toString);
        assertThat(foreign(loose, "\"a\"")).isEqualTo("\"Loose[path=a, width=Optional.empty, note=null]\"");
        assertThat(run(loose, "[\"a\", 5]", "positional"))
                .isEqualTo("\"Loose[path=a, width=Optional[5], note=null]\"");
        assertThat(run(loose, "{\"path\": \"a\"}", "own"))
                .isEqualTo("\"Loose[path=a, width=Optional.empty, note=null]\"");
        assertThatThrownBy(() -> run(make, "{\"path\": \"a\"}", "own")).isInstanceOf(RunFailure.class)
                .hasMessageEndingWith("Photo: width is missing");
    }

    @Test
    void aPlainClassRefusesWhatItCannotTake() throws Exception {
        TaskType<Plain, String> plain = TaskType.of("plain", Plain.class, each -> each.path + each.width);
        assertThatThrownBy(() -> run(plain, "{\"args\": [\"a\"], \"kwargs\": {\"width\": 7}}", "mixed"))
                .isInstanceOf(RunFailure.class)
                .hasMessageContaining("the argument of plain has positional and named arguments, which")
                .hasMessageEndingWith("name all of them, or make it a record");
        assertThat(foreign(plain, "{\"path\": \"a\", \"more\": 1}")).isEqualTo("\"a128\"");
        TaskType<Whole, String> whole = TaskType.of("whole", Whole.class, each -> each.args + "" + each.kwargs);
        assertThat(run(whole, "{\"args\": [\"a\"], \"kwargs\": {\"width\": 7}}", "mixed"))
                .isEqualTo("\"[a]{width=7}\"");
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
