/**
 * Durable task queues that speak the protocol of Celery on Redis and RabbitMQ:
 * {@link dev.sennit.queue.celery.CeleryBroker}.
 */
module dev.sennit.queue.celery {
    requires transitive dev.sennit.queue;
    requires dev.sennit.queue.redis;
    requires com.rabbitmq.client;
    requires redis.clients.jedis;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports dev.sennit.queue.celery;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.celery.CeleryBrokerProvider,
            dev.sennit.queue.celery.CeleryAmqpBrokerProvider,
            dev.sennit.queue.celery.CeleryAmqpsBrokerProvider,
            dev.sennit.queue.celery.CeleryRedissBrokerProvider,
            dev.sennit.queue.celery.CelerySentinelBrokerProvider;
}
