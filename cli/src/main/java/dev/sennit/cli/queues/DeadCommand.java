package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Table;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit dead}: the tasks that are tried no more. */
@Command(
        name = "dead",
        header = "Prints the tasks that are dead and why, replays or removes them.",
        description = "Without --replay and --purge, prints a line for each. Those that are replayed begin anew, "
                + "with no failures counted.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP, "1:there is no such dead task, or the broker failed", ExitCode.USAGE_HELP,
            "3:the broker cannot be opened",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit dead --broker sqlite:jobs.db",
            "  sennit dead --replay --type thumbs.make --text OutOfMemory --broker sqlite:jobs.db",
            "  sennit dead --replay ID --argument '\"in/b.jpg\"' --broker sqlite:jobs.db"
        })
public final class DeadCommand implements Callable<Integer> {
    private static final int USUAL_MOST = 1000;

    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Parameters(paramLabel = "ID", arity = "0..*", description = "Only these tasks.")
    private List<String> ids = new ArrayList<>();

    @Option(names = "--queue", paramLabel = "QUEUE", description = "Only tasks of this queue.")
    private @Nullable String queue;

    @Option(names = "--type", paramLabel = "TYPE", description = "Only tasks of this type.")
    private @Nullable String type;

    @Option(names = "--reason", paramLabel = "REASON",
            description = "Only tasks that are dead for this reason: failed, crashed, lost, timed-out, unknown-type, "
                    + "unreadable.")
    private @Nullable String reason;

    @Option(names = "--text", paramLabel = "TEXT", description = "Only tasks whose error or argument contains a text.")
    private @Nullable String text;

    @ArgGroup
    private @Nullable Change change;

    @Option(names = "--argument", paramLabel = "JSON", description = "With --replay: another argument for all of them.")
    private @Nullable String argument;

    @Option(names = "--most", paramLabel = "N", description = "Print so many at most; default: 1000.")
    private int most = USUAL_MOST;

    @Option(names = "--json", description = "Print one JSON object a task; with --replay or --purge, how many.")
    private boolean json;

    /** What is done with them: one of both. */
    private static final class Change {
        @Option(names = "--replay", description = "Try them again.")
        private boolean replay;

        @Option(names = "--purge", description = "Remove them.")
        private boolean purge;
    }

    public DeadCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        TaskFilter filter = TaskFilter.ALL.state(TaskState.DEAD).ids(ids.toArray(String[]::new)).queue(queue)
                .type(type).reason(reason == null ? null : reason(reason)).text(text);
        byte[] payload = argument == null ? null : EnqueueCommand.json("--argument", argument);
        if (payload != null && (change == null || !change.replay)) {
            throw CommandException.usage("--argument goes with --replay");
        }
        return broker.withExisting(opened -> {
            List<String> missing = ids.stream().distinct().flatMap(id -> obstacle(opened, id).stream()).toList();
            if (change == null) {
                print(opened.name(), TaskText.search(opened, filter, most));
            } else if (change.replay) {
                printCount(opened.replay(filter, payload), "replayed");
            } else if (change.purge) {
                printCount(opened.purge(filter), "removed");
            }
            missing.forEach(terminal::error);
            return missing.isEmpty() ? ExitCode.DONE : ExitCode.TASKS_FAILED;
        });
    }

    /** Returns why a task that is named is not among the dead ones. */
    private static Optional<String> obstacle(Broker opened, String id) {
        Optional<TaskView> found = opened.find(id);
        if (found.isEmpty()) {
            return Optional.of("no dead task " + id + " is known");
        }
        return found.filter(task -> task.state() != TaskState.DEAD)
                .map(task -> "task " + id + " is not dead: it is " + TaskText.name(task.state()));
    }

    private void printCount(int count, String done) {
        terminal.line(json
                ? new JsonLine().put(done, count).toString()
                : Figures.count(count, "task", "tasks") + " " + done);
    }

    private void print(String name, List<TaskView> dead) {
        if (json) {
            dead.forEach(task -> terminal.line(
                    TaskText.put(TaskText.json(task), "payload", task.payload()).toString()));
        } else if (dead.isEmpty()) {
            terminal.line(name + " has no dead tasks");
        } else {
            var table = new Table("id", "type", "reason", "attempts", "argument", "error", "");
            for (TaskView task : dead) {
                table.add(task.id(), TaskText.shown(task.type()),
                        task.reason() == null ? "-" : TaskText.name(task.reason()), Integer.toString(task.attempts()),
                        TaskText.argument(task.payload()), TaskText.shown(task.error()));
            }
            table.lines().forEach(terminal::line);
            if (dead.size() == most) {
                terminal.note("these are the first " + most + ": say --most N for more");
            }
        }
    }

    private static DeadReason reason(String word) {
        return Arrays.stream(DeadReason.values()).filter(one -> TaskText.name(one).equals(word)).findFirst()
                .orElseThrow(() -> CommandException.usage("--reason: there is no reason \"" + word
                        + "\": expected one of " + Arrays.stream(DeadReason.values()).map(TaskText::name)
                                .collect(Collectors.joining(", "))));
    }
}
