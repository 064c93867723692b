package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Durations;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.When;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** {@code sennit enqueue}: puts tasks into a queue. */
@Command(
        name = "enqueue",
        header = "Puts tasks into a queue.",
        description = "A worker that knows the type runs them: see sennit worker. With --each there is a task for each "
                + "file that a pattern matches, or for each line of stdin; its argument is the path, or the line, as a "
                + "JSON string. Where ARGUMENT is given too, {} in it stands for that string.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:with --wait, a task has not succeeded; or the broker failed",
            ExitCode.USAGE_HELP,
            "3:the broker cannot be opened",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit enqueue thumbs.make '\"in/a.jpg\"' --broker sqlite:jobs.db",
            "  sennit enqueue thumbs.make --each 'in/*.jpg' --broker sqlite:jobs.db",
            "  sennit enqueue mail.send '{\"to\": {}}' --each - < addresses"
        })
public final class EnqueueCommand implements Callable<Integer> {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final int BATCH = 1000;
    private static final String PLACE = "{}";

    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Parameters(index = "0", paramLabel = "TYPE", description = "The name of the task type.")
    private String type = "";

    @Parameters(index = "1", paramLabel = "ARGUMENT", arity = "0..1",
            description = "The argument, as JSON; default: null.")
    private @Nullable String argument;

    @Option(names = "--each", paramLabel = "PATTERN",
            description = "A task for each file that the pattern matches; - for each line of stdin "
                    + "that is not empty. May be repeated.")
    private List<String> each = new ArrayList<>();

    @Option(names = "--queue", paramLabel = "NAME", description = "The queue; default: default.")
    private String queue = QueuedTask.USUAL_QUEUE;

    @Option(names = "--priority", paramLabel = "0..9", description = "The greatest goes first; default: 5.")
    private int priority = QueuedTask.USUAL_PRIORITY;

    @Option(names = "--delay", paramLabel = "TIME", description = "Begin after a time, such as 10m.")
    private @Nullable String delay;

    @Option(names = "--at", paramLabel = "MOMENT", description = "Begin at a time of day: 2026-12-24T18:00:00Z.")
    private @Nullable String at;

    @Option(names = "--expires", paramLabel = "TIME", description = "Too late to begin after a time, such as 1h.")
    private @Nullable String expires;

    @Option(names = "--attempts", paramLabel = "N",
            description = "How often it may fail before it is dead; the waits grow from a second. Default: 1.")
    private int attempts = 1;

    @Option(names = "--soft-limit", paramLabel = "TIME", description = "Ask a run to stop after a time.")
    private @Nullable String softLimit;

    @Option(names = "--hard-limit", paramLabel = "TIME", description = "End a run after a time.")
    private @Nullable String hardLimit;

    @Option(names = "--once", description = "Never begin it a second time after its worker was lost.")
    private boolean once;

    @Option(names = "--unique", paramLabel = "KEY", description = "Refuse it while another with this key is not done.")
    private @Nullable String unique;

    @Option(names = "--key", paramLabel = "KEY[:N]",
            description = "Take turns with tasks of other keys; with N at most so many of this key at a time.")
    private @Nullable String key;

    @Option(names = "--header", paramLabel = "NAME=VALUE", description = "What travels along. May be repeated.")
    private Map<String, String> headers = new LinkedHashMap<>();

    @Option(names = "--wait",
            description = "Wait until the tasks have ended, and print their results; the id goes to stderr before.")
    private boolean wait;

    @Option(names = "--json", description = "Print one JSON object a task.")
    private boolean json;

    public EnqueueCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        QueuedTask.Builder form = form();
        byte[] payload = argument == null
                ? "null".getBytes(StandardCharsets.UTF_8)
                : each.isEmpty() ? json("ARGUMENT", argument) : payload("a text");
        return broker.with(opened -> {
            if (!wait) {
                print(opened, enqueue(opened, form, payload));
                return ExitCode.DONE;
            }
            try (AwaitedEnds ends = new AwaitedEnds(opened)) {
                List<Enqueued> done = enqueue(opened, form.replyTo(ends.replyTo()), payload);
                summary(opened, done).forEach(terminal::note); // stdout has the results
                done.forEach(one -> ends.add(one.id()));
                return waitFor(ends);
            }
        });
    }

    private List<Enqueued> enqueue(Broker opened, QueuedTask.Builder form, byte[] payload) {
        List<Enqueued> done = new ArrayList<>();
        if (each.isEmpty()) {
            done.addAll(opened.enqueue(Batch.of(form.id(QueuedTask.newId()).payload(payload).build())));
            if (argument == null) {
                terminal.note("no ARGUMENT is given: the task gets null");
            }
            return done;
        }
        List<QueuedTask> batch = new ArrayList<>();
        forEach(text -> {
            batch.add(form.id(QueuedTask.newId()).payload(payload(text)).build());
            if (batch.size() == BATCH) {
                done.addAll(opened.enqueue(new Batch(batch, List.of())));
                batch.clear();
            }
        });
        if (!batch.isEmpty()) {
            done.addAll(opened.enqueue(new Batch(batch, List.of())));
        }
        return done;
    }

    private void print(Broker opened, List<Enqueued> done) {
        if (json) {
            done.forEach(one -> terminal.line(new JsonLine().put("id", one.id()).put("isDuplicate", one.isDuplicate())
                    .toString()));
        } else {
            summary(opened, done).forEach(terminal::line);
        }
    }

    private List<String> summary(Broker opened, List<Enqueued> done) {
        if (done.size() == 1) {
            return List.of(done.getFirst().id() + (done.getFirst().isDuplicate() ? " is there already" : ""));
        }
        long duplicates = done.stream().filter(Enqueued::isDuplicate).count();
        return List.of(Figures.count(done.size() - duplicates, "task", "tasks") + " enqueued in " + queue + " of "
                + opened.name() + (duplicates == 0 ? "" : ", " + duplicates + " were there already"));
    }

    private int waitFor(AwaitedEnds ends) {
        int failed = 0;
        try {
            while (!ends.isDone()) {
                for (EndedTask end : ends.next()) {
                    failed += end.state() == TaskState.SUCCEEDED ? 0 : 1;
                    print(end);
                }
                for (String id : ends.lost()) {
                    failed++;
                    terminal.error(id + " has ended, and its result is not kept");
                }
            }
        } catch (InterruptedException e) {
            throw CommandException.failed("interrupted; the tasks go on", e);
        }
        return failed == 0 ? ExitCode.DONE : ExitCode.TASKS_FAILED;
    }

    private void print(EndedTask end) {
        if (json) {
            var line = new JsonLine().put("id", end.id()).put("state", TaskText.name(end.state()));
            terminal.line(TaskText.put(line, "result", end.result())
                    .put("error", end.error() == null ? null : TaskText.shown(end.error()))
                    .put("attempts", end.attempts())
                    .toString());
        } else if (end.result() != null) {
            terminal.line(new String(end.result(), StandardCharsets.UTF_8));
        } else {
            terminal.error(end.id() + " is " + TaskText.name(end.state())
                    + (end.error() == null ? "" : ": " + TaskText.shown(end.error())));
        }
    }

    /** Returns a task with all but its argument. */
    private QueuedTask.Builder form() {
        if (delay != null && at != null) {
            throw CommandException.usage("--delay and --at say two things: give one of them");
        }
        try {
            QueuedTask.Builder form = QueuedTask.of(type, new byte[0]).queue(queue).priority(priority)
                    .due(delay != null ? When.after(Durations.parse("--delay", delay)) : moment(at))
                    .expires(expires == null ? null : When.after(Durations.parse("--expires", expires)))
                    .softLimit(softLimit == null ? null : Durations.parse("--soft-limit", softLimit))
                    .hardLimit(hardLimit == null ? null : Durations.parse("--hard-limit", hardLimit))
                    .atMostOnce(once)
                    .unique(unique == null ? null : new Unique(unique, Unique.Until.ENDED, null))
                    .key(keyLimit(key))
                    .headers(headers);
            if (attempts != 1) {
                form.retry(RetryPolicy.attempts(attempts));
            }
            form.build(); // to check it before anything is enqueued
            return form;
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
    }

    private static @Nullable When moment(@Nullable String text) {
        try {
            return text == null ? null : When.at(Instant.parse(text));
        } catch (DateTimeException e) {
            throw CommandException.usage("--at must be a moment such as 2026-12-24T18:00:00Z, was \"" + text + "\"", e);
        }
    }

    private static @Nullable KeyLimit keyLimit(@Nullable String text) {
        if (text == null) {
            return null;
        }
        int colon = text.lastIndexOf(':');
        if (colon > 0 && text.substring(colon + 1).matches("\\d{1,9}")) {
            return new KeyLimit(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        }
        return new KeyLimit(text, KeyLimit.UNLIMITED);
    }

    /** Returns JSON as bytes. */
    static byte[] json(String what, String text) {
        try {
            MAPPER.readTree(text);
        } catch (JacksonException e) {
            throw CommandException.usage(what + " is no JSON: "
                    + e.getOriginalMessage().lines().findFirst().orElse("") + "; a text needs quotes: '\"text\"'", e);
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private byte[] payload(String found) {
        String text = MAPPER.writeValueAsString(found);
        return argument == null
                ? text.getBytes(StandardCharsets.UTF_8)
                : json("ARGUMENT with {} as " + text, argument.replace(PLACE, text));
    }

    private void forEach(Consumer<String> action) {
        for (String pattern : each) {
            if (pattern.equals("-")) {
                lines(action);
            } else {
                files(pattern).forEach(file -> action.accept(file.toString()));
            }
        }
    }

    private void lines(Consumer<String> action) {
        try {
            var reader = new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
            int empty = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.isBlank()) {
                    empty++;
                } else {
                    action.accept(line);
                }
            }
            if (empty > 0) {
                terminal.note(Figures.count(empty, "empty line", "empty lines") + " of stdin "
                        + (empty == 1 ? "was" : "were") + " left out");
            }
        } catch (IOException e) {
            throw CommandException.failed("stdin cannot be read: " + CommandException.taskFailure(e), e);
        }
    }

    /** Returns the files of a pattern whose last part has wildcards, by name. */
    private static List<Path> files(String pattern) {
        int slash = pattern.lastIndexOf('/');
        Path folder = Path.of(slash < 0 ? "." : pattern.substring(0, slash + 1)).toAbsolutePath().normalize();
        if (!Files.isDirectory(folder)) {
            throw CommandException.usage("--each: there is no folder " + folder + ": correct the pattern " + pattern);
        }
        List<Path> found;
        try (Stream<Path> files = Files.list(folder)) {
            PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern.substring(slash + 1));
            found = files.filter(file -> matcher.matches(file.getFileName()) && Files.isRegularFile(file)
                    && !file.getFileName().toString().startsWith(".")).sorted().toList();
        } catch (PatternSyntaxException e) {
            throw CommandException.usage("--each: " + pattern + " is no pattern: " + e.getDescription(), e);
        } catch (IOException e) {
            throw CommandException.usage("--each: " + folder + " cannot be read: " + CommandException.taskFailure(e),
                    e);
        }
        if (found.isEmpty()) {
            throw CommandException.usage("--each: no file matches " + pattern + ": correct the pattern");
        }
        return found;
    }
}
