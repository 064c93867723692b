package dev.sennit.queue.rabbitmq;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.conformance.BrokerFaultsContract;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The broker in RabbitMQ beside a server that fails. A start takes seconds, so it fails once in a short run. */
@WithServer(ServerKind.RABBITMQ)
class RabbitmqFaultsIT extends BrokerFaultsContract {
    private static final Set<String> READY = ConcurrentHashMap.newKeySet();

    RabbitmqFaultsIT(TestServer server) {
        super(server);
    }

    @Override
    protected String uri(TestServer to, int port, String named) {
        if (READY.add(named)) { // those of the three tests at once, as this takes seconds
            List<String> all = List.of(named, "faults_1", "faults_2", "faults_3");
            READY.addAll(all);
            Servers.makeQueues(to, all, "default", "work", "me");
        }
        return Servers.uri(to, port) + "?prefix=" + named;
    }

    @Override
    protected boolean knowsIds() {
        return false;
    }

    @Override
    protected int disasters() {
        return Integer.getInteger("sennit.brokerFaults", 0) > 0 ? 3 : 1;
    }
}
