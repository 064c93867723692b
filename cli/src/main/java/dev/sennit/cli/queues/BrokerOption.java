package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** {@code --broker URI}, which all commands of queues have. What they print of it shows no password. */
final class BrokerOption {
    /** The environment variable that names the broker where no option does. */
    static final String VARIABLE = "SENNIT_BROKER";

    @Option(names = "--broker", paramLabel = "URI",
            description = "Where the queues are, such as sqlite:jobs.db; default: what " + VARIABLE
                    + " says, where no other user can see a password.")
    private @Nullable String uri;

    /**
     * Runs an action with the broker.
     *
     * @throws CommandException if it cannot be opened, or fails meanwhile
     */
    <T> T with(Function<Broker, T> action) {
        Broker broker = open();
        try (broker) {
            return action.apply(broker);
        } catch (BrokerException e) {
            throw CommandException.failed(CommandException.oneLine(e), e);
        } catch (UnsupportedOperationException e) {
            throw CommandException.usage(broker.name() + ": " + CommandException.oneLine(e), e);
        }
    }

    /**
     * The same for a command that only looks: it makes no file, so that a name with a typing error is noticed.
     *
     * @throws CommandException if it cannot be opened, or fails meanwhile
     */
    <T> T withExisting(Function<Broker, T> action) {
        try {
            BrokerUri parsed = BrokerUri.parse(named());
            if (parsed.scheme().equals("sqlite") && !Files.exists(Path.of(parsed.rest()))) {
                throw CommandException.couldNotStart(
                        parsed + ": there is no such file; the first worker or sennit enqueue makes it", null);
            }
        } catch (IllegalArgumentException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        }
        return with(action);
    }

    private String named() {
        String named = uri != null ? uri : System.getenv(VARIABLE);
        if (named == null || named.isEmpty()) {
            throw CommandException.usage(
                    "no broker is named: give --broker URI, such as --broker sqlite:jobs.db, or set " + VARIABLE);
        }
        return named;
    }

    /**
     * Opens the broker.
     *
     * @throws CommandException if none is named, or it cannot be opened
     */
    Broker open() {
        String named = named();
        try {
            return Broker.open(named);
        } catch (BrokerException | IllegalArgumentException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        }
    }
}
