package dev.sennit.cli;

import dev.sennit.cli.services.ServicesFile;
import dev.sennit.cli.services.ServicesFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sennit services}: what concerns the services of a file. */
@Command(
        name = "services",
        header = "Checks the file that says which services run.",
        description = "The file is TOML; docs/guides/services.md lists its keys.",
        synopsisSubcommandLabel = "COMMAND",
        sortOptions = false,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {ExitCode.DONE_HELP, ServicesCommand.USAGE_HELP, ExitCode.INTERRUPTED_HELP},
        footerHeading = "%nExamples:%n",
        footer = "  sennit services check thumbnails.toml")
final class ServicesCommand implements Callable<Integer> {
    static final String USAGE_HELP = "2:bad usage, or a file that is refused";
    /** More of them say that it is another kind of file. */
    private static final int MOST_PROBLEMS = 100;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    static CommandLine commandLine(Terminal terminal) {
        return new CommandLine(new ServicesCommand()).addSubcommand("check", new Check(terminal));
    }

    @Override
    public Integer call() {
        throw Sennit.noCommand(spec);
    }

    /** Reads a file; if it is refused, prints a line for each problem. */
    private static ServicesFile read(Terminal terminal, Path file) {
        try {
            return ServicesFile.read(file);
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
            description = "Prints how many services and workers the file has, or a line for each problem: "
                    + "FILE:LINE:COLUMN: what; what to do.",
            sortOptions = false,
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {"0:the file is right", ServicesCommand.USAGE_HELP, ExitCode.INTERRUPTED_HELP},
            footerHeading = "%nExamples:%n",
            footer = {
                "  sennit services check thumbnails.toml",
                "  PORT=80 sennit services check thumbnails.toml     for a file with ${PORT}"
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
            ServicesFile read = read(terminal, file);
            terminal.line(file + ": " + Figures.count(read.services().size(), "service", "services") + ", "
                    + Figures.count(read.workers(), "worker", "workers") + ": ok");
            return ExitCode.DONE;
        }
    }
}
