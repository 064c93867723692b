package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.queues.Brokers;
import dev.sennit.cli.queues.QueuesReport;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;

/** The queues of a broker. */
final class TopOfBroker implements TopTarget {
    /** More do not fit on a screen. */
    private static final int MOST_RUNNING = 200;

    private final Broker broker;

    /**
     * Opens the broker.
     *
     * @throws CommandException if it cannot be opened, or has no file yet
     */
    TopOfBroker(String uri) {
        broker = Brokers.openExisting(uri);
    }

    @Override
    public Look look() {
        try {
            return new Queues(QueuesReport.of(broker, MOST_RUNNING));
        } catch (BrokerException e) {
            throw CommandException.failed(CommandException.oneLine(e), e);
        } catch (UnsupportedOperationException e) {
            throw CommandException.usage(broker.name() + ": " + CommandException.oneLine(e), e);
        }
    }

    @Override
    public void close() {
        broker.close();
    }
}
