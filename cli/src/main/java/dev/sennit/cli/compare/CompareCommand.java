package dev.sennit.cli.compare;

import dev.sennit.Plan;
import dev.sennit.Pools;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.ProgressBar;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.command.UserCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit compare}: one workload on several plans in turn, and one table. */
@Command(
        name = "compare",
        header = "Runs a workload on several plans in turn and prints one table.",
        description = "Warmed up, in rounds, every result checked against inline's. The table holds medians; under it"
                + " stands the COST of each kind: the fewest workers whose median beats inline's.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:a plan failed (its line says why; the others finish), or the plot could not be written",
            "2:bad usage: nothing was run",
            ExitCode.COULD_NOT_START_HELP,
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nColumns:%n",
        footer = {
            "  workers      tasks that can run at once",
            "  wall         median time of a round, from the first submit to the last result",
            "  speed-up     inline's median over this one",
            "  CPU          processor time of this process and the plan's worker processes,",
            "               as percent of one core",
            "  peak memory  the largest resident set seen during a round, looked at every",
            "               20 ms: this process, which all plans share and whose garbage is",
            "               collected before, and the plan's worker processes; pages that",
            "               processes share count in each (on Linux only)",
            "",
            "Examples:",
            "  sennit compare",
            "  sennit compare primes-queue --on threads,processes --workers 1..20 \\",
            "    --repeat 12 --plot queue.svg",
            "  sennit compare sleep --on threads:4,virtual",
            "  sennit compare --on threads,processes --workers 1..8 --plot scaling.svg",
            "  SENNIT_CLASSPATH=my.jar sennit compare com.acme.MyTasks",
            "",
            "A CLASS is public, has a public constructor that takes nothing, and implements",
            "java.util.function.Supplier<Collection<Task<?>>>, with dev.sennit.Task. Each run",
            "asks it for new tasks, whose results have to be the same every time.",
            "",
            "SENNIT_CLASSPATH is a class path: jars, folders of classes, and 'lib/*' for all",
            "jars of a folder, divided by colons. Its classes see the JDK, Sennit and one",
            "another, and nothing of what this command uses itself. A kind of pool that it",
            "provides can be named in a plan."
        })
public final class CompareCommand implements Callable<Integer> {
    private static final List<String> DEFAULT_PLANS = List.of("inline", "threads", "virtual", "processes");

    private final Terminal terminal;

    @Parameters(
            paramLabel = "WORKLOAD",
            arity = "0..1",
            defaultValue = "primes",
            description = "primes (20 numbers checked by trial division, a task each), primes-queue (the same, by "
                    + "workers that take numbers from a job queue and put answers into another, until a poison pill "
                    + "ends each), primes-split (the same, number by number, the divisors of each divided among all "
                    + "workers), sums (8 sums of a million random integers), sleep (20 naps of 50 ms), thumbnails (of "
                    + "12 pictures), or the name of a CLASS on the class path (SENNIT_CLASSPATH). Default: "
                    + "${DEFAULT-VALUE}.")
    private String workload = "primes";

    @Option(names = "--on", paramLabel = "PLAN[,PLAN...]",
            description = "The plans, separated by commas; may be given several times. Inline is added if it is "
                    + "missing. Default: inline,threads,virtual,processes with a worker a processor.")
    private List<String> on = new ArrayList<>();

    @Option(names = "--workers", paramLabel = "COUNTS",
            description = "Measure each plan whose kind takes a number of workers with each of these counts: 4, or "
                    + "1,2,4,8, or 1..20. Default: the plans as they are, or with --plot from 1 to twice "
                    + "the processors.")
    private @Nullable String workers;

    @Option(names = "--repeat", paramLabel = "N",
            description = "How many rounds to measure. Default: as many as fit about 15 s (with several counts 60 s), "
                    + "an odd number from 3 to 25.")
    private @Nullable Integer repeat;

    @Option(names = "--plot", paramLabel = "FILE",
            description = "Write the scaling plot - median time over workers, a line a kind, its best count marked - "
                    + "to a .svg or .png file.")
    private @Nullable Path plot;

    @Option(names = "--json", description = "Print one JSON object a line: one a plan, then one a kind with its COST.")
    private boolean json;

    public CompareCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        if (repeat != null && repeat < 1) {
            throw CommandException.usage("--repeat: N must be >= 1, was " + repeat);
        }
        if (json) {
            terminal.keepOutputForCommand();
        }
        try (var code = UserCode.ofEnvironment()) {
            return compare(code);
        }
    }

    private int compare(UserCode code) {
        List<Integer> counts = counts();
        List<Measurement> measurements = code.around(() -> measure(counts, code));
        var report = new CompareReport(workload, measurements);
        (json ? report.json() : report.text(terminal)).forEach(terminal::line);
        if (plot != null) {
            draw(plot, measurements);
        }
        return measurements.stream().anyMatch(Measurement::failed) ? ExitCode.TASKS_FAILED : ExitCode.DONE;
    }

    private List<Measurement> measure(List<Integer> counts, UserCode code) {
        List<String> plans = on.stream().flatMap(texts -> plansIn(texts).stream()).toList();
        List<Plan> chosen = (plans.isEmpty() ? DEFAULT_PLANS : plans).stream().map(OpenPools::parse).toList();
        if (!counts.isEmpty() && chosen.stream().noneMatch(plan -> OpenPools.takesCount(plan.kind()))) {
            throw CommandException.usage("--workers and --plot need a plan whose kind takes a number of workers:"
                    + " add threads, virtual or processes to --on");
        }
        if (plot != null) {
            ensureWritable(plot);
        }
        var tasks = Workload.named(workload, code);
        tasks.tasks(); // a class that supplies no tasks fails before anything runs
        try (var pools = new OpenPools(terminal)) {
            var bar = new ProgressBar(terminal);
            return new Comparison(tasks, chosen, counts, repeat == null ? 0 : repeat, pools, bar).run();
        }
    }

    /** Returns the plans of a list; a comma that no kind of pool follows belongs to an option. */
    static List<String> plansIn(String list) {
        List<String> plans = new ArrayList<>();
        for (String part : list.split(",", -1)) {
            boolean goesOn = !plans.isEmpty()
                    && plans.getLast().contains("?")
                    && !Pools.kinds().contains(part.split("[:?]", 2)[0]);
            if (goesOn) {
                plans.add(plans.removeLast() + "," + part);
            } else {
                plans.add(part);
            }
        }
        return plans;
    }

    private List<Integer> counts() {
        if (workers == null) {
            int most = 2 * Runtime.getRuntime().availableProcessors();
            return plot == null ? List.of() : WorkerCounts.parse("1.." + most);
        }
        List<Integer> counts = WorkerCounts.parse(workers);
        if (plot != null && counts.size() == 1) {
            throw CommandException.usage("--plot needs two worker counts or more, was --workers " + workers
                    + ": say --workers 1.." + Math.max(2, counts.getFirst()));
        }
        return counts;
    }

    private static void ensureWritable(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (!name.endsWith(ScalingPlot.SVG) && !name.endsWith(ScalingPlot.PNG)) {
            throw CommandException.usage("--plot: file must end in .svg or .png, was " + file);
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw CommandException.usage("--plot: no folder " + folder + ": create it first");
        }
        if (Files.isDirectory(file) || !Files.isWritable(Files.exists(file) ? file : folder)) {
            throw CommandException.usage("--plot: cannot write " + file + ": name another file");
        }
    }

    private void draw(Path file, List<Measurement> measurements) {
        try {
            new ScalingPlot(workload, measurements).write(file);
        } catch (IOException e) {
            throw CommandException.failed("--plot: cannot write " + file + ": " + CommandException.oneLine(e), e);
        } catch (RuntimeException | LinkageError e) { // AWT throws this on a machine without fonts
            throw CommandException.failed("--plot: cannot draw " + file + ": " + CommandException.taskFailure(e)
                    + "; on a machine without fonts install fontconfig and a font", e);
        }
        if (!json) {
            terminal.line("plot: " + file);
        }
    }
}
