package dev.sennit.queue.redis;

import dev.sennit.queue.conformance.BrokerSentinelContract;

class RedisTlsSentinelIT extends BrokerSentinelContract {
    @Override
    protected String scheme() {
        return "rediss+sentinel";
    }
}
