/** Durable task queues in Redis or Valkey: {@link dev.sennit.queue.redis.RedisBroker}. */
@SuppressWarnings("module") // the modules of the qualified export are built after this one
module dev.sennit.queue.redis {
    requires transitive dev.sennit.queue;
    requires redis.clients.jedis;
    requires static org.jspecify;

    exports dev.sennit.queue.redis;
    exports dev.sennit.queue.redis.foreign to
            dev.sennit.queue.celery,
            dev.sennit.queue.rq;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.redis.RedisBrokerProvider,
            dev.sennit.queue.redis.RedissBrokerProvider,
            dev.sennit.queue.redis.RedisSentinelBrokerProvider,
            dev.sennit.queue.redis.RedissSentinelBrokerProvider;
}
