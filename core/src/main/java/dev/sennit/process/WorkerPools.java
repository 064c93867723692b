package dev.sennit.process;

import dev.sennit.PoolStatistics;
import dev.sennit.internal.Beans;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The open pools of worker processes of this JVM, for {@link WorkerPoolsMXBean}. */
public final class WorkerPools implements WorkerPoolsMXBean {
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Set<ProcessPool> OPEN = ConcurrentHashMap.newKeySet();
    /** Guarded by OPEN. Whether somebody will look whether beans are asked for. */
    private static boolean looks;

    /** For the MBean server. */
    public WorkerPools() {}

    /** A pool is about to start workers. */
    static void opened(ProcessPool pool) {
        OPEN.add(pool);
        if (Beans.areOurs()) {
            Beans.offer(NAME, WorkerPools::new);
            synchronized (OPEN) {
                lookLater();
            }
        }
    }

    /** A pool has no workers any more. */
    static void closed(ProcessPool pool) {
        OPEN.remove(pool);
    }

    /** With the lock of OPEN. */
    private static void lookLater() {
        if (looks) {
            return;
        }
        looks = true;
        try {
            Timers.after(LOOK, WorkerPools::look);
        } catch (Throwable e) { // no timer to be had: the next pool that is opened tries again
            looks = false;
        }
    }

    private static void look() {
        try {
            Beans.registerIfAskedFor();
        } catch (Exception | LinkageError e) {
            Uncaught.log("pools of worker processes cannot be looked at from outside", e);
        }
        synchronized (OPEN) {
            looks = false;
            if (!OPEN.isEmpty()) {
                lookLater();
                return;
            }
        }
        Beans.withdraw(NAME);
        if (!OPEN.isEmpty()) { // one was opened meanwhile
            Beans.offer(NAME, WorkerPools::new);
        }
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
                task == null ? 0 : TimeUnit.NANOSECONDS.toMillis(task.nanosSinceStart()),
                worker.tasksDone(),
                TimeUnit.NANOSECONDS.toMillis(worker.nanosSinceStart()));
    }
}
