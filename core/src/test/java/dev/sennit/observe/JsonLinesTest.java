package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.observe.TaskEvent.Kind;
import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class JsonLinesTest {
    /** Keeps what it is told. */
    private static final class Kept implements TaskListener {
        final List<TaskEvent> events = new ArrayList<>();
        long missed;

        @Override
        public void event(TaskEvent event) {
            events.add(event);
        }

        @Override
        public void missed(long count) {
            missed += count;
        }
    }

    @Test
    void anEventIsALine() throws Exception {
        var out = new StringBuilder();
        var lines = new JsonLines(out);
        var task = new EventOf(7, "p", "a \"b\"");
        lines.event(task.submitted(0));
        lines.event(task.begun(1, 1, "p-worker-1"));
        lines.missed(12);
        lines.event(task.progress(2, 3, OptionalLong.of(10), "third"));
        lines.event(task.progress(2, 4, OptionalLong.empty(), ""));
        lines.event(task.ended(Kind.FAILED, 2_000_001, 2_000_000L, "E: no\nway"));
        assertThat(out).hasToString("""
                {"kind":"SUBMITTED","task":7,"pool":"p","name":"a \\"b\\"","at":"2026-11-24T12:00:00Z"}
                {"kind":"BEGUN","task":7,"pool":"p","name":"a \\"b\\"","at":"2026-11-24T12:00:00.000001Z",\
                "waitedSeconds":0.000001,"worker":"p-worker-1"}
                {"kind":"MISSED","count":12}
                {"kind":"PROGRESS","task":7,"pool":"p","name":"a \\"b\\"","at":"2026-11-24T12:00:00.000002Z",\
                "done":3,"total":10,"message":"third"}
                {"kind":"PROGRESS","task":7,"pool":"p","name":"a \\"b\\"","at":"2026-11-24T12:00:00.000002Z",\
                "done":4,"message":""}
                {"kind":"FAILED","task":7,"pool":"p","name":"a \\"b\\"","at":"2026-11-24T12:00:02.000001Z",\
                "ranSeconds":2,"failure":"E: no\\nway"}
                """);
    }

    @Test
    void eventsAreReadBackAsTheyWere() throws Exception {
        var told = new Kept();
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:1?name=näh 😀")) {
            pool.submit(() -> {
                TaskProgress.report(1, 2, "half");
                return 0;
            }).get();
            pool.submit(() -> 1, TaskOptions.named("tab\tquote\"backslash\\")).get();
            pool.submit(() -> 2).cancel(true);
            pool.submit(() -> 3).get();
            List<TaskEvent> all = events.drain();
            for (TaskEvent event : all) {
                JsonLines.replay(JsonLines.line(event), told);
            }
            JsonLines.replay(JsonLines.missedLine(Long.MAX_VALUE), told);
            assertThat(told.events).isEqualTo(all).isNotEmpty();
            assertThat(told.missed).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void whatALaterVersionAddsIsSkipped() throws Exception {
        var told = new Kept();
        JsonLines.replay("{\"kind\":\"GREETED\",\"by\":{\"a\":[1]}}", told);
        assertThat(told.events).isEmpty();
        var service = EventOf.service(Kind.SERVICE_DIED, 1, "printer", "printer worker(0) (pid 7)", "exited");
        JsonLines.replay(JsonLines.line(service).replace("SERVICE_DIED", "QUEUE_DIED"), told);
        JsonLines.replay(JsonLines.line(service).replace("SERVICE_DIED", "service_died"), told);
        assertThat(told.events).as("kinds that this version does not know").isEmpty();
        assertThat(told.missed).as("and nothing is told as missed that was there").isZero();
        String line = JsonLines.line(new EventOf(1, "p", "n").submitted(0));
        JsonLines.replay(line.replace("}", ",\"more\":{\"done\":1}}"), told);
        assertThat(told.events).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "[]", "1", "{}", "{\"kind\":1}", "{\"kind\":\"MISSED\"}", "{\"kind\":\"MISSED\",\"count\":-1}",
        "{\"kind\":\"MISSED\",\"count\":1e99}", "{\"kind\":\"MISSED\",\"count\":1e-99}",
        "{\"kind\":\"MISSED\",\"count\":\"1\"}", "{\"kind\":\"SUBMITTED\",\"task\":1,\"pool\":\"p\",\"name\":\"n\"}",
        "{\"kind\":\"SUBMITTED\",\"task\":1,\"pool\":\"p\",\"name\":\"n\",\"at\":\"now\"}",
        "{\"kind\":\"SUBMITTED\",\"task\":0.5,\"pool\":\"p\",\"name\":\"n\",\"at\":\"2026-11-24T12:00:00Z\"}",
        "{\"kind\":\"SUBMITTED\",\"task\":1,\"pool\":null,\"name\":\"n\",\"at\":\"2026-11-24T12:00:00Z\"}",
        "{\"kind\":\"BEGUN\",\"task\":1,\"pool\":\"p\",\"name\":\"n\",\"at\":\"2026-11-24T12:00:00Z\","
                + "\"waitedSeconds\":99999999999}"
    })
    void otherLinesAreRefused(String line) {
        assertThatThrownBy(() -> JsonLines.replay(line, new Kept())).isInstanceOf(IllegalArgumentException.class);
    }

    /** A line is there at once, and an output that fails harms no task. */
    @Test
    void eventsAreWrittenAsTheyCome() throws Exception {
        var lines = new LinkedBlockingQueue<String>();
        var out = new Writer() {
            @Override
            public void write(char[] text, int from, int length) throws IOException {
                lines.add(new String(text, from, length));
                if (lines.size() == 1) {
                    throw new IOException("no space left, as it is to be");
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        try (var _ = TaskEvents.listen(new JsonLines(out)); Pool pool = Pools.open("inline")) {
            pool.submit(() -> 1).get();
            assertThat(lines.poll(1, TimeUnit.MINUTES)).startsWith("{\"kind\":\"POOL_OPENED\"").endsWith("}\n");
            assertThat(lines.poll(1, TimeUnit.MINUTES)).startsWith("{\"kind\":\"SUBMITTED\"").endsWith("}\n");
        }
    }
}
