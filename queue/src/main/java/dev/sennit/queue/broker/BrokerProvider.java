package dev.sennit.queue.broker;

/**
 * Opens brokers of one scheme. Found by {@link java.util.ServiceLoader}, so an artifact adds its broker by being there.
 */
public interface BrokerProvider {
    /**
     * Returns the scheme of its addresses.
     *
     * @return the scheme, such as {@code sqlite}
     */
    String scheme();

    /**
     * Returns how its addresses are written, for messages.
     *
     * @return a text such as {@code sqlite:FILE[?sync=full]}
     */
    String syntax();

    /**
     * Opens a broker.
     *
     * @param uri the address, whose scheme is {@link #scheme}
     * @return the broker
     * @throws IllegalArgumentException if the address is none of this scheme; the message shows no password
     * @throws BrokerException if the broker cannot be reached or used
     */
    Broker open(BrokerUri uri);
}
