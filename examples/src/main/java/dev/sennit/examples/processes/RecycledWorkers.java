package dev.sennit.examples.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.HashSet;
import java.util.Set;

/**
 * Replaces a worker after a few tasks, while a spare waits to take its place: prints that tasks saw several processes.
 */
public final class RecycledWorkers {
    private RecycledWorkers() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1?max-tasks=2&spares=1&heap=64m")) {
            Set<Long> pids = new HashSet<>();
            while (pids.size() < 3) {
                pids.add(pool.submit(() -> ProcessHandle.current().pid()).get());
            }
            System.out.println("ran in " + pids.size() + " processes, lost: " + pool.statistics().workersLost());
            System.out.println("replaced: " + (pool.statistics().workersRecycled() >= 2));
        }
    }
}
