package dev.sennit.faults.queue;

import dev.sennit.faults.queue.QueueSoak.Fault;
import dev.sennit.faults.queue.QueueSoak.WorkerPlan;
import dev.sennit.queue.broker.Broker;
import java.nio.file.Files;
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
 * Tasks in an SQLite file, and workers that are killed, lose their children, and stand still for longer than a lease:
 * nothing is lost.
 *
 * <p>The build does a few of each; {@code -Dsennit.queue.tasks=200000 -Dsennit.queue.kills=500} makes a long run of it.
 * {@code -Dsennit.seed=} repeats the tasks and the victims, as far as the moments at which processes run allow.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time; waits are bounded one by one
class QueueFaultsIT {
    static final int TASKS = Integer.getInteger("sennit.queue.tasks", 500);
    static final int KILLS = Integer.getInteger("sennit.queue.kills", 4);
    static final Duration LEASE = Duration.ofSeconds(1);
    static final Duration LONG_LEASE = Duration.ofMinutes(1);
    static final int AN_HOUR = 3600;

    @TempDir
    Path folder;

    static long seed() {
        return Long.getLong("sennit.seed", new SplittableRandom().nextLong());
    }

    private List<WorkerPlan> workers(String uri) {
        return List.of(new WorkerPlan("threads:4", uri, 0), new WorkerPlan("processes:2?heap=48m", uri, 0),
                new WorkerPlan("threads:3", uri, AN_HOUR));
    }

    private void soak(String name, Duration lease, int tasks, int kills) throws Exception {
        String uri = "sqlite:" + Files.createDirectories(folder.resolve("store")).resolve("jobs.db");
        try (Broker broker = Broker.open(uri);
                var soak = new QueueSoak("QueueFaultsIT, " + name, seed(), folder, lease, broker, Promises.ALL,
                        workers(uri))) {
            soak.run(tasks, kills, List.of(Fault.STOP_WORKER, Fault.KILL_WORKER, Fault.KILL_CHILD), (_, _) -> {});
        }
    }

    @Test
    void nothingIsLostWhateverBefallsWorkers() throws Exception {
        soak("sqlite", LEASE, TASKS, KILLS);
    }

    /** The same, without faults: what the run above does twice is due to its faults. */
    @Test
    void nothingIsDoneTwiceWithoutFaults() throws Exception {
        soak("sqlite, without faults", LONG_LEASE, TASKS / 3, 0);
    }
}
