package dev.sennit.queue.rq;

import dev.sennit.queue.conformance.BrokerSentinelContract;

class SentinelIT extends BrokerSentinelContract {
    @Override
    protected String scheme() {
        return "rq+redis+sentinel";
    }
}
