package dev.sennit.cli.programs;

import dev.sennit.Pool;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Numbers;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.ProgressBar;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sennit primes}: a task for each number, a line for each result as it arrives. */
@Command(
        name = "primes",
        header = "Checks which numbers are prime, one task a number.",
        description = "By trial division. Prints a line a result as it arrives - the number, P if it is prime, and the"
                + " seconds the check took - and then the total.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
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
            "  sennit primes                              the 20 numbers, on threads",
            "  sennit primes 7 9223372036854775783        two numbers",
            "  seq 1000000000 1000000100 | sennit primes - --on processes:2 --json"
        })
public final class PrimesCommand implements Callable<Integer> {
    private static final String STDIN = "-";
    /** Enough to keep every worker busy while a line is printed, and little to hold in memory. */
    private static final int WINDOW = 1000;

    private static final double NANOS = 1e9;

    private final Terminal terminal;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(
            paramLabel = "NUMBER",
            arity = "0..*",
            description = "Whole numbers from 0 to 9223372036854775807. Default: 20 numbers, 9 of them prime. A single "
                    + "- reads numbers from stdin, separated by white space; what is wrong there ends the reading, and "
                    + "the numbers before it are checked all the same.")
    private List<String> numbers = new ArrayList<>();

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "threads",
            description = "The pool to run on, such as inline, threads:4, virtual, processes:2. Default: "
                    + "${DEFAULT-VALUE}.")
    private String plan = "threads";

    @Option(names = "--json", description = "Print one JSON object a line.")
    private boolean json;

    public PrimesCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws InterruptedException {
        boolean fromStdin = numbers.contains(STDIN);
        if (json) {
            terminal.keepOutputForCommand();
        }
        if (fromStdin && numbers.size() > 1) {
            throw CommandException.usage("- reads the numbers from stdin and stands alone: leave out the "
                    + Figures.count(numbers.size() - 1L, "other argument", "others"));
        }
        List<Long> given = fromStdin ? List.of() : given();
        try (var pools = new OpenPools(terminal)) {
            Pool pool = pools.open(OpenPools.parse(plan));
            Iterator<Long> source = fromStdin ? new NumberReader(terminal.in()) : given.iterator();
            var run = new Run(given.size());
            run.printAll(TaskFlow.start(source, number -> check(pool, number), WINDOW));
            pools.close(pool);
            return run.failed == 0 ? ExitCode.DONE : ExitCode.TASKS_FAILED;
        }
    }

    private static TaskFuture<PrimeCheck> check(Pool pool, long number) {
        return pool.submit(() -> PrimeCheck.of(number), TaskOptions.named(String.valueOf(number)));
    }

    private List<Long> given() {
        List<Long> given = new ArrayList<>();
        for (int i = 0; i < numbers.size(); i++) {
            String text = numbers.get(i);
            if (text.matches("--?[A-Za-z].*")) {
                throw CommandException.usage(CommandException.unknownOption(spec, text) + "; see sennit primes --help");
            }
            given.add(Numbers.parse("argument " + (i + 1), text));
        }
        return given.isEmpty() ? Primes.NUMBERS : given;
    }

    /** A run: prints results as they arrive, and counts them. */
    private final class Run {
        private final long start = System.nanoTime();
        private final ProgressBar bar = new ProgressBar(terminal);
        private final int total;
        private long checked;
        private long prime;
        private long failed;

        Run(int total) {
            this.total = total;
        }

        void printAll(TaskFlow<PrimeCheck> flow) throws InterruptedException {
            progress();
            for (Optional<TaskFuture<PrimeCheck>> next = next(flow); next.isPresent(); next = next(flow)) {
                print(next.get());
                progress();
            }
            printTotal();
        }

        private Optional<TaskFuture<PrimeCheck>> next(TaskFlow<PrimeCheck> flow) throws InterruptedException {
            try {
                return flow.next();
            } catch (CommandException e) { // the reading has ended early; earlier results have been printed
                printTotal();
                throw e.and(Figures.count(checked, "number before it was", "numbers before it were") + " checked");
            }
        }

        private void progress() {
            if (total > 0) {
                bar.show((int) (checked + failed), total, "checked");
            }
        }

        private void print(TaskFuture<PrimeCheck> done) {
            if (done.isCompletedExceptionally()) {
                OpenPools.ensureStarted(plan, done.exceptionNow());
                failed++;
                terminal.error(
                        done.name() + ": the check failed: " + CommandException.taskFailure(done.exceptionNow()));
                return;
            }
            PrimeCheck check = done.resultNow();
            checked++;
            prime += check.prime() ? 1 : 0;
            terminal.line(json ? check.json() : check.line(check.prime() ? terminal.green("P") : " "));
        }

        private void printTotal() {
            double seconds = (System.nanoTime() - start) / NANOS;
            if (json) {
                terminal.line(new JsonLine()
                        .put("checked", checked)
                        .put("primes", prime)
                        .put("failed", failed)
                        .put("seconds", seconds)
                        .put("plan", plan)
                        .toString());
            } else {
                terminal.line(String.format(Locale.ROOT, "%s in %.3fs, %d prime, on %s",
                        Figures.count(checked, "check", "checks"), seconds, prime, plan));
            }
        }
    }
}
