package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Figures;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.internal.view.ShownText;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** How tasks of queues are shown. Names, errors and arguments pass the name filter, so no secret is among them. */
final class TaskText {
    private static final int LONGEST_ARGUMENT = 100;
    /** Keeps all digits of numbers. */
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** How many tasks are read at a time: each may have an argument of megabytes. */
    private static final int PAGE = 100;

    private TaskText() {}

    /** Returns a text in one line, without secrets. */
    static String shown(String text) {
        return ShownText.of(text.strip().replaceAll("\\s*\\R\\s*", "; "));
    }

    static String shown(@Nullable ErrorInfo error) {
        return error == null ? "-" : shown(error.text());
    }

    /** Returns an argument, cut to what fits into a line. */
    static String argument(byte[] payload) {
        String text = new String(payload, 0, Math.min(payload.length, 4 * LONGEST_ARGUMENT), StandardCharsets.UTF_8);
        String shown = shown(text);
        return shown.length() <= LONGEST_ARGUMENT && payload.length <= 4 * LONGEST_ARGUMENT
                ? shown
                : shown.substring(0, Math.min(shown.length(), LONGEST_ARGUMENT)) + "...";
    }

    /** Returns a result as JSON in one line, whole; null if there is none. */
    static @Nullable String result(byte @Nullable [] result) {
        if (result == null || result.length == 0) {
            return null;
        }
        try {
            return MAPPER.readTree(result).toString();
        } catch (JacksonException e) {
            return shown(new String(result, StandardCharsets.UTF_8));
        }
    }

    static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Returns how long ago something was, or {@code -}. */
    static String ago(@Nullable Instant then, Instant now) {
        return then == null ? "-" : age(Duration.between(then, now));
    }

    static String age(@Nullable Duration age) {
        return age == null ? "-" : Figures.duration(Math.max(0, age.toMillis()) / 1e3);
    }

    static String progress(@Nullable Progress progress) {
        if (progress == null) {
            return "-";
        }
        String of = progress.total() < 0 ? "" : " of " + progress.total();
        return progress.done() + of + (progress.message().isEmpty() ? "" : ", " + shown(progress.message()));
    }

    /** Returns a moment to milliseconds, or null. */
    static @Nullable String time(@Nullable Instant moment) {
        return moment == null ? null : moment.truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** Returns the words for the states, for help and messages. */
    static String states() {
        return Arrays.stream(TaskState.values()).map(TaskText::name).collect(Collectors.joining(", "));
    }

    /** Reads a word for a state. */
    static TaskState state(String word) {
        return Arrays.stream(TaskState.values()).filter(each -> name(each).equals(word)).findFirst()
                .orElseThrow(() -> CommandException.usage(
                        "--state: there is no state \"" + word + "\": expected one of " + states()));
    }

    static JsonLine json(TaskView task) {
        return new JsonLine()
                .put("id", task.id())
                .put("type", shown(task.type()))
                .put("version", task.version())
                .put("queue", shown(task.queue()))
                .put("state", name(task.state()))
                .put("priority", task.priority())
                .put("key", task.key() == null ? null : shown(task.key()))
                .put("root", task.root())
                .put("enqueuedAt", time(task.enqueuedAt()))
                .put("dueAt", time(task.dueAt()))
                .put("begunAt", time(task.begunAt()))
                .put("endedAt", time(task.endedAt()))
                .put("worker", task.worker())
                .put("attempts", task.attempts())
                .put("failures", task.failures())
                .put("crashes", task.crashes())
                .put("progress", task.progress() == null
                        ? null
                        : new JsonLine()
                                .put("done", task.progress().done())
                                .put("total", task.progress().total() < 0 ? null : task.progress().total())
                                .put("message", shown(task.progress().message())))
                .put("reason", task.reason() == null ? null : name(task.reason()))
                .put("error", task.error() == null ? null : shown(task.error()))
                .put("argument", argument(task.payload()));
    }

    /** Puts JSON that a task has brought as it is, in one line; as a text what is none. */
    static JsonLine put(JsonLine line, String name, byte @Nullable [] bytes) {
        if (bytes == null || bytes.length == 0) {
            return line.put(name, null);
        }
        try {
            return line.putJson(name, MAPPER.readTree(bytes).toString());
        } catch (JacksonException e) {
            return line.put(name, new String(bytes, StandardCharsets.UTF_8));
        }
    }

    /** Returns all pages of what a filter chooses, up to a number. */
    static List<TaskView> search(Broker broker, TaskFilter filter, int most) {
        List<TaskView> all = new ArrayList<>();
        TaskFilter next = filter;
        while (all.size() < most) {
            List<TaskView> page = broker.search(next, Math.min(PAGE, most - all.size()));
            if (page.isEmpty()) {
                break;
            }
            all.addAll(page);
            next = next.after(page.getLast().id());
        }
        return all;
    }
}
