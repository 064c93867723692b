package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.command.UserCode;
import dev.sennit.internal.Nearest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sennit services}: runs the services of a file, and speaks to those that run. */
@Command(
        name = "services",
        header = "Keeps the services of a file alive, or speaks to those that run.",
        description = {
            "Starts the workers of all services, and replaces those that die, until it is told to stop. Each line that "
                    + "a worker writes goes to the log with its name. The file is TOML; docs/guides/services.md "
                    + "lists its keys.",
            "",
            "Signals: HUP reads the file again and replaces the workers of each service, one by one; TERM stops all "
                    + "workers; INT does too, and a second INT kills them; TTIN and TTOU start one worker more or less "
                    + "of the services with a listener, or of the only service; USR1 opens the file of the log again; "
                    + "USR2 starts this command once more, which takes over without a lost request."
        },
        customSynopsis = {"sennit services FILE", "sennit services COMMAND [ARGUMENTS]"},
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all workers have ended in time",
            "1:a worker was killed or had failed",
            ServicesCommand.USAGE_HELP,
            "3:could not start, such as when the services of the file run already"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit services thumbnails.toml",
            "  sennit services status",
            "  sennit services scale thumbnails 4",
            "  sennit services thumbnails.toml --take-over    in the place of the manager that runs the file"
        })
public final class ServicesCommand implements Callable<Integer> {
    static final String USAGE_HELP = "2:bad usage, or a file that is refused";
    /** More of them say that it is another kind of file. */
    private static final int MOST_PROBLEMS = 100;

    private final Terminal terminal;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "FILE", arity = "0..1", description = "The file.")
    private @Nullable Path file;

    @Option(names = Invocation.TAKE_OVER,
            description = "Take the listeners of the manager that runs the file, which stops when all services are up.")
    private boolean takesOver;

    private ServicesCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    public static CommandLine commandLine(Terminal terminal) {
        return ServicesControl.addTo(new CommandLine(new ServicesCommand(terminal)), terminal)
                .addSubcommand("check", new Check(terminal));
    }

    @Override
    public Integer call() {
        Path named = file;
        if (named == null) {
            throw CommandException.usage("no file given: expected FILE or one of "
                    + String.join(", ", spec.subcommands().keySet()) + "; see " + spec.qualifiedName() + " --help");
        }
        if (named.getNameCount() == 1 && Files.notExists(named) && !named.toString().contains(".")) {
            String hint = Nearest.hint(named.toString(), spec.subcommands().keySet());
            if (!hint.isEmpty()) {
                throw CommandException.usage("there is no command and no file \"" + named + "\"" + hint);
            }
        }
        Path former = takesOver ? ServicesControl.controlOf(named) : null;
        ServicesFile read;
        try {
            read = read(terminal, named, ServicesFile::read);
        } catch (CommandException e) {
            if (former != null) {
                TakeOver.tellFailure(former, CommandException.oneLine(e));
            }
            throw e;
        }
        try (UserCode none = UserCode.of("")) {
            return ServicesRun.run(read, none::classPath, former);
        } catch (IOException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        } catch (InterruptedException e) {
            throw CommandException.failed("interrupted", e);
        }
    }

    private interface FileReader {
        ServicesFile read(Path file) throws ServicesFileException;
    }

    /** Reads a file; if it is refused, prints a line for each problem. */
    private static ServicesFile read(Terminal terminal, Path file, FileReader reader) {
        try {
            return reader.read(file);
        } catch (ServicesFileException e) {
            List<String> problems = e.problems();
            problems.stream().limit(MOST_PROBLEMS).forEach(terminal::note);
            throw CommandException.usage(file + ": " + Figures.count(problems.size(), "problem", "problems")
                    + (problems.size() > MOST_PROBLEMS ? ", of which these are the first " + MOST_PROBLEMS : ""), e);
        }
    }

    /** {@code sennit services check}: whether a file is right. */
    @Command(
            name = "check",
            header = "Checks a file, and starts nothing.",
            description = "Looks, too, whether the programs and classes are there. Prints how many services and "
                    + "workers the file has, or a line for each problem: FILE:LINE:COLUMN: what; what to do.",
            sortOptions = false,
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {"0:the file is right", ServicesCommand.USAGE_HELP, ExitCode.INTERRUPTED_HELP},
            footerHeading = "%nExamples:%n",
            footer = {
                "  sennit services check thumbnails.toml",
                "  PORT=80 sennit services check thumbnails.toml     for a file with $${PORT}"
            })
    private static final class Check implements Callable<Integer> {
        private final Terminal terminal;

        @Parameters(paramLabel = "FILE", description = "The file.")
        private Path file = Path.of(""); // picocli sets it

        Check(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            ServicesFile read = read(terminal, file, ServicesFile::check);
            terminal.line(file + ": " + Figures.count(read.services().size(), "service", "services") + ", "
                    + Figures.count(read.workers(), "worker", "workers") + ": ok");
            return ExitCode.DONE;
        }
    }
}
