/** Durable task queues: {@link dev.sennit.queue.broker.Broker} is what keeps their tasks. */
module dev.sennit.queue {
    requires transitive dev.sennit;
    requires transitive java.sql;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports dev.sennit.queue;
    exports dev.sennit.queue.broker;
    exports dev.sennit.queue.memory;

    uses dev.sennit.queue.broker.BrokerProvider;
    uses dev.sennit.queue.TaskTypeProvider;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.memory.MemoryBrokerProvider;
}
