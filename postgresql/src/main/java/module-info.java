/** Durable task queues in a PostgreSQL database: {@link dev.sennit.queue.postgresql.PostgresqlBroker}. */
module dev.sennit.queue.postgresql {
    requires transitive dev.sennit.queue;
    requires org.postgresql.jdbc;
    requires static org.jspecify;

    exports dev.sennit.queue.postgresql;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.postgresql.PostgresqlBrokerProvider;
}
