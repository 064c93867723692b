package dev.sennit.observe;

import dev.sennit.PeriodicStatistics;
import dev.sennit.PeriodicTask;
import dev.sennit.PeriodicWorker;
import dev.sennit.internal.ClassNames;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.view.OpenThings;
import dev.sennit.internal.view.ShownText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The open periodic workers of this JVM, for {@link PeriodicWorkersMXBean}. */
public final class PeriodicWorkersBean implements PeriodicWorkersMXBean {
    private static final double NANOS = 1e9;

    /** For the MBean server. */
    public PeriodicWorkersBean() {}

    @Override
    public List<WorkerNow> workers() {
        List<WorkerNow> all = new ArrayList<>();
        for (Object one : OpenThings.PERIODIC_WORKERS.all()) {
            try {
                all.add(now((PeriodicWorker) one));
            } catch (RuntimeException e) {
                // a clock of the user has failed
            }
        }
        all.sort(Comparator.comparing(WorkerNow::name));
        return all;
    }

    private static WorkerNow now(PeriodicWorker worker) {
        return new WorkerNow(
                worker.name(), worker.isRunning(), worker.tasks().stream().map(PeriodicWorkersBean::now).toList());
    }

    private static TaskNow now(PeriodicTask task) {
        PeriodicStatistics seen = task.statistics();
        boolean hasRun = seen.runs() > 0;
        Throwable failure = seen.lastFailure();
        return new TaskNow(
                ShownText.of(task.name()), ShownText.of(schedule(task)), seen.runs(), seen.successes(), seen.failures(),
                seen.missed(), hasRun ? seconds(seen.averageRunTime()) : null,
                hasRun ? seconds(seen.averageLateness()) : null,
                failure == null ? null : ShownText.of(Throwables.text(failure)), seen.running(), seen.enabled(),
                seconds(seen.nextIn()));
    }

    /** Calls code of the schedule's author. */
    private static String schedule(PeriodicTask task) {
        Class<?> type = task.schedule().getClass();
        try {
            return type.isSynthetic() ? ClassNames.readable(type) : task.schedule().toString();
        } catch (RuntimeException | StackOverflowError e) {
            return type.getName();
        }
    }

    private static @Nullable Double seconds(@Nullable Duration duration) {
        return duration == null ? null : duration.getSeconds() + duration.getNano() / NANOS;
    }
}
