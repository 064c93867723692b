package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
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
                + "of a task. With --state, --type, --queue, --root or --text, prints the tasks that fit.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP, "1:there is no such task, or the broker failed", ExitCode.USAGE_HELP,
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

    @Option(names = "--worker", paramLabel = "NAME", description = "With --ask, only this worker; default: all.")
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
            }
            printTasks(opened, searches
                    ? TaskFilter.ALL.state(chosen.toArray(TaskState[]::new)).type(type).queue(queue)
                            .root(root).text(text)
                    : TaskFilter.ALL.state(TaskState.RUNNING));
            return ExitCode.DONE;
        });
    }

    private int ask(Broker opened, String command) {
        opened.control(new ControlMessage(worker, command, arguments));
        terminal.line(command + " was sent to " + (worker == null ? "all workers" : worker));
        return ExitCode.DONE;
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
        TaskView task = opened.find(wanted).orElseThrow(() -> CommandException.failed(
                "no task " + wanted + " is known: it may have ended long ago", null));
        if (json) {
            terminal.line(TaskText.put(TaskText.json(task), "payload", task.payload())
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
        line(table, "argument", TaskText.argument(task.payload()));
        line(table, "headers",
                task.headers().isEmpty() ? "-" : String.join(", ", new TreeSet<>(task.headers().keySet())));
        line(table, "error", TaskText.shown(task.error()));
        table.forEach((name, value) -> terminal.line(String.format("%-8s  %s", name, value)));
        if (task.error() != null) {
            task.error().stack().lines().map(TaskText::shown).forEach(frame -> terminal.line("    " + frame));
        }
        return ExitCode.DONE;
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
