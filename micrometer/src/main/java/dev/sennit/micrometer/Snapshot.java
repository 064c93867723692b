package dev.sennit.micrometer;

import dev.sennit.PoolStatistics;
import dev.sennit.observe.DurationHistogram;
import dev.sennit.observe.OpenPool;
import dev.sennit.observe.TaskFigures;
import dev.sennit.service.ServicesBean;
import dev.sennit.service.ServicesMXBean.ManagerNow;
import dev.sennit.service.ServicesMXBean.ServiceNow;
import dev.sennit.service.ServicesMXBean.WorkerNow;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * All figures at a moment. Each is begun after the one before was taken, so that a figure which grows is not smaller
 * here than there, unless what it is of has ended.
 */
final class Snapshot {
    /** How many pools, and how many services, have meters of their own. */
    static final int MOST_NAMES = 200;
    /** The name of all others. */
    static final String OTHERS = "(others)";

    private static final double[] QUANTILES = {0.5, 0.95, 0.99};
    private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A figure of one thing: of a pool, of the tasks of a name, of a service. */
    record Key(Figure figure, Tags tags) {}

    /**
     * What is read.
     *
     * @param value the number; the count of a timer
     * @param seconds the sum of a timer
     */
    record Reading(double value, double seconds) {
        Reading plus(Reading other) {
            return new Reading(value + other.value, seconds + other.seconds);
        }
    }

    private final long number;
    private final long taken;
    private final Map<Key, Reading> readings = new HashMap<>();
    /** Names of pools, and of services, that are kept apart. */
    private final Set<String> pools = new HashSet<>();
    private final Set<String> services = new HashSet<>();

    private Snapshot(long number, long taken) {
        this.number = number;
        this.taken = taken;
    }

    /** Returns one of nothing, the first of all. */
    static Snapshot none() {
        return new Snapshot(0, System.nanoTime());
    }

    /** Looks at what is there now. */
    static Snapshot after(Snapshot before, @Nullable TaskFigures tasks) {
        var now = new Snapshot(before.number + 1, System.nanoTime());
        now.pools(before, OpenPool.all());
        now.services(before, managers());
        if (tasks != null) {
            now.tasks(tasks);
        }
        return now;
    }

    private static List<ManagerNow> managers() {
        try {
            return new ServicesBean().managers();
        } catch (RuntimeException e) { // one is being made
            return List.of();
        }
    }

    long number() {
        return number;
    }

    long nanosSince() {
        return System.nanoTime() - taken;
    }

    Set<Key> keys() {
        return readings.keySet();
    }

    @Nullable Reading get(Key key) {
        return readings.get(key);
    }

    private void put(Figure figure, Tags tags, double value) {
        put(figure, tags, value, 0);
    }

    private void put(Figure figure, Tags tags, double value, double seconds) {
        readings.merge(new Key(figure, tags), new Reading(value, seconds), Reading::plus);
    }

    private static double seconds(Duration duration) {
        return duration.getSeconds() + duration.getNano() / NANOS;
    }

    // ---- pools ----

    /** Those that had meters before keep them. */
    private static Set<String> keptApart(Set<String> kept, Set<String> before, List<String> names) {
        names.stream().filter(before::contains).forEach(kept::add);
        names.stream().takeWhile(_ -> kept.size() < MOST_NAMES).forEach(kept::add);
        return kept;
    }

    private void pools(Snapshot before, List<OpenPool> open) {
        keptApart(pools, before.pools, open.stream().map(OpenPool::name).toList());
        Set<Tags> cpuUnknown = new HashSet<>();
        for (OpenPool pool : open) {
            Tags tags = Tags.of("pool", pools.contains(pool.name()) ? pool.name() : OTHERS);
            PoolStatistics seen = pool.statistics();
            put(Figure.POOL_WORKERS, tags, seen.workers());
            put(Figure.POOL_QUEUED, tags, seen.queued());
            put(Figure.POOL_RUNNING, tags, seen.running());
            put(Figure.POOL_SUBMITTED, tags, seen.submitted());
            put(Figure.POOL_SUCCEEDED, tags, seen.succeeded());
            put(Figure.POOL_FAILED, tags, seen.failed());
            put(Figure.POOL_CANCELLED, tags, seen.cancelled());
            put(Figure.POOL_REJECTED, tags, seen.rejected());
            put(Figure.POOL_RETRIED, tags, seen.retried());
            put(Figure.POOL_WORKERS_LOST, tags, seen.workersLost());
            put(Figure.POOL_WORKERS_RECYCLED, tags, seen.workersRecycled());
            put(Figure.POOL_QUEUE, tags, seconds(seen.queueTime()));
            put(Figure.POOL_RUN, tags, seconds(seen.runTime()));
            seen.cpuTime().ifPresentOrElse(
                    time -> put(Figure.POOL_CPU, tags, seconds(time)), () -> cpuUnknown.add(tags));
        }
        cpuUnknown.forEach(tags -> readings.remove(new Key(Figure.POOL_CPU, tags)));
    }

    // ---- services ----

    private void services(Snapshot before, List<ManagerNow> managers) {
        List<ServiceNow> all = managers.stream().flatMap(manager -> manager.services().stream()).toList();
        keptApart(services, before.services, all.stream().map(ServiceNow::name).toList());
        for (ServiceNow service : all) {
            boolean isApart = services.contains(service.name());
            Tags tags = Tags.of("service", isApart ? service.name() : OTHERS);
            put(Figure.SERVICE_WANTED, tags, service.wanted());
            put(Figure.SERVICE_READY, tags, service.ready());
            readings.merge(new Key(Figure.SERVICE_UP, tags), new Reading(service.isUp() ? 1 : 0, 0),
                    (one, other) -> one.value() <= other.value() ? one : other);
            for (WorkerNow worker : service.workers()) {
                Tags ofWorker = tags.and("worker", isApart ? Integer.toString(worker.id()) : OTHERS);
                put(Figure.WORKER_RESTARTS, ofWorker, worker.restarts());
                put(Figure.WORKER_REPLACEMENTS, ofWorker, worker.replacements());
            }
        }
    }

    // ---- tasks ----

    /** Their names have a bound already. */
    private void tasks(TaskFigures figures) {
        for (TaskFigures.OfName task : figures.byName()) {
            Tags tags = Tags.of("task", task.name());
            put(Figure.TASK_UNDER_WAY, tags, task.underWay());
            put(Figure.TASK_ENDED, tags.and("outcome", "succeeded"), task.succeeded());
            put(Figure.TASK_ENDED, tags.and("outcome", "failed"), task.failed());
            put(Figure.TASK_ENDED, tags.and("outcome", "cancelled"), task.cancelled());
            times(task.waited(), tags, Figure.TASK_WAIT, Figure.TASK_WAIT_PERCENTILE, Figure.TASK_WAIT_MAX);
            times(task.ran(), tags, Figure.TASK_RUN, Figure.TASK_RUN_PERCENTILE, Figure.TASK_RUN_MAX);
        }
        put(Figure.TASK_EVENTS_MISSED, Tags.empty(), figures.missed());
    }

    private void times(DurationHistogram times, Tags tags, Figure timer, Figure percentile, Figure longest) {
        put(timer, tags, times.count(), seconds(times.total()));
        for (double quantile : QUANTILES) {
            times.quantile(quantile).ifPresent(
                    time -> put(percentile, tags.and("phi", Double.toString(quantile)), seconds(time)));
        }
        times.max().ifPresent(time -> put(longest, tags, seconds(time)));
    }
}
