/** Proves that a broker keeps the contract of brokers: {@link dev.sennit.queue.conformance.BrokerContract}. */
module dev.sennit.queue.conformance {
    requires transitive dev.sennit.queue;
    requires transitive org.junit.jupiter.api;
    requires org.assertj.core;
    requires static org.jspecify;

    exports dev.sennit.queue.conformance;
}
