package dev.sennit.observe;

import dev.sennit.internal.text.JsonLine;
import dev.sennit.internal.text.JsonReader;
import dev.sennit.internal.text.PrometheusText;
import dev.sennit.observe.TaskEvent.Kind;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes events as JSON, one object a line, as they come.
 *
 * {@snippet :
 * try (var out = Files.newBufferedWriter(Path.of("run.jsonl"));
 *         var listening = TaskEvents.listen(new JsonLines(out));
 *         Pool pool = Pools.open("threads:2")) {
 *     pool.map(n -> n * n, List.of(1, 2, 3));
 *     listening.awaitTold(Duration.ofSeconds(10));
 * }
 * }
 *
 * <p>An object has the members {@code kind}, {@code task}, {@code pool}, {@code name} and {@code at} (as
 * {@link Instant#toString} writes it), and of {@code waitedSeconds}, {@code ranSeconds}, {@code cpuSeconds},
 * {@code worker}, {@code failure}, {@code done}, {@code total} and {@code message} those that are known. Missed events
 * have a line of their own: {@code {"kind":"MISSED","count":12}}. Later versions may add members and kinds, which
 * readers have to skip.
 *
 * <p>Not safe for use by several threads; {@link TaskEvents#listen} calls a listener in one thread.
 */
public final class JsonLines implements TaskListener {
    private static final String MISSED = "MISSED";
    private static final int NANO_DIGITS = 9;

    private final Appendable out;

    /**
     * Writes to an open output, which the caller closes.
     *
     * @param out gets a whole line in each call, with a line feed at its end
     */
    public JsonLines(Appendable out) {
        this.out = Objects.requireNonNull(out, "out");
    }

    @Override
    public void event(TaskEvent event) throws IOException {
        out.append(line(event) + '\n');
    }

    @Override
    public void missed(long count) throws IOException {
        out.append(missedLine(count) + '\n');
    }

    /** Returns an event as a line, without a line feed. */
    static String line(TaskEvent event) {
        var line = new JsonLine()
                .put("kind", event.kind().name())
                .put("task", event.task())
                .put("pool", event.pool())
                .put("name", event.name())
                .put("at", event.at().toString());
        event.waited().ifPresent(waited -> line.put("waitedSeconds", PrometheusText.seconds(waited)));
        event.ran().ifPresent(ran -> line.put("ranSeconds", PrometheusText.seconds(ran)));
        event.cpu().ifPresent(cpu -> line.put("cpuSeconds", PrometheusText.seconds(cpu)));
        event.worker().ifPresent(worker -> line.put("worker", worker));
        event.failure().ifPresent(failure -> line.put("failure", failure));
        event.progress().ifPresent(progress -> {
            line.put("done", progress.done());
            progress.total().ifPresent(total -> line.put("total", total));
            line.put("message", progress.message());
        });
        return line.toString();
    }

    static String missedLine(long count) {
        return new JsonLine().put("kind", MISSED).put("count", count).toString();
    }

    /**
     * Passes an event that this class has written to a listener. Skips kinds of events that this version does not know.
     *
     * @param line a line, without a line feed
     * @param listener a listener, which is called once or not at all
     * @throws IllegalArgumentException if the line has another form
     * @throws Exception if the listener throws it
     */
    public static void replay(String line, TaskListener listener) throws Exception {
        Objects.requireNonNull(listener, "listener");
        if (!(JsonReader.read(line) instanceof Map<?, ?> members)) {
            throw new IllegalArgumentException("no event: no object");
        }
        String kind = text(members, "kind").orElseThrow(() -> missing("kind"));
        if (kind.equals(MISSED)) {
            listener.missed(count(members, "count"));
            return;
        }
        Optional<Kind> known = Arrays.stream(Kind.values()).filter(one -> one.name().equals(kind)).findFirst();
        if (known.isPresent()) {
            listener.event(event(known.get(), members));
        }
    }

    private static TaskEvent event(Kind kind, Map<?, ?> members) {
        Instant at;
        try {
            at = Instant.parse(text(members, "at").orElseThrow(() -> missing("at")));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("no event: at is no time", e);
        }
        return new TaskEvent(
                kind,
                count(members, "task"),
                text(members, "pool").orElseThrow(() -> missing("pool")),
                text(members, "name").orElseThrow(() -> missing("name")),
                at,
                duration(members, "waitedSeconds"),
                duration(members, "ranSeconds"),
                duration(members, "cpuSeconds"),
                text(members, "worker"),
                text(members, "failure"),
                members.containsKey("done") ? Optional.of(progress(members)) : Optional.empty());
    }

    private static TaskEvent.Progress progress(Map<?, ?> members) {
        return new TaskEvent.Progress(
                count(members, "done"),
                members.containsKey("total") ? OptionalLong.of(count(members, "total")) : OptionalLong.empty(),
                text(members, "message").orElse(""));
    }

    private static Optional<String> text(Map<?, ?> members, String name) {
        Object value = members.get(name);
        if (value != null && !(value instanceof String)) {
            throw new IllegalArgumentException("no event: " + name + " is no text");
        }
        return Optional.ofNullable((String) value);
    }

    private static long count(Map<?, ?> members, String name) {
        return whole(members.get(name), name, 0);
    }

    private static Optional<Duration> duration(Map<?, ?> members, String name) {
        Object value = members.get(name);
        return value == null ? Optional.empty() : Optional.of(Duration.ofNanos(whole(value, name, NANO_DIGITS)));
    }

    /** Returns a number, shifted to the left. */
    private static long whole(@Nullable Object value, String name, int digits) {
        try {
            if (value instanceof BigDecimal number && number.signum() >= 0 && Math.abs(number.scale()) <= 1000) {
                return number.movePointRight(digits).longValueExact();
            }
        } catch (ArithmeticException e) {
            // told below
        }
        throw value == null ? missing(name) : new IllegalArgumentException("no event: " + name + " was " + value);
    }

    private static IllegalArgumentException missing(String name) {
        return new IllegalArgumentException("no event: " + name + " is missing");
    }
}
