/** Durable task queues in RabbitMQ: {@link dev.sennit.queue.rabbitmq.RabbitmqBroker}. */
module dev.sennit.queue.rabbitmq {
    requires transitive dev.sennit.queue;
    requires com.rabbitmq.client;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports dev.sennit.queue.rabbitmq;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.rabbitmq.RabbitmqBrokerProvider,
            dev.sennit.queue.rabbitmq.RabbitmqsBrokerProvider;
}
