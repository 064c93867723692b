package dev.sennit.cli.queues;

import dev.sennit.Plan;
import dev.sennit.WorkerStartException;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.PageServer;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.command.UserCode;
import dev.sennit.internal.Durations;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.internal.linux.SystemdNotifier;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskTypeProvider;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit worker}: runs the tasks of queues. */
@Command(
        name = "worker",
        header = "Runs tasks of queues, until it is told to stop.",
        description = {
            "The jars have the code: their META-INF/services/dev.sennit.queue.TaskTypeProvider names a class that "
                    + "lists the task types, or --types does. More of a class path stands in SENNIT_CLASSPATH.",
            "",
            "Signals: TERM and INT have it take no more tasks, wait for those that run until --drain is over, give "
                    + "the rest back and end; a second INT does not wait. USR1 has it take no more tasks, USR2 has it "
                    + "take them again. A worker that is killed loses nothing: others run its tasks again when its "
                    + "leases are over."
        },
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:it was told to stop, and has", "1:it has failed", ExitCode.USAGE_HELP,
            "3:the broker cannot be opened, or the pool cannot start"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit worker thumbnail-tasks.jar --broker sqlite:jobs.db --on processes:2",
            "  sennit worker app.jar --broker sqlite:jobs.db --queues mail:4,default:1 --on virtual:500"
        })
public final class WorkerCommand implements Callable<Integer> {
    private static final Pattern ADDRESS = Pattern.compile("(?:\\[([^\\[\\]]+)]|([^:\\[\\]]+)):(\\d{1,5})");
    private static final Pattern SCALE = Pattern.compile("(\\d{1,6})-(\\d{1,6})");

    private final Terminal terminal;
    private final AtomicInteger interrupts = new AtomicInteger();

    @Mixin
    private BrokerOption broker = new BrokerOption();

    @Parameters(paramLabel = "JAR", arity = "0..*", description = "The code: jars, or folders of classes.")
    private List<String> jars = new ArrayList<>();

    @Option(names = "--types", paramLabel = "CLASS",
            description = "A class that lists task types, a TaskTypeProvider. May be repeated.")
    private List<String> providers = new ArrayList<>();

    @Option(names = "--queues", paramLabel = "NAME[:WEIGHT],...",
            description = "The queues, and how often each is asked; default: default.")
    private String queues = "default";

    @Option(names = "--on", paramLabel = "PLAN", description = "The pool that runs the tasks; default: threads.")
    private String plan = "threads";

    @Option(names = "--scale", paramLabel = "MIN-MAX",
            description = "Run so many tasks at a time: more while the oldest that is ready waits for longer than "
                    + "--wait.")
    private @Nullable String scale;

    @Option(names = "--wait", paramLabel = "TIME",
            description = "With --scale, how long a task should wait at most; default: 1s.")
    private String wait = "1s";

    @Option(names = "--lease", paramLabel = "TIME",
            description = "How long a task is this worker's without a sign of life; default: 30s.")
    private String lease = "30s";

    @Option(names = "--drain", paramLabel = "TIME",
            description = "How long tasks that run have to end after TERM; default: 25s.")
    private String drain = "25s";

    @Option(names = "--silence-limit", paramLabel = "TIME",
            description = "Be unhealthy while a task has told neither progress nor a checkpoint for so long; default: "
                    + "no limit.")
    private @Nullable String silenceLimit;

    @Option(names = "--name", paramLabel = "NAME", description = "What it is called; default: worker.")
    private String name = "worker";

    @Option(names = "--metrics", paramLabel = "HOST:PORT",
            description = "Serve /metrics, /healthz and /readyz there; default: nowhere.")
    private @Nullable String metrics;

    public WorkerCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        InetSocketAddress address = metrics == null ? null : address(metrics);
        Plan checked = OpenPools.parse(plan);
        try (UserCode code = code(); Broker opened = broker.open()) {
            return code.around(() -> run(opened, checked, address));
        }
    }

    private UserCode code() {
        for (String jar : jars) {
            if (Files.notExists(Path.of(jar))) {
                throw CommandException.usage("there is no file " + jar + ": correct the path, or build it first");
            }
        }
        String more = Objects.requireNonNullElse(System.getenv(UserCode.VARIABLE), "");
        return UserCode.of(Stream.concat(jars.stream(), Stream.of(more)).filter(part -> !part.isEmpty())
                .collect(Collectors.joining(File.pathSeparator)));
    }

    private int run(Broker opened, Plan checked, @Nullable InetSocketAddress address) {
        QueueWorker worker = start(opened, checked);
        List<SystemSignals.Handled> signals = new ArrayList<>();
        try (worker) {
            handleSignals(worker, signals);
            try (PageServer pages = serve(opened, worker, address)) {
                ProcessTitle.set(name + ": queue worker");
                terminal.line(name + " takes tasks of " + queues + " from " + opened.name() + " on " + checked
                        + (pages == null
                                ? ""
                                : ", figures at " + pages.address().getHostString() + ":" + pages.address().getPort())
                        + " (" + worker.id() + ")");
                tellReady();
                worker.awaitEnd();
            }
            QueueWorker.Status end = worker.status();
            terminal.line(name + " has ended: " + end.succeeded() + " succeeded, " + end.failed() + " failed, "
                    + end.crashed() + " crashed, " + end.givenBack() + " given back");
            return ExitCode.DONE;
        } catch (InterruptedException e) {
            throw CommandException.failed("interrupted", e);
        } finally {
            signals.forEach(SystemSignals.Handled::restore);
        }
    }

    private QueueWorker start(Broker opened, Plan checked) {
        try {
            QueueWorker.Builder builder = QueueWorker.builder(opened).queues(queues).on(checked.toString()).name(name)
                    .lease(Durations.parse("--lease", lease)).drainLimit(Durations.parse("--drain", drain));
            for (String provider : providers) {
                builder.types(provider(provider).taskTypes());
            }
            if (silenceLimit != null) {
                builder.silenceLimit(Durations.parse("--silence-limit", silenceLimit));
            }
            if (scale != null) {
                Matcher bounds = SCALE.matcher(scale);
                if (!bounds.matches()) {
                    throw CommandException.usage("--scale must be MIN-MAX such as 1-16, was \"" + scale + "\"");
                }
                builder.autoscale(Integer.parseInt(bounds.group(1)), Integer.parseInt(bounds.group(2)),
                        Durations.parse("--wait", wait));
            }
            return builder.start();
        } catch (WorkerStartException | BrokerException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        } catch (IllegalArgumentException | ServiceConfigurationError e) {
            throw CommandException.usage(CommandException.oneLine(e), e);
        }
    }

    private static TaskTypeProvider provider(String className) {
        try {
            Class<?> type = Class.forName(className, true, Thread.currentThread().getContextClassLoader());
            return (TaskTypeProvider) type.getConstructor().newInstance();
        } catch (ClassNotFoundException e) {
            throw CommandException.usage("--types: there is no class " + className + ": name it with its package, and "
                    + "its jar too", e);
        } catch (ClassCastException e) {
            throw CommandException.usage("--types: " + className + " is no TaskTypeProvider: implement it", e);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw CommandException.usage("--types: " + className + " cannot be made: "
                    + CommandException.taskFailure(e.getCause() == null ? e : e.getCause())
                    + "; give it a public constructor without parameters", e);
        }
    }

    private void handleSignals(QueueWorker worker, List<SystemSignals.Handled> signals) {
        signals.add(SystemSignals.handle("TERM", () -> drain(worker)));
        signals.add(SystemSignals.handle("INT", () -> {
            if (interrupts.incrementAndGet() > 1) {
                terminal.note("interrupted again: tasks that run are left to other workers");
                Runtime.getRuntime().halt(130);
            }
            return drain(worker);
        }));
        signals.add(SystemSignals.handle("USR1", () -> {
            worker.quiet();
            terminal.line(name + " takes no more tasks");
            return true;
        }));
        signals.add(SystemSignals.handle("USR2", () -> {
            worker.resume();
            terminal.line(name + " takes tasks again");
            return true;
        }));
    }

    private boolean drain(QueueWorker worker) {
        terminal.line(name + " ends: " + worker.status().runs().size() + " tasks run, and have " + drain);
        worker.drain();
        return true;
    }

    private @Nullable PageServer serve(Broker opened, QueueWorker worker, @Nullable InetSocketAddress address) {
        try {
            return address == null
                    ? null
                    : PageServer.open(address, "--metrics",
                            new WorkerPages(opened, worker).byPath(), PageServer.Limits.USUAL);
        } catch (IOException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        }
    }

    private void tellReady() {
        try {
            SystemdNotifier.of(System.getenv()).ready();
        } catch (IOException | IllegalArgumentException e) {
            terminal.error("the service manager cannot be told: " + CommandException.oneLine(e));
        }
    }

    private static InetSocketAddress address(String text) {
        Matcher matcher = ADDRESS.matcher(text);
        if (!matcher.matches() || Integer.parseInt(matcher.group(3)) > 65_535) {
            throw CommandException.usage("--metrics must be HOST:PORT such as 127.0.0.1:9100, was \"" + text + "\"");
        }
        return new InetSocketAddress(matcher.group(1) != null ? matcher.group(1) : matcher.group(2),
                Integer.parseInt(matcher.group(3)));
    }
}
