package dev.sennit.process;

import dev.sennit.PoolStatistics;
import dev.sennit.internal.Beans;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The open pools of worker processes of this JVM, for {@link WorkerPoolsMXBean}. */
public final class WorkerPools implements WorkerPoolsMXBean {
    private static final Set<ProcessPool> OPEN = ConcurrentHashMap.newKeySet();

    /** For the MBean server. */
    public WorkerPools() {}

    /** A pool is about to start workers. */
    static void opened(ProcessPool pool) {
        OPEN.add(pool);
        if (Beans.areOurs()) {
            Beans.offerWhile(NAME, WorkerPools::new, () -> !OPEN.isEmpty());
        }
    }

    /** A pool has no workers any more. */
    static void closed(ProcessPool pool) {
        OPEN.remove(pool);
    }

    @Override
    public List<WorkerPool> pools() {
        return OPEN.stream().map(WorkerPools::pool).sorted(Comparator.comparing(WorkerPool::name)).toList();
    }

    private static WorkerPool pool(ProcessPool pool) {
        PoolStatistics seen = pool.statistics();
        List<Worker> workers = pool.slots().stream()
                .map(WorkerSlot::worker)
                .filter(worker -> worker != null)
                .map(WorkerPools::worker)
                .sorted(Comparator.comparing(Worker::name,
                        Comparator.comparingInt(String::length).thenComparing(name -> name)))
                .toList();
        return new WorkerPool(pool.name(), seen.queued(), seen.running(), seen.workersLost(), workers);
    }

    private static Worker worker(WorkerJvm worker) {
        RemoteSubmission<?> task = worker.current.get();
        String state = switch (worker.standing()) {
            case STARTING -> "STARTING";
            case SPARE -> "SPARE";
            case SERVING -> task == null ? "IDLE" : "BUSY";
            case RETIRED, DRAINED, BURIED -> "LEAVING";
        };
        return new Worker(
                worker.slot().name(),
                worker.pid(),
                state,
                task != null ? task.name() : worker.isInitializing() ? "initializer" : "",
                task == null ? 0 : task.eventNumber(),
                task == null ? 0 : TimeUnit.NANOSECONDS.toMillis(task.nanosSinceStart()),
                worker.tasksDone(),
                TimeUnit.NANOSECONDS.toMillis(worker.nanosSinceStart()));
    }
}
