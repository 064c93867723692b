/** Durable task queues that speak the protocol of RQ on Redis: {@link dev.sennit.queue.rq.RqBroker}. */
module dev.sennit.queue.rq {
    requires transitive dev.sennit.queue;
    requires dev.sennit.queue.redis;
    requires redis.clients.jedis;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports dev.sennit.queue.rq;

    provides dev.sennit.queue.broker.BrokerProvider with
            dev.sennit.queue.rq.RqBrokerProvider,
            dev.sennit.queue.rq.RqsBrokerProvider,
            dev.sennit.queue.rq.RqSentinelBrokerProvider;
}
