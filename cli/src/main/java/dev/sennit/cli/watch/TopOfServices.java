package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.services.ControlClient;
import dev.sennit.cli.services.Outcome;
import dev.sennit.cli.services.ServicesFile;
import dev.sennit.cli.services.ServicesFileException;
import dev.sennit.cli.services.ServicesReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The services of a file, over the control socket of their manager. */
final class TopOfServices implements TopTarget {
    private final Path file;
    private final Path control;
    private final Terminal terminal;

    /**
     * Finds the manager of a file.
     *
     * @throws CommandException if the file is refused, or its services do not run
     */
    TopOfServices(Path file, Terminal terminal) {
        this.file = file;
        this.terminal = terminal;
        try {
            control = ServicesFile.controlOf(file);
            if (ControlClient.pid(control).isEmpty()) {
                throw CommandException.couldNotStart("the services of " + file + " do not run", null);
            }
        } catch (ServicesFileException e) {
            throw CommandException.usage(e.problems().getFirst(), e);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private CommandException failure(IOException e) {
        return CommandException.failed(
                "the manager of the services of " + file + " cannot be asked: " + CommandException.oneLine(e), e);
    }

    @Override
    public Look look() {
        var report = new ServicesReport(terminal);
        try {
            Optional<Outcome> outcome = ControlClient.ask(control, List.of("status"), report::take);
            return outcome.isEmpty() ? gone() : new Services(report);
        } catch (IOException e) {
            try {
                if (ControlClient.pid(control).isEmpty()) {
                    return gone();
                }
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw failure(e);
        }
    }

    private Gone gone() {
        return new Gone("the services of " + file + " have ended");
    }

    @Override
    public void close() {}
}
