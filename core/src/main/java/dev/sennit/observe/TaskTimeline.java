package dev.sennit.observe;

import dev.sennit.StageRun;
import dev.sennit.StageTimeline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Collects the runs of tasks for a picture: a {@link StageTimeline} with a band for each task name of each pool, or for
 * each pool if there would be more than {@value #MOST_BANDS} bands.
 *
 * {@snippet :
 * var runs = new TaskTimeline();
 * try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:2")) {
 *     pool.map(n -> n * n, List.of(1, 2, 3));
 *     events.drain().forEach(runs::event);
 *     Files.writeString(Path.of("run.svg"), runs.timeline().svg());
 * }
 * }
 *
 * <p>A timeline keeps the first {@value #MOST_RUNS} runs; {@link #left} counts the runs beyond. {@link ChromeTrace} has
 * no such bound.
 *
 * <p>Safe for use by several threads.
 */
public final class TaskTimeline implements TaskListener {
    /** How many runs are kept. */
    public static final int MOST_RUNS = 20_000;

    private static final int MOST_BANDS = 16;

    private final TaskRun.Joiner joiner = new TaskRun.Joiner();
    private final List<Kept> runs = new ArrayList<>();
    /** The names of bands; at most one more than are drawn. */
    private final Set<String> bands = new HashSet<>();
    private @Nullable Instant start;
    private long left;

    /** A run, in the band of its pool and task name. */
    private record Kept(String pool, StageRun run) {
        private StageRun inBandOfPool() {
            return new StageRun(pool, run.item(), run.start(), run.end(), run.worker(), run.succeeded());
        }
    }

    /** Creates a timeline without runs. */
    public TaskTimeline() {}

    @Override
    public synchronized void event(TaskEvent event) {
        if (start == null) {
            start = event.at();
        }
        TaskRun run = joiner.add(event);
        if (run == null) {
            return;
        }
        if (runs.size() == MOST_RUNS) {
            left++;
            return;
        }
        TaskEvent begun = run.begun();
        String pool = shown(begun.pool());
        String band = pool + ": " + shown(begun.name());
        runs.add(new Kept(pool, new StageRun(
                band, begun.task(), since(start, begun.at()), since(start, run.over().at()),
                shown(begun.worker().orElse("a worker")), run.outcome().equals("succeeded"))));
        if (bands.size() <= MOST_BANDS) {
            bands.add(band);
        }
    }

    private static Duration since(Instant start, Instant at) {
        Duration since = Duration.between(start, at);
        return since.isNegative() ? Duration.ZERO : since; // the order of events may differ from that of their times
    }

    /** Returns a name without control characters, which XML does not allow. */
    private static String shown(String name) {
        return name.replaceAll("\\p{Cntrl}", "?");
    }

    /**
     * Returns how many runs were not kept.
     *
     * @return the count so far
     */
    public synchronized long left() {
        return left;
    }

    /**
     * Returns the runs that are over, as a picture.
     *
     * @return a snapshot
     */
    public synchronized StageTimeline timeline() {
        boolean isByName = bands.size() <= MOST_BANDS;
        return StageTimeline.of(runs.stream().map(isByName ? Kept::run : Kept::inBandOfPool).toList());
    }

    @Override
    public synchronized String toString() {
        return "TaskTimeline[" + runs.size() + " runs, " + left + " left]";
    }
}
