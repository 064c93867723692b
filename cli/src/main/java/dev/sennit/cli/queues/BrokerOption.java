package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
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
        return with(open(), action);
    }

    /**
     * The same for a command that only looks: it makes no file.
     *
     * @throws CommandException if it cannot be opened, or fails meanwhile
     */
    <T> T withExisting(Function<Broker, T> action) {
        return with(Brokers.openExisting(named()), action);
    }

    private static <T> T with(Broker broker, Function<Broker, T> action) {
        try (broker) {
            return action.apply(broker);
        } catch (BrokerException e) {
            throw CommandException.failed(CommandException.oneLine(e), e);
        } catch (UnsupportedOperationException e) {
            String message = CommandException.oneLine(e);
            String address = broker.name();
            throw CommandException.usage(message.contains(address) ? message : address + ": " + message, e);
        }
    }

    /**
     * Opens the broker.
     *
     * @throws CommandException if none is named, or it cannot be opened
     */
    Broker open() {
        return Brokers.open(named());
    }

    private String named() {
        String named = uri != null ? uri : System.getenv(VARIABLE);
        if (named == null || named.isEmpty()) {
            throw CommandException.usage(
                    "no broker is named: give --broker URI, such as --broker sqlite:jobs.db, or set " + VARIABLE);
        }
        return named;
    }
}
