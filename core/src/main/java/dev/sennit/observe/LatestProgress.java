package dev.sennit.observe;

import dev.sennit.internal.Backend;
import dev.sennit.observe.PoolsMXBean.ProgressNow;
import dev.sennit.observe.TaskEvent.Progress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The latest progress of tasks under way. A task is removed at its end. A map or a pipeline has no event for its end,
 * so it is removed after {@value #LONGEST_SILENCE_SECONDS} s without a report.
 */
final class LatestProgress implements TaskListener {
    /** The most tasks. Each keeps up to 300 reports for its estimate, some 20 kB. */
    static final int MOST = 200;
    /** How long a task without further reports is kept, if its end is not known. */
    static final long LONGEST_SILENCE_SECONDS = 600;

    private static final double NANOS = 1e9;

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. By task number, the oldest report first. */
    private final SequencedMap<Long, Latest> byTask = new LinkedHashMap<>();

    /** Guarded by lock. */
    private static final class Latest {
        private final RemainingTime remaining = new RemainingTime();
        private TaskEvent last;
        private long heardNanos;

        Latest(TaskEvent first) {
            last = first;
        }
    }

    @Override
    public void event(TaskEvent event) {
        event(event, Backend.current().nanoTime());
    }

    void event(TaskEvent event, long nanos) {
        lock.lock();
        try {
            if (event.kind().isEnd()) {
                byTask.remove(event.task());
            } else if (event.progress().isPresent()) {
                Latest latest = Objects.requireNonNullElseGet(byTask.remove(event.task()), () -> new Latest(event));
                latest.remaining.add(event);
                latest.last = event;
                latest.heardNanos = nanos;
                byTask.put(event.task(), latest);
                if (byTask.size() > MOST) {
                    byTask.pollFirstEntry();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns the latest reports, the newest first. */
    List<ProgressNow> latest(int most) {
        return latest(most, Backend.current().nanoTime());
    }

    List<ProgressNow> latest(int most, long nanos) {
        lock.lock();
        try {
            byTask.values().removeIf(latest -> nanos - latest.heardNanos > LONGEST_SILENCE_SECONDS * NANOS);
            return byTask.sequencedValues().reversed().stream()
                    .limit(most)
                    .map(latest -> now(latest, nanos))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private static ProgressNow now(Latest latest, long nanos) {
        TaskEvent last = latest.last;
        Progress progress = last.progress().orElseThrow();
        OptionalLong total = progress.total();
        long silent = Math.max(0, nanos - latest.heardNanos);
        Duration remaining = latest.remaining.at(last.at().plusNanos(silent)).orElse(null);
        return new ProgressNow(
                last.task(),
                last.pool(),
                last.name(),
                progress.done(),
                total.isPresent() ? total.getAsLong() : null,
                progress.message(),
                remaining == null ? null : remaining.toNanos() / NANOS,
                silent / NANOS);
    }
}
