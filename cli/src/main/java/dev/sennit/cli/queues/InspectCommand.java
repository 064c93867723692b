package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit inspect}: workers and tasks, and what is asked of them. */
@Command(
        name = "inspect",
        header = "Prints the workers of a broker and what they run, or tasks; asks workers to do something.",
        description = "Without arguments, prints the workers that live, and the tasks that run. With an ID, prints all "
                + "of a task, and its result while that is kept. "
                + "With --state, --type, --queue, --root or --text, prints the tasks that fit.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP, "1:there is no such task or worker, or the broker failed", ExitCode.USAGE_HELP,
            "3:the broker cannot be opened", ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit inspect --broker sqlite:jobs.db",
            "  sennit inspect --state ready,scheduled --type thumbs.make --broker sqlite:jobs.db",
            "  sennit inspect ID --cancel --broker sqlite:jobs.db",
            "  sennit inspect --ask quiet --worker NAME --broker sqlite:jobs.db"
        })
public final class InspectCommand implements Callable<Integer> {
    private static final int USUAL_MOST = 1000;
    /** What follows the name of a worker in its id. */
    private static final Pattern UNIQUE = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Parameters(paramLabel = "ID", arity = "0..1", description = "The id of a task.")
    private @Nullable String id;

    @Option(names = "--state", paramLabel = "STATE", split = ",",
            description = "Tasks in these states: ready, scheduled, blocked, held, running, succeeded, dead, "
                    + "cancelled, expired.")
    private List<String> states = new ArrayList<>();

    @Option(names = "--type", paramLabel = "TYPE", description = "Tasks of this type.")
    private @Nullable String type;

    @Option(names = "--queue", paramLabel = "QUEUE", description = "Tasks of this queue.")
    private @Nullable String queue;

    @Option(names = "--root", paramLabel = "ID", description = "Tasks of the workflow that begins with this one.")
    private @Nullable String root;

    @Option(names = "--text", paramLabel = "TEXT", description = "Tasks whose error or argument contains a text.")
    private @Nullable String text;

    @Option(names = "--cancel", description = "With an ID, cancel the task; with --root, the workflow.")
    private boolean cancel;

    @Option(names = "--ask", paramLabel = "COMMAND",
            description = "Ask workers: quiet (take no more), resume, shutdown, grow, shrink, add-queue, remove-queue.")
    private @Nullable String ask;

    @Option(names = "--worker", paramLabel = "NAME",
            description = "With --ask, only the workers of this name, or the one of this id; default: all.")
    private @Nullable String worker;

    @Option(names = "--with", paramLabel = "NAME=VALUE",
            description = "With --ask, an argument: by=2 for grow and shrink, queue=NAME for add-queue.")
    private Map<String, String> arguments = new LinkedHashMap<>();

    @Option(names = "--most", paramLabel = "N", description = "Print so many tasks at most; default: 1000.")
    private int most = USUAL_MOST;

    @Option(names = "--json", description = "Print one JSON object a worker or task.")
    private boolean json;

    public InspectCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        List<TaskState> chosen = states.stream().map(TaskText::state).toList();
        if (cancel && id == null && root == null) {
            throw CommandException.usage("--cancel needs the ID of a task, or --root ID for a workflow");
        }
        return broker.withExisting(opened -> {
            if (ask != null) {
                return ask(opened, ask);
            }
            if (cancel) {
                return cancel(opened);
            }
            if (id != null) {
                return show(opened, id);
            }
            boolean searches = !chosen.isEmpty() || type != null || queue != null || root != null || text != null;
            if (!searches) {
                printWorkers(opened);
                if (!opened.features().contains(BrokerFeature.SEARCH)) {
                    printUntold();
                    return ExitCode.DONE;
                }
            }
            printTasks(opened, searches
                    ? TaskFilter.ALL.state(chosen.toArray(TaskState[]::new)).type(type).queue(queue)
                            .root(root).text(text)
                    : TaskFilter.ALL.state(TaskState.RUNNING));
            return ExitCode.DONE;
        });
    }

    private int ask(Broker opened, String command) {
        if (worker == null) {
            opened.control(new ControlMessage(null, command, arguments));
            terminal.line(command + " was sent to all workers");
            return ExitCode.DONE;
        }
        List<String> asked = opened.workers().stream().map(WorkerReport::id).filter(each -> isCalled(each, worker))
                .toList();
        if (asked.isEmpty()) {
            throw CommandException.failed(
                    "no worker " + worker + " is known: sennit inspect shows those that live", null);
        }
        for (String each : asked) {
            opened.control(new ControlMessage(each, command, arguments));
            terminal.line(command + " was sent to " + each);
        }
        return ExitCode.DONE;
    }

    /** Returns whether a worker has an id, or a name: its id is its name and what makes it unique. */
    private static boolean isCalled(String id, String wanted) {
        return id.equals(wanted)
                || id.startsWith(wanted + "-") && UNIQUE.matcher(id.substring(wanted.length() + 1)).matches();
    }

    private int cancel(Broker opened) {
        if (id == null) {
            terminal.line(opened.cancelAll(String.valueOf(root)) + " tasks are cancelled, or are to stop");
            return ExitCode.DONE;
        }
        TaskState state = opened.cancel(id);
        if (state == null) {
            throw CommandException.failed("no task " + id + " is known: it may have ended long ago", null);
        }
        terminal.line(id + (state == TaskState.RUNNING ? " runs, and is to stop" : " is " + TaskText.name(state)));
        return ExitCode.DONE;
    }

    private int show(Broker opened, String wanted) {
        if (!opened.features().contains(BrokerFeature.SEARCH) && opened.features().contains(BrokerFeature.IDS)) {
            show(end(opened, wanted).orElseThrow(() -> CommandException.failed("task " + wanted
                    + " is not known to have ended, and this broker cannot search for those that have not", null)));
            return ExitCode.DONE;
        }
        TaskView task = opened.find(wanted).orElseThrow(() -> CommandException.failed(
                "no task " + wanted + " is known: it may have ended long ago", null));
        EndedTask end = task.state() == TaskState.SUCCEEDED ? end(opened, wanted).orElse(null) : null;
        byte[] result = end == null ? null : end.result();
        if (json) {
            JsonLine line = TaskText.put(TaskText.json(task), "payload", task.payload());
            terminal.line(TaskText.put(line, "result", result)
                    .put("stack", task.error() == null ? null : task.error().stack())
                    .put("headers", new TreeSet<>(task.headers().keySet()))
                    .toString());
            return ExitCode.DONE;
        }
        Map<String, String> table = new LinkedHashMap<>();
        line(table, "id", task.id());
        line(table, "type", TaskText.shown(task.type()));
        line(table, "queue", TaskText.shown(task.queue()) + ", priority " + task.priority()
                + (task.key() == null ? "" : ", key " + TaskText.shown(task.key())));
        line(table, "state", TaskText.name(task.state())
                + (task.reason() == null ? "" : ": " + TaskText.name(task.reason())));
        line(table, "workflow", task.root().equals(task.id()) ? "-" : task.root());
        line(table, "enqueued", TaskText.time(task.enqueuedAt()));
        line(table, "due", TaskText.time(task.dueAt()));
        line(table, "begun", TaskText.time(task.begunAt()));
        line(table, "ended", TaskText.time(task.endedAt()));
        line(table, "worker", task.worker());
        line(table, "attempts", task.attempts() + ", of which " + task.failures() + " failed and " + task.crashes()
                + " lost their worker");
        line(table, "progress", TaskText.progress(task.progress()));
        line(table, "argument", task.payload().length == 0 ? null : TaskText.argument(task.payload()));
        line(table, "result", TaskText.result(result));
        line(table, "headers",
                task.headers().isEmpty() ? "-" : String.join(", ", new TreeSet<>(task.headers().keySet())));
        line(table, "error", TaskText.shown(task.error()));
        print(table, task.error());
        return ExitCode.DONE;
    }

    private static Optional<EndedTask> end(Broker opened, String wanted) {
        return opened.ended(List.of(wanted)).stream().findFirst();
    }

    /** Shows what a broker that cannot search knows of a task. */
    private void show(EndedTask end) {
        if (json) {
            var line = new JsonLine().put("id", end.id()).put("type", TaskText.shown(end.type()))
                    .put("queue", TaskText.shown(end.queue())).put("state", TaskText.name(end.state()))
                    .put("endedAt", TaskText.time(end.endedAt())).put("attempts", end.attempts())
                    .put("reason", end.reason() == null ? null : TaskText.name(end.reason()))
                    .put("error", end.error() == null ? null : TaskText.shown(end.error()));
            terminal.line(TaskText.put(line, "result", end.result())
                    .put("stack", end.error() == null ? null : end.error().stack()).toString());
            return;
        }
        Map<String, String> table = new LinkedHashMap<>();
        line(table, "id", end.id());
        line(table, "type", TaskText.shown(end.type()));
        line(table, "queue", TaskText.shown(end.queue()));
        line(table, "state",
                TaskText.name(end.state()) + (end.reason() == null ? "" : ": " + TaskText.name(end.reason())));
        line(table, "ended", TaskText.time(end.endedAt()));
        line(table, "attempts", Integer.toString(end.attempts()));
        line(table, "result", TaskText.result(end.result()));
        line(table, "error", TaskText.shown(end.error()));
        print(table, end.error());
    }

    private void print(Map<String, String> table, @Nullable ErrorInfo error) {
        table.forEach((name, value) -> terminal.line(String.format("%-8s  %s", name, value)));
        if (error != null) {
            error.stack().lines().map(TaskText::shown).forEach(frame -> terminal.line("    " + frame));
        }
    }

    private static void line(Map<String, String> table, String name, @Nullable String value) {
        if (value != null && !value.equals("-")) {
            table.put(name, value);
        }
    }

    private void printWorkers(Broker opened) {
        List<WorkerReport> workers = opened.workers();
        Instant now = opened.now();
        if (json) {
            workers.forEach(each -> terminal.line(QueuesReport.json(each).toString()));
        } else {
            QueuesReport.ofWorkers(workers, now).forEach(terminal::line);
            if (!workers.isEmpty()) {
                terminal.line("");
            }
        }
    }

    private void printUntold() {
        if (json) {
            terminal.note("tasks are not listed: this broker cannot search");
        } else {
            terminal.line(
                    "tasks are not listed: this broker cannot search; --json tells the ids of those that a worker "
                            + "runs");
        }
    }

    private void printTasks(Broker opened, TaskFilter filter) {
        List<TaskView> tasks = TaskText.search(opened, filter, most);
        if (json) {
            tasks.forEach(task -> terminal.line(TaskText.json(task).toString()));
            return;
        }
        if (tasks.isEmpty()) {
            terminal.line(filter.states().equals(Set.of(TaskState.RUNNING)) ? "no task runs" : "no task fits");
            return;
        }
        QueuesReport.ofTasks(tasks, opened.now()).forEach(terminal::line);
        if (tasks.size() == most) {
            terminal.note("these are the first " + most + ": say --most N for more");
        }
    }
}
