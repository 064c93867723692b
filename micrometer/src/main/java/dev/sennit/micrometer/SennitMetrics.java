package dev.sennit.micrometer;

import dev.sennit.observe.TaskFigures;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The figures of the open pools and the services of this JVM as Micrometer's meters.
 *
 * {@snippet :
 * import dev.sennit.micrometer.SennitMetrics;
 * import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
 *
 * var registry = new SimpleMeterRegistry(); // your program's
 * try (var metrics = new SennitMetrics(); Pool pool = Pools.open("threads:2?name=photos")) {
 *     metrics.bindTo(registry);
 *     pool.submit(() -> 6 * 7).join();
 *     System.out.println(registry.get("sennit.pool.succeeded").tag("pool", "photos").functionCounter().count());
 * }
 * }
 *
 * <p>A pool that is opened later has meters within a second, and those of a pool that has ended are removed within a
 * second; {@link #refresh} does both at once. What a pool has counted since the last publication of a registry is lost
 * with its meters, if the registry pushes.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>meters</th><th>tags</th><th>are</th></tr>
 * <tr><td>{@code sennit.pool.workers}, {@code queued}, {@code running}</td><td>{@code pool}</td><td>gauges</td></tr>
 * <tr><td>{@code sennit.pool.submitted}, {@code succeeded}, {@code failed}, {@code cancelled}, {@code rejected},
 * {@code retried}, {@code workers.lost}, {@code workers.recycled}</td><td>{@code pool}</td><td>counters</td></tr>
 * <tr><td>{@code sennit.pool.queue}, {@code run}, {@code cpu}</td><td>{@code pool}</td><td>counters of seconds; no
 * {@code cpu} where it is not known</td></tr>
 * <tr><td>{@code sennit.task.wait}, {@code run}</td><td>{@code task}</td><td>timers</td></tr>
 * <tr><td>{@code sennit.task.wait.percentile}, {@code run.percentile}</td><td>{@code task}, {@code phi}: 0.5, 0.95,
 * 0.99</td><td>gauges of times</td></tr>
 * <tr><td>{@code sennit.task.wait.max}, {@code run.max}</td><td>{@code task}</td><td>gauges of times</td></tr>
 * <tr><td>{@code sennit.task.ended}</td><td>{@code task}, {@code outcome}</td><td>counters</td></tr>
 * <tr><td>{@code sennit.task.under.way}</td><td>{@code task}</td><td>gauges</td></tr>
 * <tr><td>{@code sennit.task.events.missed}</td><td></td><td>a counter</td></tr>
 * <tr><td>{@code sennit.service.up}, {@code wanted.workers}, {@code ready.workers}</td><td>{@code service}</td><td>
 * gauges</td></tr>
 * <tr><td>{@code sennit.worker.restarts}, {@code replacements}</td><td>{@code service}, {@code worker}</td><td>
 * counters</td></tr>
 * </table>
 *
 * <p>In a registry for Prometheus they have the names of {@link dev.sennit.observe.PrometheusPage} and of the page of
 * {@code sennit services}. Open pools of the same name are one. The first 200 names of pools, and of services, have
 * meters of their own; all others are told together as {@code (others)}.
 *
 * <p>Tasks are told of only if figures of them are given, as only a stream of events knows their names and the lengths
 * of each run: that is what costs tasks something. All else is counted anyway. Meters read figures that are a tenth of
 * a second old at most.
 *
 * <p>Bind one object of this class to a registry: two would share meters there, which the first {@link #close} removes.
 * Safe for use by several threads.
 */
public final class SennitMetrics implements MeterBinder, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SennitMetrics.class.getPackageName());

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration OLDEST = Duration.ofMillis(100);

    private final Latest latest;
    private final Duration period;
    private final List<Meters> bound = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean hasThread = new AtomicBoolean();
    /** How often the registries are to be brought up to date; the thread that makes it 1 does so until it is 0. */
    private final AtomicInteger wanted = new AtomicInteger();

    /** Creates metrics of pools and services. */
    public SennitMetrics() {
        this(null, PERIOD, OLDEST);
    }

    /**
     * Creates metrics of pools, services and tasks.
     *
     * {@snippet :
     * import dev.sennit.micrometer.SennitMetrics;
     * import io.micrometer.core.instrument.Metrics;
     *
     * var figures = new TaskFigures();
     * var listening = TaskEvents.listen(figures);
     * var metrics = new SennitMetrics(figures);
     * metrics.bindTo(Metrics.globalRegistry);
     * }
     *
     * @param figures of the tasks; the caller has them fed, and ends that
     */
    public SennitMetrics(TaskFigures figures) {
        this(Objects.requireNonNull(figures, "figures"), PERIOD, OLDEST);
    }

    SennitMetrics(@Nullable TaskFigures figures, Duration period, Duration oldest) {
        this.latest = new Latest(figures, oldest.toNanos());
        this.period = period;
    }

    /**
     * Has a registry show the figures, until this is closed.
     *
     * @param registry any; one that is bound already stays as it is
     * @throws IllegalStateException if this is closed
     * @throws OutOfMemoryError if no thread is available
     */
    @Override
    public void bindTo(MeterRegistry registry) {
        Objects.requireNonNull(registry, "registry");
        if (isClosed()) {
            throw new IllegalStateException("metrics are closed");
        }
        startThread();
        if (bound.stream().noneMatch(one -> one.registry() == registry)) {
            bound.add(new Meters(registry, latest));
        }
        refresh();
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private void startThread() {
        if (!hasThread.compareAndSet(false, true)) {
            return;
        }
        try {
            Thread.ofPlatform().daemon().name("sennit-micrometer").inheritInheritableThreadLocals(false)
                    .start(this::look);
        } catch (Throwable e) { // the next registry may have more luck
            hasThread.set(false);
            throw e;
        }
    }

    private void look() {
        try {
            while (!closed.await(period.toNanos(), TimeUnit.NANOSECONDS)) {
                refresh();
            }
        } catch (InterruptedException e) {
            // by nobody
        }
    }

    /**
     * Looks at the pools and services that are there now, and brings the meters of all registries up to date. If
     * another thread is at that, it does so once more, and this call does not wait for it.
     */
    public void refresh() {
        if (wanted.getAndIncrement() > 0) {
            return; // without a lock, as registries call code of users
        }
        int seen = 1;
        do {
            try {
                bringUpToDate();
            } catch (RuntimeException | Error e) { // no memory
                LOG.log(Level.WARNING, "meters of " + this + " may not be up to date", e);
            }
            seen = wanted.addAndGet(-seen);
        } while (seen > 0);
    }

    private void bringUpToDate() {
        boolean ends = isClosed();
        Set<Snapshot.Key> keys = ends ? Set.of() : latest.take().keys();
        for (Meters one : bound) {
            one.show(keys);
        }
        bound.removeIf(one -> ends || one.registry().isClosed());
    }

    /**
     * Removes the meters from all registries. Closing it again does nothing.
     */
    @Override
    public void close() {
        closed.countDown();
        refresh();
    }

    @Override
    public String toString() {
        return "SennitMetrics[" + (isClosed() ? "closed" : "open") + ", " + bound.size() + " registries]";
    }
}
