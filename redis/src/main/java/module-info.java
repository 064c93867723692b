/** Durable task queues in Redis or Valkey: {@link dev.sennit.queue.redis.RedisBroker}. */
module dev.sennit.queue.redis {
    requires transitive dev.sennit.queue;
    requires redis.clients.jedis;
    requires static org.jspecify;

    exports dev.sennit.queue.redis;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.redis.RedisBrokerProvider,
            dev.sennit.queue.redis.RedissBrokerProvider;
}
