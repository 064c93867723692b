package dev.sennit.cli.queues;

import dev.sennit.cli.command.CommandException;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens brokers for commands. The messages show no password. */
public final class Brokers {
    private Brokers() {}

    /**
     * Opens a broker.
     *
     * @throws CommandException if it cannot be opened
     */
    static Broker open(String uri) {
        try {
            return Broker.open(uri);
        } catch (BrokerException | IllegalArgumentException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        }
    }

    /**
     * Opens a broker for a command that only looks: it makes no file, so that a name with a typing error is noticed.
     *
     * @throws CommandException if it cannot be opened
     */
    public static Broker openExisting(String uri) {
        try {
            BrokerUri parsed = BrokerUri.parse(uri);
            if (parsed.scheme().equals("sqlite") && !Files.exists(Path.of(parsed.rest()))) {
                throw CommandException.couldNotStart(
                        parsed + ": there is no such file; the first worker or sennit enqueue makes it", null);
            }
        } catch (IllegalArgumentException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        }
        return open(uri);
    }
}
