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
import java.util.Locale;
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
 *
 * <p>A broker takes what it {@linkplain Promises promises}, and has to refuse the rest. What is asserted of all: each
 * task that was accepted has ended as it was to, which the broker tells as far as {@link SoakEnds it can be asked}, and
 * has run to its end by its own records; nothing is left over. What cannot be known is said with these classes.
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
    private final TestServer server;

    ServerFaultsContract(String name, TestServer server) {
        this.name = name;
        this.server = server;
    }

    /** Returns the address of a broker that shares its tasks with those of the same space, of which there are two. */
    abstract String uri(int port, Space space);

    Promises promises() {
        return Promises.ALL;
    }

    /** Returns how long connections stand still at most. */
    Duration longestStill() {
        return LEASE.multipliedBy(2);
    }

    /** Returns the servers of which one is killed when one is to be. */
    List<TestServer> mortals() {
        return List.of(server);
    }

    /** Tasks that must not meet. */
    enum Space {
        SOAK,
        CALM;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Test
    void nothingIsLostWhateverBefallsWorkersAndTheServer() throws Exception {
        long seed = QueueFaultsIT.seed();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).seed(seed).cut(SELDOM)
                .delay(SELDOM, Duration.ofMillis(200)).open()) {
            String direct = uri(server.port(), Space.SOAK);
            String detour = uri(proxy.port(), Space.SOAK);
            List<WorkerPlan> workers = List.of(new WorkerPlan("threads:4", detour, 0),
                    new WorkerPlan("processes:2?heap=48m", detour, 0), new WorkerPlan("threads:3", direct, AN_HOUR));
            try (Broker broker = Broker.open(direct);
                    var soak = new QueueSoak(name, seed, folder, LEASE, broker, promises(), workers)) {
                soak.run(TASKS, KILLS, FAULTS, (fault, random) -> befall(fault, random, proxy));
                System.out.println(name + ": the proxy: " + proxy.counts());
            }
        }
    }

    private void befall(Fault fault, SplittableRandom random, FaultProxy proxy) throws Exception {
        switch (fault) {
            case KILL_SERVER -> {
                TestServer mortal = mortals().get(random.nextInt(mortals().size()));
                mortal.kill();
                Thread.sleep(random.nextInt(500));
                mortal.start();
            }
            case CUT_CONNECTIONS -> proxy.cutAll();
            default -> {
                proxy.standStill();
                Thread.sleep(random.nextInt((int) longestStill().toMillis()));
                proxy.goOn();
            }
        }
    }

    @Test
    void nothingIsDoneTwiceWithoutFaults() throws Exception {
        String uri = uri(server.port(), Space.CALM);
        List<WorkerPlan> workers = List.of(new WorkerPlan("threads:4", uri, 0),
                new WorkerPlan("processes:2?heap=48m", uri, 0), new WorkerPlan("threads:3", uri, AN_HOUR));
        try (Broker broker = Broker.open(uri);
                var soak = new QueueSoak(name + ", without faults", QueueFaultsIT.seed(), folder, LONG_LEASE, broker,
                        promises(), workers)) {
            soak.run(TASKS / 3, 0, List.of(), (_, _) -> {});
        }
    }
}
