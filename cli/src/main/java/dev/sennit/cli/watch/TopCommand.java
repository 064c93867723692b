package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Durations;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit top}: what pools, workers and tasks of running processes do, anew each second. */
@Command(
        name = "top",
        header = "Shows what the pools, workers and tasks of running processes do, anew each second.",
        description = "A PID is a JVM with Sennit, of the same user; it needs no preparation, and keeps figures of its "
                + "tasks while it is looked at. A FILE is that of services which run. A URI is a broker of task "
                + "queues, such as sqlite:jobs.db. On a terminal the key q ends it; elsewhere it prints lines until "
                + "the last of them has ended.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:ended by q, by --count, or as all have ended",
            "1:a process has no Sennit, or could not be read",
            "2:bad usage: there is no such process or file",
            "3:could not attach to it, the services do not run, or the broker cannot be opened",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit top 4711",
            "  sennit top 4711 thumbnails.toml --every 5s",
            "  sennit top sqlite:jobs.db",
            "  sennit top 4711 --count 1 --json          one object a pool, task name and task that runs"
        })
public final class TopCommand implements Callable<Integer> {
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofMinutes(10);
    /** A scheme; a single letter is a drive of Windows. */
    private static final Pattern BROKER = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:.*");
    /** Beside the time between two looks: for a machine that is busy. */
    private static final int SPARE_SECONDS = 20;

    private final Terminal terminal;

    @Parameters(paramLabel = "PID|FILE|URI", arity = "1..*", description = "Processes, services, brokers.")
    private List<String> targets = List.of();

    @Option(names = "--every", paramLabel = "TIME", description = "The time between two looks, such as 500ms or 5s; "
            + "${DEFAULT-VALUE} by default.")
    private String every = "1s";

    @Option(names = {"-n", "--count"}, paramLabel = "N", description = "End after so many looks; no end by default.")
    private int count;

    @Option(names = "--json", description = "Print JSON, one object a line.")
    private boolean json;

    public TopCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Duration period = period();
        if (count < 0) {
            throw CommandException.usage("--count must be >= 0, was " + count);
        }
        List<TopTarget> open = new ArrayList<>();
        try {
            for (String target : targets) {
                open.add(open(target, (int) period.toSeconds() + SPARE_SECONDS));
            }
            TopScreen screen = terminal.interactive() && !json ? screen() : null;
            try (screen) {
                watch(open, period, screen);
            }
            return ExitCode.DONE;
        } catch (InterruptedException e) {
            throw CommandException.failed("interrupted", e);
        } catch (IOException e) {
            throw CommandException.failed("the terminal cannot be read: " + CommandException.oneLine(e), e);
        } finally {
            open.forEach(TopTarget::close);
        }
    }

    private Duration period() {
        try {
            Duration period = Durations.parse("--every", every);
            if (period.compareTo(SHORTEST) >= 0 && period.compareTo(LONGEST) <= 0) {
                return period;
            }
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
        throw CommandException.usage("--every must be from 100ms to 10m, was " + every);
    }

    private TopTarget open(String target, int leaseSeconds) {
        if (target.matches("\\d+")) {
            return new TopOfJvm(JvmReader.pid(target), leaseSeconds);
        }
        return BROKER.matcher(target).matches()
                ? new TopOfBroker(target)
                : new TopOfServices(Path.of(target), terminal);
    }

    /** Null on a terminal that can only print lines. */
    private static @Nullable TopScreen screen() {
        try {
            return TopScreen.open();
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    private void watch(List<TopTarget> open, Duration period, @Nullable TopScreen screen)
            throws IOException, InterruptedException {
        TopTarget.Look[] before = new TopTarget.Look[open.size()];
        boolean isFirst = true; // without rates
        for (int looks = 0;;) {
            List<String> lines = new ArrayList<>();
            boolean isOver = true;
            for (int i = 0; i < before.length; i++) {
                TopTarget.Look last = before[i];
                boolean wasGone = last instanceof TopTarget.Gone;
                TopTarget.Look now = wasGone ? last : open.get(i).look();
                before[i] = now;
                isOver &= now instanceof TopTarget.Gone;
                if (screen != null) {
                    lines.addAll(TopPage.tables(last, now));
                    lines.add("");
                } else if (!wasGone && (!isFirst || now instanceof TopTarget.Gone)) {
                    lines.addAll(json ? TopPage.json(now) : TopPage.lines(last, now, LocalTime.now()));
                }
            }
            if (screen != null) {
                screen.show(lines);
            } else {
                lines.forEach(terminal::line);
            }
            looks += isFirst && screen == null ? 0 : 1;
            isFirst = false;
            if (isOver && screen == null || count > 0 && looks >= count) {
                return;
            }
            if (screen == null) {
                Thread.sleep(period);
            } else if (screen.isQuit(period)) {
                return;
            }
        }
    }
}
