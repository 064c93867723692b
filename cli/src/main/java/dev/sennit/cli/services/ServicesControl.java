package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.services.RunningManagers.Manager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands that speak to services which run: {@code sennit services status}, and so on. */
final class ServicesControl {
    private static final String ARGUMENTS = "%nArguments:%n";
    private static final String OPTIONS = "%nOptions:%n";
    private static final String EXIT_CODES = "%nExit codes:%n";
    private static final String EXAMPLES = "%nExamples:%n";
    private static final String NOT_SO_HELP = "1:that could not be; the line says why";
    private static final String BAD_USAGE_HELP = "2:bad usage, such as a service that is not there";
    private static final String REFUSED_HELP = BAD_USAGE_HELP + ", or a file that is refused";
    private static final String NOBODY_HELP = "3:no services run";

    private ServicesControl() {}

    static CommandLine addTo(CommandLine services, Terminal terminal) {
        return services.addSubcommand(
                "status", new Status(terminal))
                .addSubcommand("reload", new Reload(terminal))
                .addSubcommand("scale", new Scale(terminal))
                .addSubcommand("restart", new Restart(terminal))
                .addSubcommand("handover", new Handover(terminal))
                .addSubcommand("stop", new Stop(terminal))
                .addSubcommand("logs", new Logs(terminal));
    }

    /**
     * Finds the control socket of the manager that runs a file.
     *
     * @return its path; that in the file, if no manager is known to run the file
     */
    static Path controlOf(Path file) {
        Manager known = Asking.managerOf(file);
        if (known != null) {
            return known.control();
        }
        try {
            return ServicesFile.controlOf(file);
        } catch (ServicesFileException e) {
            throw CommandException.usage(e.problems().getFirst(), e);
        }
    }

    /**
     * Finds the control socket of a manager.
     *
     * @param process the number of its process, or that path
     */
    static Path controlOf(String process) {
        if (process.contains("/")) {
            return Path.of(process).toAbsolutePath();
        }
        if (!process.matches("\\d{1,18}")) {
            throw CommandException.usage(Invocation.TAKE_OVER + " must be the number of a process, or the path of a "
                    + "control socket, was " + Problems.quoted(process));
        }
        return RunningManagers.ofThisUser().map(RunningManagers::find).orElse(List.of()).stream()
                .filter(one -> Long.toString(one.pid()).equals(process))
                .map(Manager::control)
                .findFirst()
                .orElseThrow(() -> CommandException.couldNotStart("process " + process + " serves nothing that this "
                        + "user has started: sennit services status tells what runs", null));
    }

    /** What all have. */
    private abstract static class Asking implements Callable<Integer> {
        final Terminal terminal;

        @Option(names = {"-f", "--file"}, paramLabel = "FILE",
                description = "The file whose services are meant; not needed if only one manager runs.")
        private @Nullable Path file;

        Asking(Terminal terminal) {
            this.terminal = terminal;
        }

        /** Asks for a change, tells what it waits for, and returns the exit code. */
        int change(String... words) {
            return ask(row -> terminal.note(String.join(" ", row)), words);
        }

        /** Asks, and returns the exit code. */
        int ask(ControlClient.Rows rows, String... words) {
            try {
                Path control = control();
                Optional<Outcome> outcome = ControlClient.ask(control, List.of(words), rows);
                if (outcome.isEmpty()) {
                    throw nobody();
                }
                if (!outcome.get().why().isEmpty()) {
                    terminal.error(outcome.get().why());
                }
                return outcome.get().exitCode();
            } catch (IOException e) {
                throw CommandException.failed("the manager of the services cannot be asked: "
                        + CommandException.oneLine(e), e);
            }
        }

        private CommandException nobody() {
            Path of = file;
            return CommandException.couldNotStart(of == null
                    ? "no services run here: sennit services FILE starts them; --file FILE names one of another user's "
                            + "or of a container"
                    : "the services of " + of + " do not run: sennit services " + ShellWords.quoted(of)
                            + " starts them",
                    null);
        }

        private Path control() throws IOException {
            Path of = file;
            return of == null ? onlyOne().control() : ofFile(of);
        }

        private Path ofFile(Path of) throws IOException {
            Path control;
            try {
                control = ServicesFile.controlOf(of);
            } catch (ServicesFileException e) {
                Manager known = managerOf(of);
                if (known == null) {
                    throw CommandException.usage(e.problems().getFirst(), e);
                }
                control = known.control(); // it runs on, though its file is gone or broken
            }
            if (ControlClient.pid(control).isEmpty()) {
                throw nobody();
            }
            return control;
        }

        private static @Nullable Manager managerOf(Path file) {
            Path wanted = file.toAbsolutePath().normalize();
            return RunningManagers.ofThisUser().map(RunningManagers::find).orElse(List.of()).stream()
                    .filter(one -> one.file().equals(wanted))
                    .findFirst()
                    .orElse(null);
        }

        private Manager onlyOne() throws IOException {
            List<Manager> managers = new ArrayList<>();
            IOException failure = null;
            List<Manager> silent = new ArrayList<>();
            for (Manager one : RunningManagers.ofThisUser().map(RunningManagers::find).orElse(List.of())) {
                try {
                    OptionalLong pid = ControlClient.pid(one.control());
                    if (pid.isPresent() && pid.getAsLong() == one.pid()) { // else an entry that was left behind
                        managers.add(one);
                    }
                } catch (IOException e) {
                    failure = e;
                    silent.add(one);
                }
            }
            if (managers.size() > 1 || !managers.isEmpty() && !silent.isEmpty()) { // who is silent may be meant
                managers.addAll(silent);
                throw CommandException.usage("several run: name one by --file "
                        + managers.stream().map(one -> ShellWords.quoted(one.file()))
                                .collect(Collectors.joining(" or ")));
            }
            if (managers.isEmpty()) {
                if (failure != null) {
                    throw failure;
                }
                throw nobody();
            }
            return managers.getFirst();
        }
    }

    @Command(
            name = "status",
            header = "Prints the state of the services, and of each worker.",
            sortOptions = false,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:all are up", "1:some are not, or the manager hangs", ServicesCommand.USAGE_HELP,
                NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = {
                "  sennit services status",
                "  sennit services status --json                  one object a manager, service, worker and listener"
            })
    private static final class Status extends Asking {
        @Option(names = "--json", description = "Print one JSON object a line.")
        private boolean json;

        Status(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            var report = new ServicesReport(terminal);
            int code = ask(report::take, "status");
            if (json) {
                report.printJson();
            } else {
                report.print();
            }
            return code == 0 && !report.isUp() ? 1 : code;
        }
    }

    @Command(
            name = "reload",
            header = "Reads the file again, and replaces the workers of each service, one by one.",
            description = "Waits until that is done. A file that is refused changes nothing. If new workers do not get "
                    + "ready, those that they were to replace serve on. Services that the file has no "
                    + "more are stopped.",
            sortOptions = false,
            parameterListHeading = ARGUMENTS,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:done", NOT_SO_HELP, REFUSED_HELP, NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = {
                "  sennit services reload",
                "  sennit services reload web         the workers of one service, without reading the file"
            })
    private static final class Reload extends Asking {
        @Parameters(paramLabel = "SERVICE", arity = "0..1", description = "The service; all by default.")
        private String service = "";

        Reload(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            return change("reload", service);
        }
    }

    @Command(
            name = "scale",
            header = "Has a service run as many workers, and waits until it does.",
            description = "The workers with the highest numbers stop first.",
            sortOptions = false,
            parameterListHeading = ARGUMENTS,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:done", NOT_SO_HELP, BAD_USAGE_HELP, NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = "  sennit services scale web 4")
    private static final class Scale extends Asking {
        @Parameters(index = "0", paramLabel = "SERVICE", description = "The service.")
        private String service = "";

        @Parameters(index = "1", paramLabel = "WORKERS", description = "How many, from 0 to 1000.")
        private int workers;

        Scale(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            return change("scale", service, Integer.toString(workers));
        }
    }

    @Command(
            name = "restart",
            header = "Replaces the workers of a service, one by one, and waits until that is done.",
            description = "The new workers run what the old ones ran. A worker that has failed is started.",
            sortOptions = false,
            parameterListHeading = ARGUMENTS,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:done", NOT_SO_HELP, BAD_USAGE_HELP, NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = "  sennit services restart web")
    private static final class Restart extends Asking {
        @Parameters(paramLabel = "SERVICE", description = "The service.")
        private String service = "";

        Restart(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            return change("restart", service);
        }
    }

    @Command(
            name = "handover",
            header = "Starts the manager once more, and waits until the new one has taken over.",
            description = "The new manager is started by the command of the old one, so a launcher, a Sennit or a JDK "
                    + "that was replaced is the one that runs. It takes the listeners, and reads the file; the old one "
                    + "answers what it has accepted, and ends, when all services of the new one are up. If they do not "
                    + "come up, the old one goes on as before.",
            sortOptions = false,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:the new manager has taken over", NOT_SO_HELP, BAD_USAGE_HELP, NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = "  sennit services handover")
    private static final class Handover extends Asking {
        Handover(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            return change("handover");
        }
    }

    @Command(
            name = "stop",
            header = "Stops all services and their manager, and waits until they have ended.",
            sortOptions = false,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:all workers ended in time", "1:a worker was killed or had failed", BAD_USAGE_HELP,
                NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = "  sennit services stop --now")
    private static final class Stop extends Asking {
        @Option(names = "--now", description = "Kill all workers, without time to end.")
        private boolean now;

        Stop(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            return change("stop", now ? "now" : "");
        }
    }

    @Command(
            name = "logs",
            header = "Prints the last lines of the log.",
            sortOptions = false,
            parameterListHeading = ARGUMENTS,
            optionListHeading = OPTIONS,
            exitCodeListHeading = EXIT_CODES,
            exitCodeList = {"0:done", "1:the manager hangs, or was killed meanwhile", BAD_USAGE_HELP, NOBODY_HELP},
            footerHeading = EXAMPLES,
            footer = {"  sennit services logs -n 100", "  sennit services logs web --follow"})
    private static final class Logs extends Asking {
        @Parameters(paramLabel = "SERVICE", arity = "0..1", description = "Only what is about this service.")
        private String service = "";

        @Option(names = {"-n", "--lines"}, paramLabel = "N", description = "How many; ${DEFAULT-VALUE} by default.")
        private int lines = 20;

        @Option(names = "--follow", description = "Go on with lines that come, until the manager ends.")
        private boolean follow;

        Logs(Terminal terminal) {
            super(terminal);
        }

        @Override
        public Integer call() {
            if (lines < 0) {
                throw CommandException.usage("--lines must be >= 0, was " + lines);
            }
            return ask(row -> terminal.line(String.join(" ", row)), "logs", Integer.toString(lines), service,
                    follow ? "follow" : "");
        }
    }
}
