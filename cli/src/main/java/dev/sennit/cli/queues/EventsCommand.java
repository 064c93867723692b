package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerEvent;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sennit events}: what happens to tasks, as it happens. */
@Command(
        name = "events",
        header = "Prints what happens to tasks, as it happens, until it is interrupted.",
        description = "Has the broker keep events while it reads them: nothing that happened before is known.",
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:the time of --for is over", "1:the broker failed", ExitCode.USAGE_HELP, "3:the broker cannot be opened",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit events --broker sqlite:jobs.db",
            "  sennit events --type thumbs.make --for 10s --json --broker sqlite:jobs.db"
        })
public final class EventsCommand implements Callable<Integer> {
    private static final Duration KEEP = Duration.ofSeconds(30);
    private static final Duration RENEW = Duration.ofSeconds(10);
    private static final long PAUSE_MILLIS = 100;
    private static final int PAGE = 1000;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private final Terminal terminal;

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Option(names = "--type", paramLabel = "TYPE", description = "Only tasks of this type.")
    private @Nullable String type;

    @Option(names = "--queue", paramLabel = "QUEUE", description = "Only tasks of this queue.")
    private @Nullable String queue;

    @Option(names = "--for", paramLabel = "TIME", description = "End after a time, such as 10s.")
    private @Nullable String time;

    @Option(names = "--json", description = "Print one JSON object an event.")
    private boolean json;

    public EventsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Deadline end;
        try {
            end = time == null ? Deadline.NEVER : Deadline.in(Durations.parse("--for", time));
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
        return broker.with(opened -> follow(opened, end));
    }

    private int follow(Broker opened, Deadline end) {
        opened.keepEvents(KEEP);
        long last = newest(opened);
        Deadline renewal = Deadline.in(RENEW);
        boolean isFollowing = false;
        while (true) {
            if (renewal.isOver()) {
                opened.keepEvents(KEEP);
                renewal = Deadline.in(RENEW);
            }
            List<BrokerEvent> events = opened.events(last, PAGE);
            for (BrokerEvent event : events) {
                if (event.number() > last + 1 && isFollowing) { // numbers are also used while nobody keeps events
                    terminal.note((event.number() - last - 1) + " events are lost: too many at a time");
                }
                last = event.number();
                isFollowing = true;
                print(event);
            }
            if (events.size() < PAGE) {
                if (end.isOver()) {
                    return ExitCode.DONE;
                }
                try {
                    Thread.sleep(PAUSE_MILLIS);
                } catch (InterruptedException e) {
                    throw CommandException.failed("interrupted", e);
                }
            }
        }
    }

    /** Passes over what others have had kept. */
    private static long newest(Broker opened) {
        long last = 0;
        for (List<BrokerEvent> page = opened.events(last, PAGE); !page.isEmpty(); page = opened.events(last, PAGE)) {
            last = page.getLast().number();
        }
        return last;
    }

    private void print(BrokerEvent event) {
        if ((type != null && !type.equals(event.type())) || (queue != null && !queue.equals(event.queue()))) {
            return;
        }
        if (json) {
            terminal.line(new JsonLine()
                    .put("number", event.number())
                    .put("at", TaskText.time(event.at()))
                    .put("kind", TaskText.name(event.kind()))
                    .put("id", event.id())
                    .put("type", TaskText.shown(event.type()))
                    .put("queue", TaskText.shown(event.queue()))
                    .put("worker", event.worker())
                    .put("detail", TaskText.shown(event.detail()))
                    .toString());
        } else {
            terminal.line(
                    TIME.format(event.at()) + " " + TaskText.name(event.kind()) + " " + TaskText.shown(event.type())
                            + " " + event.id() + (event.worker() == null ? "" : " on " + TaskText.shown(event.worker()))
                            + (event.detail().isEmpty() ? "" : ": " + TaskText.shown(event.detail())));
        }
    }
}
