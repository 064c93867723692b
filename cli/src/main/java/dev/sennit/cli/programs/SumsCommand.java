package dev.sennit.cli.programs;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.ProcessFigures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sennit sums}: eight jobs that only add, with their cost and the pool's statistics. */
@Command(
        name = "sums",
        header = "Runs eight jobs, each the sum of a million random integers.",
        description = "The integers are from 1 to 100. Prints each sum as it arrives and the seconds it took, then the"
                + " total time, the CPU use (percent of one core, worker processes included) and the pool's"
                + " statistics.",
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            ExitCode.TASKS_FAILED_HELP,
            ExitCode.USAGE_HELP,
            ExitCode.COULD_NOT_START_HELP,
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit sums",
            "  sennit sums --seed 42 --on processes:2        the same sums on every plan"
        })
public final class SumsCommand implements Callable<Integer> {
    private static final double NANOS = 1e9;
    private static final double PERCENT = 100;

    private final Terminal terminal;

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "threads",
            description = "The pool to run on, such as inline, threads:4, virtual, processes:2. Default: "
                    + "${DEFAULT-VALUE}.")
    private String plan = "threads";

    @Option(names = "--seed", paramLabel = "N",
            description = "Where the random numbers start: the same seed gives the same sums. Default: a new one each "
                    + "time, which is printed.")
    private @Nullable Long seed;

    @Option(names = "--json", description = "Print one JSON object a line.")
    private boolean json;

    public SumsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (json) {
            terminal.keepOutputForCommand();
        }
        long from = seed != null ? seed : System.nanoTime() ^ ProcessHandle.current().pid();
        try (var pools = new OpenPools(terminal)) {
            Pool pool = pools.open(OpenPools.parse(plan));
            long start = System.nanoTime();
            long cpuStart = ProcessFigures.cpuNanos(List.of());
            TaskFlow<SumJob.Result> flow = TaskFlow.start(
                    SumJob.jobs(from).iterator(),
                    job -> pool.submit(job::run, TaskOptions.named("job " + job.number())),
                    SumJob.COUNT);
            int failed = 0;
            for (Optional<TaskFuture<SumJob.Result>> next = flow.next(); next.isPresent(); next = flow.next()) {
                failed += print(next.get()) ? 0 : 1;
            }
            double seconds = (System.nanoTime() - start) / NANOS;
            double cpuSeconds = (ProcessFigures.cpuNanos(ProcessFigures.descendants()) - cpuStart) / NANOS;
            printTotal(from, seconds, cpuSeconds / seconds * PERCENT, pool.statistics());
            pools.close(pool);
            return failed == 0 ? ExitCode.DONE : ExitCode.TASKS_FAILED;
        }
    }

    private boolean print(TaskFuture<SumJob.Result> done) {
        if (done.isCompletedExceptionally()) {
            OpenPools.ensureStarted(plan, done.exceptionNow());
            terminal.error(done.name() + " failed: " + CommandException.taskFailure(done.exceptionNow()));
            return false;
        }
        SumJob.Result result = done.resultNow();
        double seconds = result.nanos() / NANOS;
        terminal.line(json
                ? new JsonLine()
                        .put("job", result.job())
                        .put("sum", result.sum())
                        .put("seconds", seconds)
                        .toString()
                : String.format(Locale.ROOT, "job %d %10d %9.6fs", result.job(), result.sum(), seconds));
        return true;
    }

    private void printTotal(long from, double seconds, double cpu, PoolStatistics seen) {
        if (json) {
            terminal.line(new JsonLine()
                    .put("plan", plan)
                    .put("seed", from)
                    .put("seconds", seconds)
                    .put("cpuPercent", cpu)
                    .put("workers", seen.workers())
                    .put("submitted", seen.submitted())
                    .put("queued", seen.queued())
                    .put("running", seen.running())
                    .put("succeeded", seen.succeeded())
                    .put("failed", seen.failed())
                    .put("cancelled", seen.cancelled())
                    .put("rejected", seen.rejected())
                    .put("workersLost", seen.workersLost())
                    .put("queueSeconds", seen.queueTime().toNanos() / NANOS)
                    .put("runSeconds", seen.runTime().toNanos() / NANOS)
                    .put("cpuSeconds", seen.cpuTime().map(time -> time.toNanos() / NANOS).orElse(null))
                    .toString());
            return;
        }
        terminal.line(String.format(Locale.ROOT, "%d jobs in %.3fs, CPU %.0f %% of a core, on %s, seed %d",
                SumJob.COUNT, seconds, cpu, plan, from));
        terminal.line(String.format(Locale.ROOT,
                "pool: %s, %d submitted, %d succeeded, %d failed, %d cancelled, %d rejected, %d lost",
                Figures.count(seen.workers(), "worker", "workers"), seen.submitted(), seen.succeeded(), seen.failed(),
                seen.cancelled(), seen.rejected(), seen.workersLost()));
        terminal.line("time: queued " + text(seen.queueTime()) + ", run " + text(seen.runTime()) + ", CPU "
                + seen.cpuTime().map(SumsCommand::text).orElse("not known to the JDK for virtual threads")
                + " (average queued " + text(seen.averageQueueTime()) + ", run " + text(seen.averageRunTime()) + ")");
    }

    private static String text(Duration duration) {
        return Figures.duration(duration.toNanos() / NANOS);
    }
}
