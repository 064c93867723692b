package dev.sennit.faults.queue;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.faults.queue.PeerSoak.Peer;
import dev.sennit.faults.queue.QueueSoak.Fault;
import dev.sennit.junit.WithServer;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The fate of tasks in Celery and in RQ under faults as in {@link ServerFaultsContract}: it is counted and printed,
 * for docs/reliability.md. What is asserted is that the counts are whole, and that without faults nothing is lost. Runs
 * only if {@code -Dsennit.queue.peers=true} asks for it.
 */
@WithServer(ServerKind.REDIS)
@EnabledIfSystemProperty(named = "sennit.queue.peers", matches = "true")
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time; waits are bounded one by one
class PeerFaultsIT {
    private static final List<Fault> FAULTS =
            List.of(Fault.KILL_WORKER, Fault.KILL_SERVER, Fault.KILL_CHILD, Fault.CUT_CONNECTIONS);

    @TempDir
    Path folder;

    private final TestServer server;

    PeerFaultsIT(TestServer server) {
        this.server = server;
    }

    /** Returns an address of a database of its own. */
    private String uri(int port, Peer peer, boolean isCalm) {
        return server.uri(port).toString().replaceFirst("/0$", "/" + (2 * peer.ordinal() + (isCalm ? 1 : 0)));
    }

    @ParameterizedTest
    @EnumSource
    void itIsCountedWhatBecomesOfTasks(Peer peer) throws Exception {
        assumeTrue(peer.isInstalled(), peer.module + " is not installed: apt-get install python3-" + peer.module);
        long seed = QueueFaultsIT.seed();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).seed(seed).open();
                var soak = new PeerSoak("PeerFaultsIT", peer, seed, folder, uri(server.port(), peer, false),
                        uri(proxy.port(), peer, false))) {
            soak.run(QueueFaultsIT.TASKS, QueueFaultsIT.KILLS, FAULTS, (fault, random) -> {
                if (fault == Fault.KILL_SERVER) {
                    server.kill();
                    Thread.sleep(random.nextInt(500));
                    server.start();
                } else {
                    proxy.cutAll();
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsLostWithoutFaults(Peer peer) throws Exception {
        assumeTrue(peer.isInstalled(), peer.module + " is not installed: apt-get install python3-" + peer.module);
        String uri = uri(server.port(), peer, true);
        try (var soak = new PeerSoak("PeerFaultsIT, without faults", peer, QueueFaultsIT.seed(), folder, uri, uri)) {
            soak.run(QueueFaultsIT.TASKS / 3, 0, List.of(), (_, _) -> {});
        }
    }
}
