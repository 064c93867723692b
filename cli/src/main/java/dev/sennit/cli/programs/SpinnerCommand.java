package dev.sennit.cli.programs;

import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.TaskFuture;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Numbers;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.Terminal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code sennit spinner}: a spinner on one execution unit while another works. */
@Command(
        name = "spinner",
        header = "Shows a spinner beside a slow job, and then the answer.",
        description = "The spinner runs as a task of a pool, the slow job in the main thread. On processes the spinner"
                + " is another process; on loop both are coroutines of one thread, and the spinner shows when the job"
                + " waits.",
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            ExitCode.DONE_HELP,
            "1:the spinner failed",
            ExitCode.USAGE_HELP,
            ExitCode.COULD_NOT_START_HELP,
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit spinner",
            "  sennit spinner --on virtual --work prime",
            "  sennit spinner --on processes",
            "  sennit spinner --on loop --work nap",
            "  sennit spinner --work prime --number 9223372036854775783"
        })
public final class SpinnerCommand implements Callable<Integer> {
    private static final String PROCESSES = "processes";
    private static final String LOOP = "loop";
    private static final String OUTPUT = "output";

    private final Terminal terminal;

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "threads",
            description = "The pool of the spinner, such as threads, virtual, loop, processes. Without a number it has "
                    + "one worker; on processes, output=inherit unless the plan says otherwise. Default: "
                    + "${DEFAULT-VALUE}.")
    private String plan = "threads";

    @Option(names = "--work", paramLabel = "KIND", defaultValue = "sleep",
            description = "The slow job: sleep (waits for 3 s), block (keeps a processor busy for 3 s without a "
                    + "pause), prime (checks a prime number), nap (the same, and gives way now and then). Default: "
                    + "${DEFAULT-VALUE}.")
    private String work = "sleep";

    @Option(names = "--number", paramLabel = "N",
            description = "The number that prime and nap check, such as 5000111000222021. Default: a prime number "
                    + "whose check takes some 3 s on this machine, by a measurement of 0.2 s at the start.")
    private @Nullable String number;

    public SpinnerCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws InterruptedException {
        SlowJob job = SlowJob.parse(work);
        Plan beside = forOneSpinner(OpenPools.parse(plan));
        if (beside.kind().equals("inline")) {
            throw CommandException.usage("plan inline cannot run a spinner beside the caller:"
                    + " it runs each task in the calling thread; choose threads, virtual, loop or processes");
        }
        long checked = numberFor(job);
        // Ctrl-C in a terminal also reaches worker processes, which may end too soon to wipe their line.
        try (var pools = new OpenPools(terminal, () -> Spinner.wipe(terminal.out()))) {
            Pool pool = pools.open(beside);
            awaitWorker(pool);
            TaskFuture<Integer> spinner;
            if (beside.kind().equals(LOOP)) { // both run on the loop: the spinner gets turns when the job waits
                spinner = pool.submit(() -> spinBeside(job, checked, pool)).join();
            } else {
                spinner = start(pool);
                job.run(checked);
            }
            boolean failed = !spinner.cancel(true);
            pools.close(pool); // so that the line is wiped before the answer is printed
            if (beside.kind().equals(PROCESSES)) { // a worker that is short of time may be killed before it wipes
                Spinner.wipe(terminal.out());
            }
            if (failed) {
                terminal.error("the spinner failed: " + CommandException.taskFailure(spinner.exceptionNow()));
            }
            terminal.line("Answer: 42");
            return failed ? ExitCode.TASKS_FAILED : ExitCode.DONE;
        }
    }

    private long numberFor(SlowJob job) {
        if (number == null) {
            return job.defaultNumber();
        }
        if (!job.checksANumber()) {
            throw CommandException.usage(
                    "--number: --work " + job + " checks no number: say --work prime or --work nap");
        }
        return Numbers.parse("--number", number);
    }

    private static TaskFuture<Integer> start(Pool pool) {
        long here = ProcessHandle.current().pid();
        return pool.submit(() -> Spinner.spin(System.out, here));
    }

    private static TaskFuture<Integer> spinBeside(SlowJob job, long checked, Pool pool) throws InterruptedException {
        TaskFuture<Integer> spinner = start(pool);
        job.run(checked);
        spinner.cancel(true); // in the same turn: if the job never waits, the spinner never shows
        return spinner;
    }

    /** Waits for a worker to start; otherwise a short job may end before the spinner shows. */
    private void awaitWorker(Pool pool) {
        try {
            pool.submit(() -> {}).join();
        } catch (CompletionException e) {
            OpenPools.ensureStarted(plan, e.getCause() == null ? e : e.getCause());
            throw e;
        }
    }

    private static Plan forOneSpinner(Plan plan) {
        Map<String, String> options = new LinkedHashMap<>(plan.options());
        if (plan.kind().equals(PROCESSES)) {
            options.putIfAbsent(OUTPUT, "inherit");
        }
        boolean counts = !plan.kind().equals("inline") && !plan.kind().equals(LOOP);
        String argument = plan.argument() == null && counts ? "1" : plan.argument();
        return new Plan(plan.kind(), argument, options);
    }
}
