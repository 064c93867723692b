package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Durations;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.WorkerReport;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit queues}: how full the queues are, and what changes them. */
@Command(
        name = "queues",
        header = "Prints how many tasks the queues have, and pauses, limits or empties them.",
        description = "Without a command, prints a line for each queue: how many tasks are ready, scheduled for later, "
                + "held back by the limit of their key, blocked until others are done, running and dead, how long "
                + "the oldest that is ready has waited, and how many workers take tasks of the queue. Below stands "
                + "what is paused or limited, and what waits for a worker that knows its type.",
        sortOptions = false,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP, "1:the broker failed", ExitCode.USAGE_HELP, "3:the broker cannot be opened",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit queues --broker sqlite:jobs.db",
            "  sennit queues pause images --broker sqlite:jobs.db",
            "  sennit queues limit thumbs.make 100 1m --broker sqlite:jobs.db"
        })
public final class QueuesCommand implements Callable<Integer> {
    /** Of how many ready tasks of a queue the types are looked at. */
    private static final int SAMPLE = 100;

    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Option(names = "--json",
            description = "Print one JSON object a queue, and one a type that is paused or limited.")
    private boolean json;

    private QueuesCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    public static CommandLine commandLine(Terminal terminal) {
        return new CommandLine(new QueuesCommand(terminal))
                .addSubcommand("pause", new Pause(terminal))
                .addSubcommand("resume", new Resume(terminal))
                .addSubcommand("limit", new Limit(terminal))
                .addSubcommand("purge", new Purge(terminal));
    }

    @Override
    public Integer call() {
        return broker.withExisting(opened -> {
            List<QueueCounts> queues = opened.counts();
            List<WorkerReport> workers = opened.workers();
            if (json) {
                queues.forEach(queue -> terminal.line(QueuesReport.json(queue, workers)
                        .put("unknownTypes", unknown(opened, queue, workers)).toString()));
                printLimitsAsJson(opened);
                return ExitCode.DONE;
            }
            if (queues.isEmpty()) {
                terminal.line(opened.name() + " has no tasks");
            } else {
                QueuesReport.ofQueues(queues, workers).forEach(terminal::line);
            }
            printLimits(opened);
            printUnknown(opened, queues, workers);
            return ExitCode.DONE;
        });
    }

    private void printUnknown(Broker opened, List<QueueCounts> queues, List<WorkerReport> workers) {
        boolean isUntold = false;
        for (QueueCounts queue : queues) {
            List<String> types = unknown(opened, queue, workers);
            isUntold |= types == null && !QueuesReport.takers(workers, queue.queue()).isEmpty();
            if (types != null) {
                types.forEach(type -> terminal.line("queue " + TaskText.shown(queue.queue()) + " has tasks of type "
                        + type + ", which none of its workers knows"));
            }
        }
        if (isUntold) {
            terminal.line("types that no worker knows are not told: this broker cannot search");
        }
    }

    /**
     * Returns the types of ready tasks that none of the workers of their queue knows; null if the broker cannot tell,
     * or no worker takes tasks of the queue.
     */
    private static @Nullable List<String> unknown(Broker opened, QueueCounts queue, List<WorkerReport> workers) {
        List<WorkerReport> takers = QueuesReport.takers(workers, queue.queue());
        if (takers.isEmpty()) {
            return null;
        }
        if (queue.count(TaskState.READY) == 0) {
            return List.of();
        }
        if (!opened.features().contains(BrokerFeature.SEARCH)) {
            return null;
        }
        return opened.search(TaskFilter.ALL.queue(queue.queue()).state(TaskState.READY), SAMPLE).stream()
                .map(TaskView::type)
                .filter(type -> takers.stream().noneMatch(worker -> worker.types().contains(type)))
                .distinct().sorted().map(TaskText::shown)
                .toList();
    }

    private void printLimitsAsJson(Broker opened) {
        Set<Scope> paused = opened.paused();
        Map<String, Rate> limits = opened.limits();
        var types = new TreeSet<>(limits.keySet());
        paused.stream().filter(scope -> scope.kind() == Scope.Kind.TYPE).map(Scope::name).forEach(types::add);
        for (String type : types) {
            Rate rate = limits.get(type);
            terminal.line(new JsonLine().put("type", TaskText.shown(type))
                    .put("isPaused", paused.contains(Scope.type(type)))
                    .put("limit", rate == null
                            ? null
                            : new JsonLine().put("tasks", rate.tasks())
                                    .put("periodSeconds", rate.period().toNanos() / 1e9).put("burst", rate.burst()))
                    .toString());
        }
    }

    private void printLimits(Broker opened) {
        opened.paused().stream().filter(scope -> scope.kind() == Scope.Kind.TYPE).map(Scope::name).sorted()
                .forEach(type -> terminal.line("type " + TaskText.shown(type) + " is paused"));
        opened.limits().forEach((type, rate) -> terminal.line("type " + TaskText.shown(type) + " is limited to "
                + rate.tasks() + " in " + Durations.text(rate.period())));
    }

    /** A command on a queue or a type. */
    private abstract static class OfScope implements Callable<Integer> {
        final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Parameters(paramLabel = "NAME", description = "The queue, or the task type with --type.")
        private String name = "";

        @Option(names = "--type", description = "NAME is a task type, in all queues.")
        private boolean isType;

        OfScope(Terminal terminal) {
            this.terminal = terminal;
        }

        abstract void change(Broker opened, Scope scope);

        @Override
        public final Integer call() {
            return broker.with(opened -> {
                change(opened, isType ? Scope.type(name) : Scope.queue(name));
                return ExitCode.DONE;
            });
        }
    }

    @Command(name = "pause", header = "Has workers take no tasks of a queue or a type; those that run go on.")
    private static final class Pause extends OfScope {
        Pause(Terminal terminal) {
            super(terminal);
        }

        @Override
        void change(Broker opened, Scope scope) {
            boolean isKnown = isKnown(opened, scope);
            opened.pause(scope);
            String kind = TaskText.name(scope.kind());
            terminal.line(kind + " " + scope.name() + " is paused"
                    + (isKnown ? "" : "; no " + kind + " of this name is known now"));
        }

        /** Returns whether there are tasks of it, or workers for it, or it is paused already. */
        private static boolean isKnown(Broker opened, Scope scope) {
            String name = scope.name();
            if (opened.paused().contains(scope)) {
                return true;
            }
            return scope.kind() == Scope.Kind.QUEUE
                    ? opened.counts().stream().anyMatch(queue -> queue.queue().equals(name))
                            || !QueuesReport.takers(opened.workers(), name).isEmpty()
                    : opened.workers().stream().anyMatch(worker -> worker.types().contains(name))
                            || !opened.features().contains(BrokerFeature.SEARCH)
                            || !opened.search(TaskFilter.ALL.type(name), 1).isEmpty();
        }
    }

    @Command(name = "resume", header = "Ends a pause.")
    private static final class Resume extends OfScope {
        Resume(Terminal terminal) {
            super(terminal);
        }

        @Override
        void change(Broker opened, Scope scope) {
            boolean wasPaused = opened.paused().contains(scope);
            opened.resume(scope);
            terminal.line(TaskText.name(scope.kind()) + " " + scope.name()
                    + (wasPaused ? " is resumed" : " was not paused, and goes on"));
        }
    }

    @Command(name = "limit", header = "Limits how many tasks of a type begin in a time, over all workers.")
    private static final class Limit implements Callable<Integer> {
        private final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Parameters(index = "0", paramLabel = "TYPE", description = "The task type.")
        private String type = "";

        @Parameters(index = "1", paramLabel = "N|none", description = "How many, or none for no limit.")
        private String tasks = "";

        @Parameters(index = "2", paramLabel = "TIME", arity = "0..1",
                description = "In which time, such as 1m; default: 1s.")
        private String period = "1s";

        @Option(names = "--burst", paramLabel = "N", description = "How many may begin at once; default: 1.")
        private long burst = 1;

        Limit(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            Rate rate = rate();
            return broker.with(opened -> {
                opened.limit(type, rate);
                terminal.line("type " + type + (rate == null
                        ? " has no limit"
                        : " is limited to " + rate.tasks() + " in " + Durations.text(rate.period())));
                return ExitCode.DONE;
            });
        }

        private @Nullable Rate rate() {
            if (tasks.equals("none")) {
                return null;
            }
            try {
                return new Rate(Long.parseLong(tasks), Durations.parse("TIME", period), burst);
            } catch (NumberFormatException e) {
                throw CommandException.usage("N must be a whole number or none, was \"" + tasks + "\"", e);
            } catch (IllegalArgumentException e) {
                throw CommandException.usage(CommandException.oneLine(e), e);
            }
        }
    }

    @Command(name = "purge", header = "Removes the tasks of a queue that wait; those that run go on, dead ones stay.")
    private static final class Purge implements Callable<Integer> {
        private final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Parameters(paramLabel = "QUEUE", description = "The queue.")
        private String queue = "";

        @Option(names = "--type", paramLabel = "TYPE", description = "Only tasks of this type.")
        private @Nullable String type;

        Purge(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            return broker.with(opened -> {
                int removed = opened.purge(TaskFilter.ALL.queue(queue).type(type)
                        .state(TaskState.READY, TaskState.SCHEDULED, TaskState.HELD, TaskState.BLOCKED));
                terminal.line(Figures.count(removed, "task", "tasks") + " removed");
                return ExitCode.DONE;
            });
        }
    }
}
