package dev.sennit.queue.conformance;
/** x. */
public abstract class BrokerContract extends BrokerLimitsContract {
    /** For the subclasses. */
    protected BrokerContract() {}
}
