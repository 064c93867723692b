package dev.sennit.observe;

import static dev.sennit.internal.text.PrometheusText.seconds;

import dev.sennit.PoolStatistics;
import dev.sennit.internal.text.PrometheusText;
import dev.sennit.internal.text.PrometheusText.Type;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The figures of this JVM's pools and tasks in the text format of Prometheus, for a page that it reads.
 *
 * {@snippet :
 * var figures = new TaskFigures();
 * var listening = TaskEvents.listen(figures);
 * var page = new StringBuilder();
 * PrometheusPage.write(page, figures); // whenever the page is asked for
 * }
 *
 * <p>Families {@code sennit_pool_...} have the label {@code pool}. Open pools of the same name are added up; the page
 * has no figures of ended pools. Families {@code sennit_task_...} have the label {@code task}: times are summaries with
 * the quantiles 0.5, 0.95 and 0.99 since the figures were created.
 */
public final class PrometheusPage {
    /** The media type of the page. */
    public static final String MEDIA_TYPE = PrometheusText.MEDIA_TYPE;

    private static final double[] QUANTILES = {0.5, 0.95, 0.99};

    private PrometheusPage() {}

    /**
     * Writes the open pools.
     *
     * @param out gets the page
     * @throws IOException of the output
     */
    public static void write(Appendable out) throws IOException {
        var text = new PrometheusText();
        pools(text);
        out.append(text.toString());
    }

    /**
     * Writes the open pools, and tasks.
     *
     * @param out gets the page
     * @param figures of the tasks
     * @throws IOException of the output
     */
    public static void write(Appendable out, TaskFigures figures) throws IOException {
        Objects.requireNonNull(figures, "figures");
        var text = new PrometheusText();
        pools(text);
        tasks(text, figures);
        out.append(text.toString());
    }

    private static void pools(PrometheusText text) {
        Map<String, List<PoolStatistics>> pools = new TreeMap<>();
        for (OpenPool pool : OpenPool.all()) {
            pools.computeIfAbsent(pool.name(), _ -> new ArrayList<>()).add(pool.statistics());
        }
        count(text, pools, "sennit_pool_workers", Type.GAUGE, "Workers that serve.", PoolStatistics::workers);
        count(text, pools, "sennit_pool_queued", Type.GAUGE, "Tasks that wait.", PoolStatistics::queued);
        count(text, pools, "sennit_pool_running", Type.GAUGE, "Tasks that run.", PoolStatistics::running);
        counter(text, pools, "submitted", "Tasks admitted.", PoolStatistics::submitted);
        counter(text, pools, "succeeded", "Tasks that ended with a value.", PoolStatistics::succeeded);
        counter(text, pools, "failed", "Tasks that ended with an exception.", PoolStatistics::failed);
        counter(text, pools, "cancelled", "Tasks that were cancelled.", PoolStatistics::cancelled);
        counter(text, pools, "rejected", "Submissions refused.", PoolStatistics::rejected);
        counter(text, pools, "retried", "Attempts beyond the first of each task.", PoolStatistics::retried);
        counter(text, pools, "workers_lost", "Workers that died.", PoolStatistics::workersLost);
        counter(text, pools, "workers_recycled", "Workers that were replaced.", PoolStatistics::workersRecycled);
        times(text, pools, "queue", "Time that tasks have waited.", PoolStatistics::queueTime);
        times(text, pools, "run", "Time of runs.", PoolStatistics::runTime);
        times(text, pools, "cpu", "Processor time of workers.", seen -> seen.cpuTime().orElse(null));
    }

    private static void counter(
            PrometheusText text, Map<String, List<PoolStatistics>> pools, String name, String help,
            ToLongFunction<PoolStatistics> figure) {
        count(text, pools, "sennit_pool_" + name + "_total", Type.COUNTER, help, figure);
    }

    private static void count(
            PrometheusText text, Map<String, List<PoolStatistics>> pools, String name, Type type, String help,
            ToLongFunction<PoolStatistics> figure) {
        text.family(name, type, help);
        pools.forEach((pool, all) -> text.sample(
                BigDecimal.valueOf(all.stream().mapToLong(figure).sum()), "pool", pool));
    }

    private static void times(
            PrometheusText text, Map<String, List<PoolStatistics>> pools, String name, String help,
            Function<PoolStatistics, @Nullable Duration> figure) {
        text.family("sennit_pool_" + name + "_seconds_total", Type.COUNTER, help);
        pools.forEach((pool, all) -> {
            Duration sum = Duration.ZERO;
            for (PoolStatistics one : all) {
                Duration time = figure.apply(one);
                if (time == null) {
                    return; // unknown figures have no series
                }
                sum = sum.plus(time);
            }
            text.sample(seconds(sum), "pool", pool);
        });
    }

    private static void tasks(PrometheusText text, TaskFigures figures) {
        List<TaskFigures.OfName> tasks = figures.byName();
        text.family("sennit_task_under_way", Type.GAUGE, "Tasks that wait or run.");
        tasks.forEach(task -> text.sample(BigDecimal.valueOf(task.underWay()), "task", task.name()));
        text.family("sennit_task_ended_total", Type.COUNTER, "Tasks that have ended, by their outcome.");
        for (TaskFigures.OfName task : tasks) {
            outcome(text, task, "succeeded", task.succeeded());
            outcome(text, task, "failed", task.failed());
            outcome(text, task, "cancelled", task.cancelled());
        }
        summary(text, tasks, "sennit_task_wait_seconds", "How long tasks waited for a worker.",
                TaskFigures.OfName::waited);
        summary(text, tasks, "sennit_task_run_seconds", "How long runs of tasks took.", TaskFigures.OfName::ran);
        text.family("sennit_task_events_missed_total", Type.COUNTER, "Events that these figures lack.");
        text.sample(BigDecimal.valueOf(figures.missed()));
    }

    private static void outcome(PrometheusText text, TaskFigures.OfName task, String outcome, long count) {
        text.sample(BigDecimal.valueOf(count), "task", task.name(), "outcome", outcome);
    }

    private static void summary(
            PrometheusText text, List<TaskFigures.OfName> tasks, String name, String help,
            Function<TaskFigures.OfName, DurationHistogram> times) {
        text.family(name, Type.SUMMARY, help);
        for (TaskFigures.OfName task : tasks) {
            DurationHistogram seen = times.apply(task);
            for (double quantile : QUANTILES) {
                seen.quantile(quantile).ifPresent(
                        time -> text.sample(seconds(time), "task", task.name(), "quantile", Double.toString(quantile)));
            }
            text.sumAndCount(seconds(seen.total()), seen.count(), "task", task.name());
        }
    }
}
