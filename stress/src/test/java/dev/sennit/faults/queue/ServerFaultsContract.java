package dev.sennit.faults.queue;

import static dev.sennit.faults.queue.QueueFaultsIT.AN_HOUR;
import static dev.sennit.faults.queue.QueueFaultsIT.KILLS;
import static dev.sennit.faults.queue.QueueFaultsIT.LEASE;
import static dev.sennit.faults.queue.QueueFaultsIT.LONG_LEASE;
import static dev.sennit.faults.queue.QueueFaultsIT.TASKS;

import dev.sennit.faults.queue.QueueSoak.Fault;
import dev.sennit.faults.queue.QueueSoak.WorkerPlan;
import dev.sennit.queue.broker.Broker;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.TestServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same as {@link QueueFaultsIT} with tasks on a server that is killed and started again, and to which connections
 * break and stand still.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time; waits are bounded one by one
abstract class ServerFaultsContract {
    private static final List<Fault> FAULTS = List.of(Fault.STOP_WORKER, Fault.KILL_SERVER, Fault.KILL_WORKER,
            Fault.CUT_CONNECTIONS, Fault.KILL_CHILD, Fault.STAND_STILL);
    /** A chance for each message. */
    private static final double SELDOM = 0.0005;

    @TempDir
    Path folder;

    private final String name;

    ServerFaultsContract(String name) {
        this.name = name;
    }

    /** Returns the address of a broker that shares its tasks with those of the same space. */
    abstract String uri(TestServer server, int port, String space);

    @Test
    void nothingIsLostWhateverBefallsWorkersAndTheServer(TestServer server) throws Exception {
        long seed = QueueFaultsIT.seed();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).seed(seed).cut(SELDOM)
                .delay(SELDOM, Duration.ofMillis(200)).open()) {
            String direct = uri(server, server.port(), "soak");
            String detour = uri(server, proxy.port(), "soak");
            List<WorkerPlan> workers = List.of(new WorkerPlan("threads:4", detour, 0),
                    new WorkerPlan("processes:2?heap=48m", detour, 0), new WorkerPlan("threads:3", direct, AN_HOUR));
            try (Broker broker = Broker.open(direct);
                    var soak = new QueueSoak(name, seed, folder, LEASE, broker, workers)) {
                soak.run(TASKS, KILLS, FAULTS, (fault, random) -> befall(fault, random, server, proxy));
                System.out.println(name + ": the proxy: " + proxy.counts());
            }
        }
    }

    private static void befall(Fault fault, SplittableRandom random, TestServer server, FaultProxy proxy)
            throws Exception {
        switch (fault) {
            case KILL_SERVER -> {
                server.kill();
                Thread.sleep(random.nextInt(500));
                server.start();
            }
            case CUT_CONNECTIONS -> proxy.cutAll();
            default -> {
                proxy.standStill();
                Thread.sleep(random.nextInt(2 * (int) LEASE.toMillis()));
                proxy.goOn();
            }
        }
    }

    @Test
    void nothingIsDoneTwiceWithoutFaults(TestServer server) throws Exception {
        String uri = uri(server, server.port(), "calm");
        List<WorkerPlan> workers = List.of(new WorkerPlan("threads:4", uri, 0),
                new WorkerPlan("processes:2?heap=48m", uri, 0), new WorkerPlan("threads:3", uri, AN_HOUR));
        try (Broker broker = Broker.open(uri);
                var soak = new QueueSoak(name + ", without faults", QueueFaultsIT.seed(),
                        folder, LONG_LEASE, broker, workers)) {
            soak.run(TASKS / 3, 0, List.of(), (_, _) -> {});
        }
    }
}
