package dev.sennit.observe;

import dev.sennit.PoolStatistics;
import dev.sennit.internal.Backend;
import dev.sennit.internal.view.OpenPools;
import dev.sennit.internal.view.RunningTask;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The open pools of this JVM, for {@link PoolsMXBean}. */
public final class PoolsBean implements PoolsMXBean {
    private static final double NANOS = 1e9;
    private static final double MEDIAN = 0.5;
    private static final double P95 = 0.95;
    private static final double P99 = 0.99;

    /** For the MBean server. */
    public PoolsBean() {}

    @Override
    public List<PoolNow> pools() {
        return OpenPool.all().stream().map(PoolsBean::now).toList();
    }

    private static PoolNow now(OpenPool pool) {
        PoolStatistics seen = pool.statistics();
        return new PoolNow(
                pool.name(), pool.kind(), pool.isShutdown(), seen.workers(), seen.submitted(), seen.queued(),
                seen.running(), seen.succeeded(), seen.failed(), seen.cancelled(), seen.rejected(), seen.retried(),
                seen.workersLost(), seen.workersRecycled(), seconds(seen.queueTime()), seconds(seen.runTime()),
                seconds(seen.cpuTime()), seen.workerPids());
    }

    private static double seconds(Duration duration) {
        return duration.getSeconds() + duration.getNano() / NANOS;
    }

    private static @Nullable Double seconds(Optional<Duration> duration) {
        return duration.isPresent() ? seconds(duration.get()) : null;
    }

    @Override
    public List<RunningNow> running(int most) {
        ensureNotNegative(most);
        long now = Backend.current().nanoTime();
        return OpenPools.running().stream()
                .sorted(Comparator.comparingLong((RunningTask one) -> one.since() - now))
                .limit(most)
                .map(one -> new RunningNow(
                        one.task(), one.pool(), TaskEvents.shownName(one.named()), one.thread(),
                        Math.max(0, now - one.since()) / NANOS))
                .toList();
    }

    @Override
    public void startFigures(int leaseSeconds) {
        LeasedFigures.start(leaseSeconds);
    }

    @Override
    public Figures figures() {
        TaskFigures kept = LeasedFigures.get().figures();
        return new Figures(kept.missed(), kept.byName().stream().map(PoolsBean::tasks).toList());
    }

    private static TasksNow tasks(TaskFigures.OfName seen) {
        return new TasksNow(
                seen.name(), seen.submitted(), seen.underWay(), seen.succeeded(), seen.failed(), seen.cancelled(),
                times(seen.waited()), times(seen.ran()));
    }

    private static Times times(DurationHistogram seen) {
        return new Times(
                seen.count(), seconds(seen.total()), seconds(seen.quantile(MEDIAN)), seconds(seen.quantile(P95)),
                seconds(seen.quantile(P99)), seconds(seen.max()));
    }

    @Override
    public List<ProgressNow> progress(int most) {
        ensureNotNegative(most);
        return LeasedFigures.get().progress().latest(most);
    }

    private static void ensureNotNegative(int most) {
        if (most < 0) {
            throw new IllegalArgumentException("most must be >= 0, was " + most);
        }
    }

    @Override
    public void stopFigures() {
        LeasedFigures.stop();
    }

    @Override
    public long openEvents(int leaseSeconds) {
        return EventStreams.open(leaseSeconds);
    }

    @Override
    public String[] readEvents(long id, int most) {
        try {
            return EventStreams.read(id, most).toArray(String[]::new);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new String[0];
        }
    }

    @Override
    public void closeEvents(long id) {
        EventStreams.close(id);
    }
}
