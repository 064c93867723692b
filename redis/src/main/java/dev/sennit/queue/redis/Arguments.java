package dev.sennit.queue.redis;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.When;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The arguments of a script, one after the other. An empty text says that something is not there. */
final class Arguments {
    private static final byte[] NOTHING = {};
    /** The scripts count milliseconds exactly up to here: 126,000 years. */
    private static final long LATEST = 4_000_000_000_000_000L;

    private final List<byte[]> all = new ArrayList<>();

    List<byte[]> all() {
        return all;
    }

    Arguments add(byte[] value) {
        all.add(value);
        return this;
    }

    Arguments add(@Nullable String value) {
        all.add(value == null ? NOTHING : value.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    Arguments add(long value) {
        return add(Long.toString(value));
    }

    Arguments add(boolean value) {
        return add(value ? "1" : "");
    }

    Arguments add(Duration time) {
        return add(millis(time));
    }

    Arguments addAll(Collection<String> values) {
        add(values.size());
        values.forEach(this::add);
        return this;
    }

    static long millis(Duration time) {
        return time.compareTo(Duration.ofMillis(LATEST)) > 0 ? LATEST : time.plusNanos(999_999).toMillis();
    }

    // ---- tasks ----

    Arguments add(Batch batch) {
        add(batch.tasks().size());
        for (QueuedTask task : batch.tasks()) {
            task(task, this::add);
        }
        add(batch.joins().size());
        for (Join join : batch.joins()) {
            add(join.id()).add(join.size()).add(packed(join.onDead()));
        }
        return this;
    }

    /** Writes what {@code T.task} in {@code tasks.lua} reads. */
    private static void task(QueuedTask task, Consumer<byte[]> out) {
        text(out, task.id());
        text(out, task.type());
        text(out, task.version() == 1 ? null : Integer.toString(task.version()));
        text(out, task.queue());
        text(out, Integer.toString(task.priority()));
        out.accept(TaskJson.write(task));
        out.accept(task.payload());
        text(out, when(task.due()));
        text(out, when(task.expires()));
        int crashes = task.retry().crashes();
        text(out, crashes == RetryPolicy.NONE.crashes() ? null : Integer.toString(crashes));
        text(out, task.atMostOnce() ? "1" : null);
        var unique = task.unique();
        text(out, unique == null ? null : unique.key());
        text(out, unique == null ? null : unique.until().name().substring(0, 1));
        text(out, unique == null || unique.period() == null ? null : Long.toString(millis(unique.period())));
        var key = task.key();
        text(out, key == null ? null : key.key());
        text(out, key == null ? null : Integer.toString(key.limit()));
        text(out, task.resultTtl().equals(QueuedTask.USUAL_RESULT_TTL)
                ? null
                : Long.toString(millis(task.resultTtl())));
        text(out, task.replyTo());
        text(out, task.root().equals(task.id()) ? null : task.root());
        var part = task.part();
        text(out, part == null ? null : part.join());
        text(out, part == null ? null : Integer.toString(part.index()));
        text(out, task.after());
        out.accept(packed(task.onDead()));
    }

    private static void text(Consumer<byte[]> out, @Nullable String value) {
        out.accept(value == null ? NOTHING : value.getBytes(StandardCharsets.UTF_8));
    }

    private static @Nullable String when(@Nullable When when) {
        if (when == null) {
            return null;
        }
        Instant at = when.at();
        if (at == null) {
            return "+" + millis(when.after() == null ? Duration.ZERO : when.after());
        }
        Instant latest = Instant.ofEpochMilli(LATEST);
        return "@" + (at.isAfter(latest)
                ? LATEST
                : at.isBefore(Instant.EPOCH) ? 0 : at.plusNanos(999_999).toEpochMilli());
    }

    /** Packs error callbacks, which the scripts take apart when they are needed. */
    private static byte[] packed(List<QueuedTask> callbacks) {
        var all = new Packed();
        for (QueuedTask callback : callbacks) {
            var one = new Packed();
            task(callback, one::add);
            all.add(one.bytes());
        }
        return all.bytes();
    }

    // ---- filters ----

    /** Writes what {@code select.lua} reads, but for what to do. */
    Arguments add(TaskFilter filter, List<String> ids) {
        addAll(ids);
        var bits = new StringBuilder();
        for (TaskState state : TaskState.values()) {
            bits.append(filter.states().contains(state) ? Integer.toString(state.ordinal()) : "");
        }
        return add(bits.toString()).add(filter.queue()).add(filter.type()).add(filter.root())
                .add(filter.reason() == null ? null : filter.reason().name()).add(filter.text()).add(filter.after());
    }

    /** Writes fields and values. */
    Arguments add(Map<String, byte[]> fields) {
        add(fields.size());
        fields.forEach((name, value) -> add(name).add(value));
        return this;
    }

    @Override
    public String toString() {
        return all.size() + " arguments";
    }
}
