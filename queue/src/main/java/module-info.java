/** Durable task queues: {@link dev.sennit.queue.broker.Broker} is what keeps their tasks. */
module dev.sennit.queue {
    requires transitive dev.sennit;
    requires transitive java.sql;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports dev.sennit.queue;
    exports dev.sennit.queue.broker;

    uses dev.sennit.queue.broker.BrokerProvider;
}
