package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Table;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Durations;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.Beat;
import dev.sennit.queue.QueueSchedules;
import dev.sennit.queue.Recurrence;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.ScheduleEntry.Missed;
import dev.sennit.queue.broker.ScheduleEntry.Overlap;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code sennit beat}: fires schedules, and changes them. */
@Command(
        name = "beat",
        header = "Enqueues the tasks of schedules when they are due, until it is told to stop.",
        description = "The broker keeps the schedules. Any number of beats may run: each due time is fired once. The "
                + "commands change schedules while beats run.",
        sortOptions = false,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:it was told to stop, or the command is done", "1:the broker failed", ExitCode.USAGE_HELP,
            "3:the broker cannot be opened"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit beat --broker sqlite:jobs.db",
            "  sennit beat put nightly '0 3 * * *' report.make '{\"of\": \"day\"}' --zone Europe/Vienna",
            "  sennit beat put often 10m feed.read",
            "  sennit beat list --broker sqlite:jobs.db"
        })
public final class BeatCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    private BeatCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    public static CommandLine commandLine(Terminal terminal) {
        return new CommandLine(new BeatCommand(terminal))
                .addSubcommand("list", new ListAll(terminal))
                .addSubcommand("put", new Put(terminal))
                .addSubcommand("pause", new Pause(terminal))
                .addSubcommand("resume", new Resume(terminal))
                .addSubcommand("run", new Run(terminal))
                .addSubcommand("remove", new Remove(terminal));
    }

    @Override
    public Integer call() {
        var end = new CountDownLatch(1);
        return broker.with(opened -> {
            List<SystemSignals.Handled> signals = new ArrayList<>();
            try (Beat beat = Beat.start(opened)) {
                for (String signal : List.of("TERM", "INT")) {
                    signals.add(SystemSignals.handle(signal, () -> {
                        end.countDown();
                        return true;
                    }));
                }
                terminal.line("beat of " + opened.name() + ": " + opened.schedules().size() + " schedules");
                end.await();
                terminal.line("beat has ended: " + beat.fired() + " tasks enqueued");
                return ExitCode.DONE;
            } catch (InterruptedException e) {
                throw CommandException.failed("interrupted", e);
            } finally {
                signals.forEach(SystemSignals.Handled::restore);
            }
        });
    }

    @Command(name = "list", header = "Prints the schedules, and when each is due next.")
    private static final class ListAll implements Callable<Integer> {
        private final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Option(names = "--json", description = "Print one JSON object a schedule.")
        private boolean json;

        ListAll(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            return broker.withExisting(opened -> {
                List<ScheduleEntry> all = opened.schedules();
                if (json) {
                    all.forEach(each -> terminal.line(json(each)));
                } else if (all.isEmpty()) {
                    terminal.line(opened.name() + " has no schedules");
                } else {
                    var table = new Table("name", "when", "zone", "type", "missed", "overlap", "next", "last", "");
                    all.forEach(each -> table.add(TaskText.shown(each.name()), TaskText.shown(each.when()), each.zone(),
                            TaskText.shown(each.template().type()), TaskText.name(each.missed()),
                            TaskText.name(each.overlap()), text(each.nextDue()), text(each.lastDue()),
                            each.paused() ? "paused" : ""));
                    table.lines().forEach(terminal::line);
                }
                return ExitCode.DONE;
            });
        }

        private static String text(@Nullable Instant moment) {
            return moment == null ? "-" : String.valueOf(TaskText.time(moment));
        }

        private static String json(ScheduleEntry entry) {
            return new JsonLine()
                    .put("name", TaskText.shown(entry.name()))
                    .put("when", TaskText.shown(entry.when()))
                    .put("zone", entry.zone())
                    .put("type", TaskText.shown(entry.template().type()))
                    .put("queue", TaskText.shown(entry.template().queue()))
                    .put("missed", TaskText.name(entry.missed()))
                    .put("overlap", TaskText.name(entry.overlap()))
                    .put("isPaused", entry.paused())
                    .put("nextDue", TaskText.time(entry.nextDue()))
                    .put("lastDue", TaskText.time(entry.lastDue()))
                    .put("lastTask", entry.lastTask())
                    .toString();
        }
    }

    @Command(name = "put", header = "Adds a schedule, or changes the one of its name.")
    private static final class Put implements Callable<Integer> {
        private static final JsonMapper MAPPER = JsonMapper.builder().build();

        private final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Parameters(index = "0", paramLabel = "NAME", description = "The name of the schedule.")
        private String name = "";

        @Parameters(index = "1", paramLabel = "WHEN",
                description = "A period such as 10m, or a cron expression: minute, hour, day, month, day of the week.")
        private String when = "";

        @Parameters(index = "2", paramLabel = "TYPE", description = "The task type.")
        private String type = "";

        @Parameters(index = "3", paramLabel = "ARGUMENT", arity = "0..1", description = "The argument, as JSON.")
        private String argument = "null";

        @Option(names = "--zone", paramLabel = "ZONE",
                description = "The time zone of a cron expression; default: UTC.")
        private String zone = "UTC";

        @Option(names = "--queue", paramLabel = "NAME", description = "The queue; default: default.")
        private @Nullable String queue;

        @Option(names = "--missed", paramLabel = "skip|once|all",
                description = "What becomes of due times at which no beat was there; default: once.")
        private String missed = "once";

        @Option(names = "--overlap", paramLabel = "skip|wait|allow",
                description = "What happens while the last task has not ended; default: skip.")
        private String overlap = "skip";

        Put(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            Recurrence recurrence;
            Missed forMissed = word("--missed", Missed.class, missed);
            Overlap forOverlap = word("--overlap", Overlap.class, overlap);
            JsonNode json = MAPPER.readTree(EnqueueCommand.json("ARGUMENT", argument));
            TaskType<JsonNode, Object> task;
            try {
                recurrence = when.matches("\\d+(us|ms|s|m|h)")
                        ? Recurrence.every(Durations.parse("WHEN", when))
                        : Recurrence.cron(when, ZoneId.of(zone));
                task = TaskType.named(type, JsonNode.class, Object.class);
            } catch (DateTimeException e) {
                throw CommandException.usage("--zone: \"" + zone + "\" is not known: write it as in Europe/Vienna", e);
            } catch (IllegalArgumentException e) {
                throw CommandException.usage(CommandException.oneLine(e), e);
            }
            SubmitOptions options = queue == null ? SubmitOptions.NONE : SubmitOptions.NONE.queue(queue);
            return broker.with(opened -> {
                try {
                    ScheduleEntry entry = QueueSchedules.of(opened)
                            .put(name, recurrence, task, json, options, forMissed, forOverlap);
                    terminal.line(name + " is due " + (entry.nextDue() == null
                            ? "never"
                            : "next at " + TaskText.time(entry.nextDue())));
                    return ExitCode.DONE;
                } catch (IllegalArgumentException e) {
                    throw CommandException.usage(CommandException.oneLine(e), e);
                }
            });
        }

        private static <E extends Enum<E>> E word(String option, Class<E> type, String word) {
            try {
                return Enum.valueOf(type, word.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw CommandException.usage(option + ": \"" + word + "\" is none of its words; see sennit beat put "
                        + "--help", e);
            }
        }
    }

    /** What is done to a schedule that is there. */
    private abstract static class OfSchedule implements Callable<Integer> {
        final Terminal terminal;

        @Mixin
        private BrokerOption broker = new BrokerOption();

        @Parameters(paramLabel = "NAME", description = "The name of the schedule.")
        private String name = "";

        OfSchedule(Terminal terminal) {
            this.terminal = terminal;
        }

        abstract String change(Broker opened, String schedule);

        @Override
        public final Integer call() {
            return broker.with(opened -> {
                try {
                    terminal.line(change(opened, name));
                    return ExitCode.DONE;
                } catch (IllegalArgumentException e) {
                    throw CommandException.usage(CommandException.oneLine(e), e);
                }
            });
        }
    }

    @Command(name = "pause", header = "Has a schedule fire no more until it is resumed.")
    private static final class Pause extends OfSchedule {
        Pause(Terminal terminal) {
            super(terminal);
        }

        @Override
        String change(Broker opened, String schedule) {
            QueueSchedules.of(opened).pause(schedule);
            return schedule + " is paused";
        }
    }

    @Command(name = "resume", header = "Ends a pause; due times of the pause are skipped.")
    private static final class Resume extends OfSchedule {
        Resume(Terminal terminal) {
            super(terminal);
        }

        @Override
        String change(Broker opened, String schedule) {
            boolean wasPaused =
                    opened.schedules().stream().anyMatch(entry -> entry.name().equals(schedule) && entry.paused());
            QueueSchedules.of(opened).resume(schedule);
            return schedule + (wasPaused ? " is resumed" : " was not paused, and goes on");
        }
    }

    @Command(name = "run", header = "Enqueues the task of a schedule at once, and prints its id.")
    private static final class Run extends OfSchedule {
        Run(Terminal terminal) {
            super(terminal);
        }

        @Override
        String change(Broker opened, String schedule) {
            return QueueSchedules.of(opened).runNow(schedule);
        }
    }

    @Command(name = "remove", header = "Removes a schedule; tasks that it has fired stay.")
    private static final class Remove extends OfSchedule {
        Remove(Terminal terminal) {
            super(terminal);
        }

        @Override
        String change(Broker opened, String schedule) {
            if (!QueueSchedules.of(opened).remove(schedule)) {
                throw CommandException.usage("there is no schedule " + schedule + ": sennit beat list shows all");
            }
            return schedule + " is removed";
        }
    }
}
