/** Durable task queues: {@link dev.sennit.queue.broker.Broker} is what keeps their tasks. */
@SuppressWarnings("module") // the modules of the qualified exports are built after this one
module dev.sennit.queue {
    requires transitive dev.sennit;
    requires transitive java.sql;
    requires tools.jackson.databind;
    requires org.xerial.sqlitejdbc;
    requires static org.jspecify;

    exports dev.sennit.queue;
    exports dev.sennit.queue.broker;
    exports dev.sennit.queue.foreign to
            dev.sennit.queue.celery,
            dev.sennit.queue.redis,
            dev.sennit.queue.rq;
    exports dev.sennit.queue.memory;
    exports dev.sennit.queue.sql to
            dev.sennit.queue.postgresql;

    uses dev.sennit.queue.broker.BrokerProvider;
    uses dev.sennit.queue.TaskTypeProvider;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.memory.MemoryBrokerProvider,
            dev.sennit.queue.sqlite.SqliteBrokerProvider;
}
