package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.Durations;
import dev.sennit.observe.ChromeTrace;
import dev.sennit.observe.JsonLines;
import dev.sennit.observe.PoolsMXBean;
import dev.sennit.observe.TaskEvent;
import dev.sennit.observe.TaskListener;
import dev.sennit.observe.TaskTimeline;
import java.io.IOException;
import java.io.Writer;
import java.lang.reflect.UndeclaredThrowableException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit record}: a file of what the tasks of a running JVM do. */
@Command(
        name = "record",
        header = "Records what the tasks of a running JVM do, for some time.",
        description = "Writes a file while the tasks run: a Chrome trace, which ui.perfetto.dev opens (.json), an "
                + "event a line (.jsonl), or a picture (.svg); or, at the end, a flight recording with an event for "
                + "each task (.jfr). The tasks are those that are submitted meanwhile, in "
                + "pools of every kind. The JVM belongs to the same user; it needs no preparation. After Ctrl-C a "
                + "trace or lines stay as far as they were written.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:the JVM has no Sennit or has ended, or the file could not be written",
            "2:bad usage: there is no such JVM",
            "3:could not attach to it",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit record 4711 -o run.json",
            "  sennit record 4711 -o run.svg --for 500ms",
            "  sennit record 4711 -o run.jsonl --for 1h",
            "  sennit record 4711 -o run.jfr --for 1m"
        })
public final class RecordCommand implements Callable<Integer> {
    /** If this command dies, the JVM stops recording so much later. */
    private static final int LEASE_SECONDS = 30;
    /** Events read at a time. */
    private static final int MOST = 10_000;
    /** The JVM keeps no more: so many times {@link #MOST} are what had come at the end. */
    private static final int MOST_AT_END = 7;
    private static final String FLIGHT_RECORDER = "jdk.management.jfr";
    private static final Duration LONGEST = Duration.ofDays(30);
    private static final long BETWEEN_READS = TimeUnit.MILLISECONDS.toNanos(50);

    private final Terminal terminal;

    @Parameters(paramLabel = "PID", description = "The process id of the JVM.")
    private String process = "";

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", required = true,
            description = "The file to write: *.json, *.jsonl, *.svg or *.jfr.")
    private Path file = Path.of("");

    @Option(names = "--for", paramLabel = "DURATION", defaultValue = "10s",
            description = "How long, such as 500ms, 10s or 5m. Default: ${DEFAULT-VALUE}.")
    private String duration = "10s";

    public RecordCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        long pid = JvmReader.pid(process);
        Duration time = duration();
        if (format().equals("jfr") && ModuleLayer.boot().findModule(FLIGHT_RECORDER).isEmpty()) {
            throw CommandException.usage("--output: the Java runtime of this command has no module " + FLIGHT_RECORDER
                    + ", which a .jfr needs: record a .json, or use a whole JDK");
        }
        ensureWritable();
        JvmReader.connected(pid, server -> {
            List<PoolsMXBean> beans = JvmReader.pools(server, pid);
            if (format().equals("jfr")) {
                recordFlight(pid, server, time);
                return null;
            }
            String told;
            try (Output output = open()) {
                told = new Recording(pid, beans, output).run(time);
            } catch (IOException e) { // at its end
                throw notWritten(e);
            }
            terminal.line(file + ": " + told); // now that it is whole: a picture is written at the end
            return null;
        });
        return ExitCode.DONE;
    }

    private void recordFlight(long pid, MBeanServerConnection server, Duration time) throws JMException {
        try {
            long runs = new FlightRecording(pid, server).into(file, time);
            terminal.line(file + ": " + Figures.count(runs, "run of a task", "runs of tasks"));
        } catch (UndeclaredThrowableException e) { // of the connection
            throw CommandException.failed(
                    "process " + pid + " has ended, or cannot be read any more: " + file + " is not whole", e);
        } catch (IOException e) {
            throw notWritten(e);
        }
    }

    private Duration duration() {
        Duration time;
        try {
            time = Durations.parse("--for", duration);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
        if (!time.isPositive() || time.compareTo(LONGEST) > 0) {
            throw CommandException.usage("--for must be > 0 and <= 30 days, was " + duration);
        }
        return time;
    }

    private String format() {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return name.substring(name.lastIndexOf('.') + 1);
    }

    private void ensureWritable() {
        if (!file.toString().contains(".") || !List.of("json", "jsonl", "svg", "jfr").contains(format())) {
            throw CommandException.usage("--output: file must end in .json, .jsonl, .svg or .jfr, was " + file);
        }
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null || !Files.isDirectory(parent) || Files.isDirectory(file)
                || !Files.isWritable(Files.exists(file) ? file : parent)) {
            throw CommandException.usage("--output: cannot write " + file + ": name another file");
        }
    }

    private CommandException notWritten(Exception e) {
        return CommandException.failed("--output: cannot write " + file + ": " + CommandException.oneLine(e), e);
    }

    /** Where events go. */
    private interface Output extends AutoCloseable {
        TaskListener listener();

        /** Has those who read the file see what was written. */
        void flush() throws IOException;

        /** Returns what has to be said about the file, or nothing. */
        default String remark() {
            return "";
        }

        @Override
        void close() throws IOException;
    }

    private Output open() throws IOException {
        return switch (format()) {
            case "json" -> new Trace(Files.newBufferedWriter(file));
            case "jsonl" -> new Lines(Files.newBufferedWriter(file));
            default -> new Picture(file, new TaskTimeline());
        };
    }

    private record Trace(Writer out, ChromeTrace listener) implements Output {
        Trace(Writer out) {
            this(out, new ChromeTrace(out));
        }

        @Override
        public void flush() throws IOException {
            out.flush();
        }

        @Override
        public void close() throws IOException {
            try (out) {
                listener.close();
            }
        }
    }

    private record Lines(Writer out, JsonLines listener) implements Output {
        Lines(Writer out) {
            this(out, new JsonLines(out));
        }

        @Override
        public void flush() throws IOException {
            out.flush();
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }

    private record Picture(Path file, TaskTimeline listener) implements Output {
        @Override
        public void flush() {}

        @Override
        public String remark() {
            return listener.left() == 0 ? "" : "; " + listener.left() + " runs are not drawn: record a .json instead";
        }

        @Override
        public void close() throws IOException {
            Files.write(file, listener.timeline().svg().getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Counts, and passes on. */
    private static final class Counter implements TaskListener {
        private final TaskListener next;
        private long events;
        private long missed;

        Counter(TaskListener next) {
            this.next = next;
        }

        @Override
        public void event(TaskEvent event) throws Exception {
            events++;
            next.event(event);
        }

        @Override
        public void missed(long count) throws Exception {
            missed += count;
            next.missed(count);
        }
    }

    private final class Recording {
        private final long pid;
        private final Output output;
        private final Counter counter;
        private final List<Stream> streams = new ArrayList<>();

        private record Stream(PoolsMXBean bean, long id) {}

        Recording(long pid, List<PoolsMXBean> beans, Output output) {
            this.pid = pid;
            this.output = output;
            counter = new Counter(output.listener());
            for (PoolsMXBean bean : beans) {
                streams.add(new Stream(bean, bean.openEvents(LEASE_SECONDS)));
            }
        }

        /** Returns what has come. */
        String run(Duration time) throws IOException {
            long start = System.nanoTime();
            try {
                while (System.nanoTime() - start < time.toNanos()) {
                    if (!readAll()) {
                        long left = time.toNanos() - (System.nanoTime() - start);
                        LockSupport.parkNanos(Math.min(left, BETWEEN_READS));
                    }
                }
                for (int i = 0; i < MOST_AT_END && readAll(); i++) {
                    // what had come until now
                }
            } catch (UndeclaredThrowableException e) { // of the connection
                throw CommandException.failed("process " + pid + " has ended, or cannot be read any more: " + file
                        + " has " + told(), e);
            } finally {
                close();
            }
            return told();
        }

        private void close() {
            try {
                streams.forEach(stream -> stream.bean().closeEvents(stream.id()));
            } catch (RuntimeException e) {
                // the JVM has ended, or closes them when their lease is over
            }
        }

        private String told() {
            return Figures.count(counter.events, "event", "events")
                    + (counter.missed == 0 ? "" : ", and " + counter.missed + " more were missed") + output.remark();
        }

        /** Returns whether there may be more. */
        private boolean readAll() {
            boolean isMore = false;
            for (Stream stream : streams) {
                String[] lines = stream.bean().readEvents(stream.id(), MOST);
                for (String line : lines) {
                    replay(line);
                }
                isMore |= lines.length >= MOST;
            }
            try {
                output.flush();
            } catch (IOException e) {
                throw notWritten(e);
            }
            return isMore;
        }

        private void replay(String line) {
            try {
                JsonLines.replay(line, counter);
            } catch (IllegalArgumentException e) {
                throw CommandException.failed(
                        "process " + pid + " has told what is no event: " + CommandException.oneLine(e), e);
            } catch (Exception e) {
                throw notWritten(e);
            }
        }
    }
}
