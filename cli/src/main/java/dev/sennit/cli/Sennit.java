package dev.sennit.cli;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.compare.CompareCommand;
import dev.sennit.cli.programs.PrimesCommand;
import dev.sennit.cli.programs.SpinnerCommand;
import dev.sennit.cli.programs.SumsCommand;
import dev.sennit.cli.queues.BeatCommand;
import dev.sennit.cli.queues.DeadCommand;
import dev.sennit.cli.queues.EnqueueCommand;
import dev.sennit.cli.queues.EventsCommand;
import dev.sennit.cli.queues.InspectCommand;
import dev.sennit.cli.queues.QueuesCommand;
import dev.sennit.cli.queues.WorkerCommand;
import dev.sennit.cli.servers.WithCommand;
import dev.sennit.cli.services.ServeCommand;
import dev.sennit.cli.services.ServicesCommand;
import dev.sennit.cli.thumbnails.ThumbnailsCommand;
import dev.sennit.cli.watch.PsCommand;
import dev.sennit.cli.watch.RecordCommand;
import dev.sennit.cli.watch.TopCommand;
import dev.sennit.internal.Nearest;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command itself: finds the subcommand, and turns failures into one line and an exit code. */
@Command(
        name = "sennit",
        description = "Runs work on the execution unit that fits it: the calling thread, threads, virtual threads,"
                + " coroutines or processes.",
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nA plan names a pool:%n",
        footer = {
            "  inline            the calling thread, one task after another",
            "  threads[:N]       N platform threads; default one a processor",
            "  threads:MIN-MAX   platform threads that come and go with the load",
            "  virtual[:N]       a virtual thread a task, N at a time; default no limit",
            "  loop              a coroutine a task, all on one thread, in turns",
            "  processes[:N]     N worker JVMs; default one a processor",
            "  Options follow a question mark: 'threads:4?backlog=100&full=reject'.",
            "",
            "Exit codes:",
            "  0 done, 1 some tasks failed, 2 bad usage, 3 could not start, 130 interrupted",
            "",
            "Examples:",
            "  sennit compare primes",
            "  sennit primes --on processes:2",
            "  sennit COMMAND --help"
        })
final class Sennit implements Callable<Integer> {
    /** Read from the raw arguments, as it also concerns errors of parsing. */
    private static final String STACKTRACE = "--stacktrace";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /**
     * Runs a command line.
     *
     * @param terminal its input and output
     * @param args the command line
     * @return the exit code
     */
    static int run(Terminal terminal, String... args) {
        System.setProperty("java.awt.headless", "true"); // before a command that draws loads a class of AWT
        boolean stacktrace = List.of(args).contains(STACKTRACE);
        return commandLine(terminal, args)
                .setParameterExceptionHandler((e, ignored) -> report(terminal, stacktrace, usage(e)))
                .setExecutionExceptionHandler((e, command, result) -> report(terminal, stacktrace, e))
                .execute(args);
    }

    private static CommandLine commandLine(Terminal terminal, String... args) {
        Map<String, Supplier<CommandLine>> commands = new LinkedHashMap<>();
        commands.put("compare", () -> new CommandLine(new CompareCommand(terminal)));
        commands.put("primes", () -> new CommandLine(new PrimesCommand(terminal))
                .setUnmatchedOptionsArePositionalParams(true)); // -5 is a number, which the command itself refuses
        commands.put("sums", () -> new CommandLine(new SumsCommand(terminal)));
        commands.put("spinner", () -> new CommandLine(new SpinnerCommand(terminal)));
        commands.put("thumbnails", () -> ThumbnailsCommand.commandLine(terminal));
        commands.put("services", () -> ServicesCommand.commandLine(terminal));
        commands.put("serve", () -> new CommandLine(new ServeCommand(terminal)));
        commands.put("worker", () -> new CommandLine(new WorkerCommand(terminal)));
        commands.put("beat", () -> BeatCommand.commandLine(terminal));
        commands.put("enqueue", () -> new CommandLine(new EnqueueCommand(terminal)));
        commands.put("queues", () -> QueuesCommand.commandLine(terminal));
        commands.put("inspect", () -> new CommandLine(new InspectCommand(terminal)));
        commands.put("events", () -> new CommandLine(new EventsCommand(terminal)));
        commands.put("dead", () -> new CommandLine(new DeadCommand(terminal)));
        commands.put("with", () -> new CommandLine(new WithCommand(terminal)));
        commands.put("ps", () -> new CommandLine(new PsCommand(terminal)));
        commands.put("top", () -> new CommandLine(new TopCommand(terminal)));
        commands.put("record", () -> new CommandLine(new RecordCommand(terminal)));
        commands.put("help", () -> new CommandLine(new HelpCommand()));

        var sennit = new CommandLine(new Sennit());
        String wanted = args.length == 0 ? "" : args[0];
        commands.forEach((name, command) -> {
            // Only the wanted command is added: reading a command's annotations takes noticeable time.
            if (name.equals(wanted) || !commands.containsKey(wanted) || wanted.equals("help")) {
                sennit.addSubcommand(name, command.get());
            }
        });
        addCommonOptions(sennit);
        return sennit.setExpandAtFiles(false)
                .setOut(new PrintWriter(terminal.out(), true))
                .setErr(new PrintWriter(terminal.err(), true))
                .setColorScheme(CommandLine.Help.defaultColorScheme(terminal.coloured() ? Ansi.ON : Ansi.OFF));
    }

    private static void addCommonOptions(CommandLine command) {
        command.getSubcommands().forEach((name, subcommand) -> {
            if (!name.equals("help")) { // the command help has its own
                addCommonOptions(subcommand);
            }
        });
        command.getCommandSpec().versionProvider(() -> new String[] {Version.text()})
                .addOption(OptionSpec.builder(STACKTRACE)
                        .description("Print the stack trace of an error after its line.")
                        .build())
                .addOption(OptionSpec.builder("-h", "--help")
                        .usageHelp(true)
                        .description("Print this help.")
                        .build())
                .addOption(OptionSpec.builder("-V", "--version")
                        .versionHelp(true)
                        .description("Print the version.")
                        .build());
    }

    @Override
    public Integer call() {
        throw noCommand(spec);
    }

    /** What a command says that does nothing without one of its subcommands. */
    static CommandException noCommand(CommandSpec spec) {
        return CommandException.usage("no command given: expected one of "
                + String.join(", ", spec.subcommands().keySet()) + "; see " + spec.qualifiedName() + " --help");
    }

    private static int report(Terminal terminal, boolean stacktrace, Exception failure) {
        int exitCode = switch (failure) {
            case Terminal.ClosedOutputException e -> ExitCode.TASKS_FAILED;
            case CommandException e -> {
                terminal.error(CommandException.oneLine(e));
                yield e.exitCode();
            }
            default -> {
                terminal.error("unexpected " + CommandException.taskFailure(failure)
                        + (stacktrace ? "" : "; run it again with " + STACKTRACE + " and report what it prints"));
                yield ExitCode.TASKS_FAILED;
            }
        };
        if (stacktrace) {
            failure.printStackTrace(terminal.err());
        }
        return exitCode;
    }

    /** What a command's own way to read an option says; else picocli's message. */
    private static CommandException usage(ParameterException e) {
        if (e.getCause() instanceof CommandException refused) {
            return refused;
        }
        return e.getCause() instanceof IllegalArgumentException refused && e.getArgSpec() instanceof OptionSpec option
                ? CommandException.usage(option.longestName() + ": " + CommandException.oneLine(refused), e)
                : CommandException.usage(usageMessage(e), e);
    }

    /** Returns picocli's message in this command's form. */
    private static String usageMessage(ParameterException e) {
        CommandSpec spec = e.getCommandLine().getCommandSpec();
        String seeHelp = "; see " + spec.qualifiedName() + " --help";
        if (e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
            String first = unmatched.getUnmatched().getFirst();
            if (first.startsWith("-")) {
                return CommandException.unknownOption(spec, first) + seeHelp;
            }
            Collection<String> commands = spec.subcommands().keySet();
            if (!commands.isEmpty()) {
                return "unknown command \"" + first + "\": expected one of " + String.join(", ", commands)
                        + Nearest.hint(first, commands);
            }
            return "unexpected argument \"" + first + "\"" + seeHelp;
        }
        String message = CommandException.oneLine(e)
                .replaceFirst("\\.$", "")
                .replace("option option ", "option ") // picocli says it twice of NAME=VALUE
                .replaceFirst(" is not an? (int|long)$", " is not a whole number");
        return message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1) + seeHelp;
    }
}
