package dev.sennit.cli.servers;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sennit with}: runs a command while servers run that it can use. */
@Command(
        name = "with",
        header = "Runs a command with servers of its own: postgresql, redis, rabbitmq.",
        description = {
            "Starts each server on a free port of the loopback interface, with its data in a temporary folder, and "
                    + "says on stderr where. When all answer, runs COMMAND; when that has ended, ends them and removes "
                    + "their folders, as it does when it is itself killed.",
            "",
            "COMMAND finds them by variables of its environment: SENNIT_POSTGRESQL_URI, PGHOST, PGPORT, PGUSER, "
                    + "PGPASSWORD, PGDATABASE; SENNIT_REDIS_URI, REDIS_URL; SENNIT_RABBITMQ_URI, AMQP_URL.",
            "",
            "Signals: INT, TERM and HUP go to COMMAND, but for an INT that the terminal sends to both."
        },
        customSynopsis = "sennit with [OPTIONS] SERVER[,SERVER...] -- COMMAND [ARGUMENTS]",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "N:that of COMMAND; 128+N when signal N has ended it",
            ExitCode.USAGE_HELP,
            "3:a server or COMMAND could not start",
            "130:interrupted while a server started"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit with postgresql -- psql -c 'select version()'",
            "  sennit with redis,rabbitmq -- mvn verify",
            "  sennit with redis -- sh -c 'redis-cli -u \"$REDIS_URL\" ping'"
        })
public final class WithCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(index = "0", arity = "0..1", paramLabel = "SERVER",
            description = "The servers, with commas between them: postgresql, redis, rabbitmq.")
    private String servers = "";

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "COMMAND",
            description = "The command with its arguments, after --.")
    private List<String> command = List.of();

    @Option(names = "--no-fsync",
            description = "Servers do not wait for the disk: faster, for what need not survive a power cut.")
    private boolean fast;

    public WithCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        List<ServerKind> kinds = kinds();
        if (command.isEmpty()) {
            throw CommandException.usage("no command given: expected -- COMMAND after the servers; see "
                    + spec.qualifiedName() + " --help");
        }
        try (var passed = new PassedSignals()) {
            return run(kinds, passed);
        }
    }

    private List<ServerKind> kinds() {
        if (servers.isEmpty()) {
            throw CommandException.usage("no server given: expected SERVER[,SERVER...] -- COMMAND; see "
                    + spec.qualifiedName() + " --help");
        }
        List<ServerKind> kinds = new ArrayList<>();
        for (String name : servers.split(",", -1)) {
            try {
                ServerKind kind = ServerKind.ofName(name);
                if (kinds.contains(kind)) {
                    throw CommandException.usage("server " + kind + " is named twice: name it once");
                }
                kinds.add(kind);
            } catch (IllegalArgumentException e) {
                throw CommandException.usage(CommandException.oneLine(e), e);
            }
        }
        return kinds;
    }

    private int run(List<ServerKind> kinds, PassedSignals passed) {
        List<TestServer> started = new ArrayList<>();
        try {
            for (ServerKind kind : kinds) {
                TestServer server = TestServer.of(kind).fsync(!fast).open();
                started.add(server);
                terminal.note(kind + ": 127.0.0.1:" + server.port() + ", data in " + server.folder());
            }
            return runCommand(started, passed);
        } catch (InterruptedException e) {
            return passed.exitCode();
        } catch (IOException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        } finally {
            passed.pause(); // what comes now changes nothing: they are ending
            for (TestServer server : started.reversed()) {
                close(server);
            }
        }
    }

    private void close(TestServer server) {
        try {
            server.close();
        } catch (IOException e) {
            terminal.error(CommandException.oneLine(e));
        }
    }

    private int runCommand(List<TestServer> started, PassedSignals passed) throws InterruptedException {
        var builder = new ProcessBuilder(command).inheritIO();
        started.forEach(server -> builder.environment().putAll(server.environment()));
        Process process;
        try {
            process = passed.start(builder);
        } catch (IOException e) {
            throw CommandException.couldNotStart("cannot start " + command.getFirst()
                    + ": see whether it is installed, and may be executed (" + CommandException.oneLine(e) + ")", e);
        }
        return process.waitFor();
    }
}
