package dev.sennit.cli.watch;

import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Table;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import dev.sennit.observe.PoolsMXBean.ProgressNow;
import dev.sennit.observe.PoolsMXBean.RunningNow;
import dev.sennit.observe.PoolsMXBean.TasksNow;
import dev.sennit.observe.PoolsMXBean.Times;
import dev.sennit.process.WorkerPoolsMXBean.Worker;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes what {@code sennit top} sees: as tables, as plain lines or as JSON. Rates are those between two looks; before
 * the second look they are not known, and not 0.
 */
final class TopPage {
    private static final double NANOS = 1e9;
    private static final double MILLIS = 1e3;
    private static final int LONGEST_DOING = 60;
    private static final int MOST_WHOLES = 10;
    private static final double LONGEST_SILENCE_SECONDS = 60;
    private static final String UNKNOWN = "-";
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);

    private TopPage() {}

    // ---- tables ----

    /**
     * Returns the tables of a look.
     *
     * @param before the look before; null if there was none
     */
    static List<String> tables(TopTarget.@Nullable Look before, TopTarget.Look now) {
        return switch (now) {
            case TopTarget.Jvm jvm -> tables(before instanceof TopTarget.Jvm former ? former : null, jvm);
            case TopTarget.Services services -> services.report().lines();
            case TopTarget.Queues queues -> queues.report().lines();
            case TopTarget.Gone gone -> List.of(gone.what());
        };
    }

    private static List<String> tables(TopTarget.@Nullable Jvm before, TopTarget.Jvm now) {
        List<String> lines = new ArrayList<>();
        lines.add(heading(now));
        addPools(lines, before, now);
        addWorkers(lines, now);
        addRunning(lines, now);
        addWholes(lines, now);
        addTasks(lines, before, now);
        return lines;
    }

    private static String heading(TopTarget.Jvm now) {
        return "process " + now.pid() + ": " + Figures.count(now.pools().size(), "pool", "pools") + ", "
                + Figures.count(now.pools().stream().mapToLong(PoolNow::running).sum(), "task runs", "tasks run") + ", "
                + now.pools().stream().mapToLong(PoolNow::queued).sum() + " wait"
                + (now.figures().missed() == 0
                        ? ""
                        : "; " + now.figures().missed() + " events were lost, so the tables of tasks say too little");
    }

    private static void addPools(List<String> lines, TopTarget.@Nullable Jvm before, TopTarget.Jvm now) {
        if (now.pools().isEmpty()) {
            return;
        }
        var table = new Table(
                "pool", "kind", "workers", "running", "waiting", "done/s", "done", "failed", "lost", "cpu");
        for (PoolNow pool : now.pools()) {
            PoolNow former = before == null ? null : poolOf(before, pool);
            Double cpu = pool.cpuSeconds();
            Double cpuBefore = former == null ? null : former.cpuSeconds();
            table.add(
                    pool.name() + (pool.isShutdown() ? " (closing)" : ""),
                    pool.kind(),
                    workers(pool),
                    Long.toString(pool.running()),
                    Long.toString(pool.queued()),
                    before == null || former == null ? UNKNOWN : rate(done(pool) - done(former), before, now),
                    Long.toString(done(pool)),
                    Long.toString(pool.failed()),
                    Long.toString(pool.workersLost()),
                    before == null || cpu == null || cpuBefore == null
                            ? UNKNOWN
                            : Figures.percent(100 * Math.max(0, cpu - cpuBefore) / seconds(before, now)));
        }
        lines.add("");
        lines.addAll(table.lines());
    }

    private static String workers(PoolNow pool) {
        return pool.workers() == Integer.MAX_VALUE ? UNKNOWN : Integer.toString(pool.workers());
    }

    private static void addWorkers(List<String> lines, TopTarget.Jvm now) {
        var table = new Table("worker", "pid", "state", "done", "for", "task", "now at", "");
        boolean isEmpty = true;
        Map<Long, ProgressNow> progress = progressByTask(now);
        for (WorkerPool pool : now.workerPools()) {
            for (Worker worker : pool.workers()) {
                isEmpty = false;
                table.add(
                        worker.name(),
                        Long.toString(worker.pid()),
                        worker.state().toLowerCase(Locale.ROOT),
                        Long.toString(worker.tasksDone()),
                        worker.taskMillis() == 0 ? UNKNOWN : Figures.duration(worker.taskMillis() / MILLIS),
                        worker.task().isEmpty() ? UNKNOWN : worker.task(),
                        doing(progress.get(worker.taskNumber())));
            }
        }
        if (!isEmpty) {
            lines.add("");
            lines.addAll(table.lines());
        }
    }

    /** What runs in threads; what runs in worker processes stands above. */
    private static void addRunning(List<String> lines, TopTarget.Jvm now) {
        if (now.running().isEmpty()) {
            return;
        }
        var table = new Table("thread", "pool", "for", "task", "now at", "");
        Map<Long, ProgressNow> progress = progressByTask(now);
        for (RunningNow run : now.running()) {
            table.add(
                    Long.toString(run.thread()),
                    run.pool(),
                    Figures.duration(run.seconds()),
                    run.name(),
                    doing(progress.get(run.task())));
        }
        lines.add("");
        lines.addAll(table.lines());
    }

    private static Map<Long, ProgressNow> progressByTask(TopTarget.Jvm look) {
        Map<Long, ProgressNow> all = new HashMap<>();
        look.progress().forEach(one -> all.putIfAbsent(one.task(), one));
        return all;
    }

    /** Returns what a task has last reported: {@code 17 of 300, page 17}. */
    private static String doing(@Nullable ProgressNow progress) {
        if (progress == null) {
            return "";
        }
        String amount = progress.done() == 0 ? "" : amount(progress);
        String text = amount.isEmpty() || progress.message().isEmpty()
                ? amount + progress.message()
                : amount + ", " + progress.message();
        return text.length() <= LONGEST_DOING ? text : "..." + text.substring(text.length() - LONGEST_DOING + 3);
    }

    private static String amount(ProgressNow progress) {
        return progress.total() == null ? progress.done() + "" : progress.done() + " of " + progress.total();
    }

    /** Calls of {@code map} and runs of pipelines. What is done, or has been silent for long, has probably ended. */
    private static void addWholes(List<String> lines, TopTarget.Jvm now) {
        List<ProgressNow> wholes = wholes(now);
        if (wholes.isEmpty()) {
            return;
        }
        var table = new Table("whole", "pool", "done", "total", "still takes");
        for (ProgressNow whole : wholes) {
            table.add(
                    whole.name(),
                    whole.pool(),
                    Long.toString(whole.done()),
                    whole.total() == null ? UNKNOWN : Long.toString(whole.total()),
                    time(whole.remainingSeconds()));
        }
        lines.add("");
        lines.addAll(table.lines());
    }

    private static List<ProgressNow> wholes(TopTarget.Jvm now) {
        Set<Long> running = new HashSet<>();
        now.running().forEach(run -> running.add(run.task()));
        now.workerPools().forEach(pool -> pool.workers().forEach(worker -> running.add(worker.taskNumber())));
        return now.progress().stream()
                .filter(one -> !running.contains(one.task()) && one.message().isEmpty())
                .filter(one -> one.total() == null || one.done() < one.total())
                .filter(one -> one.silentSeconds() < LONGEST_SILENCE_SECONDS)
                .limit(MOST_WHOLES)
                .toList();
    }

    private static void addTasks(List<String> lines, TopTarget.@Nullable Jvm before, TopTarget.Jvm now) {
        if (now.figures().tasks().isEmpty()) {
            return;
        }
        Map<String, TasksNow> former = new HashMap<>();
        if (before != null) {
            before.figures().tasks().forEach(task -> former.put(task.name(), task));
        }
        var table = new Table(
                "task", "done/s", "done", "failed", "under way", "wait p50", "p95", "run p50", "p95", "p99");
        for (TasksNow task : busiestFirst(now)) {
            TasksNow last = former.get(task.name());
            table.add(
                    task.name(),
                    before == null ? UNKNOWN : rate(done(task) - (last == null ? 0 : done(last)), before, now),
                    Long.toString(done(task)),
                    Long.toString(task.failed()),
                    Long.toString(task.underWay()),
                    time(task.waited().p50()),
                    time(task.waited().p95()),
                    time(task.ran().p50()),
                    time(task.ran().p95()),
                    time(task.ran().p99()));
        }
        lines.add("");
        lines.addAll(table.lines());
    }

    private static List<TasksNow> busiestFirst(TopTarget.Jvm now) {
        return now.figures().tasks().stream()
                .sorted(Comparator.comparingDouble((TasksNow task) -> -task.ran().totalSeconds())
                        .thenComparing(TasksNow::name))
                .toList();
    }

    // ---- a line each ----

    /** Returns the lines of a look for a file or a pipe. */
    static List<String> lines(TopTarget.@Nullable Look before, TopTarget.Look now, LocalTime time) {
        String margin = TIME.format(time) + "  ";
        if (!(now instanceof TopTarget.Jvm jvm)) {
            return tables(before, now).stream().map(line -> margin + line).toList();
        }
        TopTarget.Jvm former = before instanceof TopTarget.Jvm of ? of : null;
        List<String> lines = new ArrayList<>();
        for (PoolNow pool : jvm.pools()) {
            PoolNow last = former == null ? null : poolOf(former, pool);
            lines.add(margin + jvm.pid() + " pool " + pool.name() + ": "
                    + (former == null || last == null ? "" : rate(done(pool) - done(last), former, jvm) + " done/s, ")
                    + pool.running() + " run, " + pool.queued() + " wait, " + done(pool) + " done, " + pool.failed()
                    + " failed, " + Figures.count(pool.workersLost(), "worker lost", "workers lost"));
        }
        for (TasksNow task : busiestFirst(jvm)) {
            lines.add(margin + jvm.pid() + " task " + task.name() + ": " + done(task) + " done, " + task.failed()
                    + " failed, " + task.underWay() + " under way, wait p95 " + time(task.waited().p95()) + ", run p50 "
                    + time(task.ran().p50()) + " p95 " + time(task.ran().p95()) + " p99 " + time(task.ran().p99()));
        }
        return lines.isEmpty() ? List.of(margin + heading(jvm)) : lines;
    }

    /** Returns a look as JSON, an object a line. */
    static List<String> json(TopTarget.Look now) {
        return switch (now) {
            case TopTarget.Jvm jvm -> json(jvm);
            case TopTarget.Services services -> services.report().jsonLines();
            case TopTarget.Queues queues -> queues.report().jsonLines();
            case TopTarget.Gone gone -> List.of(new JsonLine().put("ended", gone.what()).toString());
        };
    }

    private static List<String> json(TopTarget.Jvm jvm) {
        List<String> lines = new ArrayList<>();
        for (PoolNow pool : jvm.pools()) {
            lines.add(new JsonLine()
                    .put("pid", jvm.pid())
                    .put("pool", pool.name())
                    .put("kind", pool.kind())
                    .put("workers", pool.workers())
                    .put("running", pool.running())
                    .put("waiting", pool.queued())
                    .put("succeeded", pool.succeeded())
                    .put("failed", pool.failed())
                    .put("cancelled", pool.cancelled())
                    .put("workersLost", pool.workersLost())
                    .put("cpuSeconds", pool.cpuSeconds())
                    .toString());
        }
        for (TasksNow task : busiestFirst(jvm)) {
            lines.add(times(times(
                    new JsonLine()
                            .put("pid", jvm.pid())
                            .put("task", task.name())
                            .put("succeeded", task.succeeded())
                            .put("failed", task.failed())
                            .put("cancelled", task.cancelled())
                            .put("underWay", task.underWay()),
                    "waited", task.waited()), "ran", task.ran()).toString());
        }
        for (RunningNow run : jvm.running()) {
            lines.add(new JsonLine()
                    .put("pid", jvm.pid())
                    .put("runs", run.name())
                    .put("pool", run.pool())
                    .put("thread", run.thread())
                    .put("forSeconds", run.seconds())
                    .toString());
        }
        for (ProgressNow progress : jvm.progress()) {
            lines.add(new JsonLine()
                    .put("pid", jvm.pid())
                    .put("progress", progress.name())
                    .put("pool", progress.pool())
                    .put("number", progress.task())
                    .put("done", progress.done())
                    .put("total", progress.total())
                    .put("message", progress.message())
                    .put("remainingSeconds", progress.remainingSeconds())
                    .toString());
        }
        return lines;
    }

    private static JsonLine times(JsonLine line, String name, Times times) {
        return line.put(name + "P50Seconds", times.p50())
                .put(name + "P95Seconds", times.p95())
                .put(name + "P99Seconds", times.p99());
    }

    // ---- figures ----

    private static @Nullable PoolNow poolOf(TopTarget.Jvm look, PoolNow pool) {
        return look.pools().stream()
                .filter(other -> other.name().equals(pool.name()) && other.submitted() <= pool.submitted())
                .findFirst()
                .orElse(null);
    }

    private static long done(PoolNow pool) {
        return pool.succeeded() + pool.failed() + pool.cancelled();
    }

    private static long done(TasksNow task) {
        return task.succeeded() + task.failed() + task.cancelled();
    }

    private static double seconds(TopTarget.Jvm before, TopTarget.Jvm now) {
        return Math.max(1, now.nanos() - before.nanos()) / NANOS;
    }

    private static String rate(long done, TopTarget.Jvm before, TopTarget.Jvm now) {
        double rate = Math.max(0, done) / seconds(before, now);
        return String.format(Locale.ROOT, rate >= 100 || rate == 0 ? "%.0f" : "%.1f", rate);
    }

    private static String time(@Nullable Double seconds) {
        return seconds == null ? UNKNOWN : Figures.duration(seconds);
    }
}
