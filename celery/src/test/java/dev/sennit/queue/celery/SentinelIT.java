package dev.sennit.queue.celery;

import dev.sennit.queue.conformance.BrokerSentinelContract;

class SentinelIT extends BrokerSentinelContract {
    @Override
    protected String scheme() {
        return "celery+redis+sentinel";
    }
}
