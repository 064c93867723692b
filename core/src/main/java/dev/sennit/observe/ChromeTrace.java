package dev.sennit.observe;

import dev.sennit.internal.text.JsonLine;
import dev.sennit.internal.text.PrometheusText;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Writes the runs of tasks as a Chrome trace, which <a href="https://ui.perfetto.dev">Perfetto</a> and {@code
 * chrome://tracing} open: a bar for each run, a row for each worker, a group of rows for each pool.
 *
 * {@snippet :
 * try (var out = Files.newBufferedWriter(Path.of("run.json"));
 *         var trace = new ChromeTrace(out);
 *         var listening = TaskEvents.listen(trace);
 *         Pool pool = Pools.open("threads:2")) {
 *     pool.map(n -> n * n, List.of(1, 2, 3));
 *     listening.awaitTold(Duration.ofSeconds(10));
 * }
 * }
 *
 * <p>A bar says in its arguments how long the task has waited, how the run ended, and why it failed. Beside the rows of
 * a pool a curve shows how many tasks wait and run. A task that ended without a run, and a failed attempt that is
 * repeated, are shown as marks. Each task has its own virtual thread or coroutine, so these share rows: a run gets a
 * row that is free. Times count from the first event.
 *
 * <p>A service has a group of rows, too: a row for each of its workers, and a bar for each process from its start to
 * its end. A process that starts while its predecessor still runs gets a row beside it.
 *
 * <p>Records are written as runs end, so a trace needs little memory however long it is. The file is a JSON array,
 * which {@link #close} ends; a file without its end can be opened as well. If events were missed, a mark says how many.
 *
 * <p>The format is that of the <a
 * href="https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU">Trace Event Format</a>.
 *
 * <p>Safe for use by several threads.
 */
public final class ChromeTrace implements TaskListener, AutoCloseable {
    /** The most groups, and the most rows of a group; all others share one more. */
    private static final int MOST_POOLS = 1000;
    private static final int MOST_ROWS = 1000;

    /** The most tasks that are kept whose begin or end is still to come; it comes a moment later. */
    private static final int MOST_STOPPED = 1000;

    /** The most bars that are kept for a row: more than the depth to which runs in one thread nest. */
    private static final int MOST_BARS = 64;

    private static final String SERVICE = "SERVICE_";
    private static final Pattern PROCESS_ID = Pattern.compile(" \\(pid \\d+\\)$");

    private static final int NANO_DIGITS_OF_A_MICROSECOND = 3;

    private final Appendable out;
    /** Guarded by this, as are all fields below. */
    private final TaskRun.Joiner runs = new TaskRun.Joiner();
    private final Map<String, Group> groups = new HashMap<>();
    /** The running processes of services, by the names of their workers; at most {@link #MOST_ROWS}. */
    private final LinkedHashMap<String, ServiceRun> serviceRuns = new LinkedHashMap<>();
    /**
     * The last tasks that no longer wait, although their end or their begin is still to come: if a task is stopped, two
     * threads write its events.
     */
    private final Set<Long> waitNoMore = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > MOST_STOPPED;
        }
    });

    private @Nullable Instant start;
    private @Nullable Instant latest;
    private BigDecimal last = BigDecimal.ZERO;
    private boolean hasRecords;
    private boolean isClosed;

    /** The rows of a pool. */
    private static final class Group {
        final int pid;
        final Map<String, Row> rows = new HashMap<>();
        /** The free rows of workers that run a single task. */
        final Deque<Row> freeLanes = new ArrayDeque<>();
        /** The rows of runs under way, by task. */
        final Map<Long, Row> busyLanes = new HashMap<>();
        int lanes;
        @Nullable Row lastLane;
        long waiting;
        long running;

        Group(int pid) {
            this.pid = pid;
        }
    }

    private record Bar(Instant begin, Instant end) {}

    /** A row. */
    private static final class Row {
        final int tid;
        final boolean isLane;
        /** The last bars that are not inside of others, in the order of time. */
        final Deque<Bar> bars = new ArrayDeque<>();

        Row(int tid, boolean isLane) {
            this.tid = tid;
            this.isLane = isLane;
        }

        /**
         * Adds a bar, which ends after all others, and returns it. A bar of a row may contain others, but must not
         * overlap them in part: a bar that begins inside another, as two threads have the same name, is cut.
         */
        Bar add(Instant begin, Instant end) {
            Instant from = begin;
            for (Bar bar : bars) {
                if (from.isAfter(bar.begin) && from.isBefore(bar.end)) {
                    from = bar.end.isBefore(end) ? bar.end : end;
                }
            }
            var added = new Bar(from, end);
            while (!bars.isEmpty() && !bars.getLast().begin.isBefore(from)) {
                bars.removeLast();
            }
            bars.addLast(added);
            if (bars.size() > MOST_BARS) {
                bars.removeFirst();
            }
            return added;
        }
    }

    /** A process of a service. */
    private static final class ServiceRun {
        final Group group;
        final Row row;
        final TaskEvent started;
        @Nullable Instant ready;

        ServiceRun(Group group, Row row, TaskEvent started) {
            this.group = group;
            this.row = row;
            this.started = started;
        }
    }

    /**
     * Writes to an open output, which the caller closes after this.
     *
     * @param out gets a whole record in each call
     */
    public ChromeTrace(Appendable out) {
        this.out = Objects.requireNonNull(out, "out");
    }

    @Override
    public synchronized void event(TaskEvent event) throws IOException {
        if (isClosed) {
            return;
        }
        if (start == null) {
            start = event.at();
        }
        if (latest == null || event.at().isAfter(latest)) {
            latest = event.at();
        }
        last = micros(event.at());
        switch (event.kind()) {
            case SUBMITTED -> {
                Group group = group(event);
                group.waiting++;
                writeCounts(group);
            }
            case BEGUN -> begin(event);
            case HANDED_BACK -> handBack(event);
            case RETRIED -> mark(event, "again: " + event.name());
            case SUCCEEDED, FAILED, CANCELLED -> end(event);
            case RUN_OVER -> over(event, runs.add(event));
            case SERVICE_STARTED -> startService(event);
            case SERVICE_READY -> {
                ServiceRun run = serviceRuns.get(key(event));
                if (run != null) {
                    run.ready = event.at();
                }
            }
            case SERVICE_STOPPED, SERVICE_KILLED, SERVICE_DIED, SERVICE_DONE, SERVICE_GIVEN_UP -> endService(event);
            case SERVICE_FAILED, SERVICE_RELOADING, MANAGER_STARTED, MANAGER_ENDED -> markService(event);
            default -> {} // not drawn
        }
    }

    private void begin(TaskEvent event) throws IOException {
        Group group = group(event);
        boolean isAgain = runs.runs(event.task());
        runs.add(event);
        Row row = row(group, event);
        if (row.isLane) {
            Row before = group.busyLanes.put(event.task(), row);
            if (before != null) {
                group.freeLanes.push(before);
            }
            if (group.busyLanes.size() > TaskRun.Joiner.MOST) { // the joiner has dropped some
                group.busyLanes.clear();
            }
        }
        if (!isAgain) {
            waitsNoMore(group, event);
            group.running++;
            writeCounts(group);
        }
    }

    private void handBack(TaskEvent event) throws IOException {
        Group group = group(event);
        if (runs.runs(event.task())) {
            boolean waits = !runs.hasEnded(event.task()); // otherwise it is not dispatched again
            runs.add(event);
            free(group, event);
            group.running = Math.max(0, group.running - 1);
            group.waiting += waits ? 1 : 0;
            writeCounts(group);
        }
    }

    /** Notes that a task no longer waits, unless that was noted before. */
    private void waitsNoMore(Group group, TaskEvent event) {
        if (!waitNoMore.remove(event.task())) {
            group.waiting = Math.max(0, group.waiting - 1);
        }
    }

    private void end(TaskEvent event) throws IOException {
        if (!runs.runs(event.task())) { // it has no run, or the run was over before
            Group group = group(event);
            if (!waitNoMore.contains(event.task())) {
                waitsNoMore(group, event);
                waitNoMore.add(event.task()); // its begin may still come
            }
            writeCounts(group);
            mark(event, event.kind().name().toLowerCase(Locale.ROOT) + ": " + event.name());
            return;
        }
        over(event, runs.add(event));
    }

    private void over(TaskEvent event, @Nullable TaskRun run) throws IOException {
        if (run == null) {
            return;
        }
        Group group = group(event);
        Row row = group.busyLanes.get(event.task());
        bar(group, row != null ? row : row(group, run.begun()), run);
        if (run.end() == null) { // its end may still come
            waitNoMore.add(event.task());
        }
        free(group, event);
        group.running = Math.max(0, group.running - 1);
        writeCounts(group);
    }

    private void startService(TaskEvent event) throws IOException {
        Group group = group(event);
        Set<Row> busy = serviceRuns.values().stream().map(run -> run.row).collect(Collectors.toSet());
        String worker = PROCESS_ID.matcher(event.worker().orElse("")).replaceFirst("");
        Row row = null;
        for (int number = 1; row == null; number++) {
            String name = group.rows.size() >= 2 * MOST_ROWS
                    ? "(others)"
                    : number == 1 ? worker : worker + " (" + number + ")";
            Row known = group.rows.get(name);
            if (known == null) {
                row = newRow(group, name, false);
            } else if (!busy.contains(known) || name.equals("(others)")) {
                row = known;
            }
        }
        serviceRuns.put(key(event), new ServiceRun(group, row, event));
        if (serviceRuns.size() > MOST_ROWS) { // the end of the oldest may have been missed
            serviceRuns.pollFirstEntry();
        }
    }

    private void endService(TaskEvent event) throws IOException {
        ServiceRun run = serviceRuns.remove(key(event));
        if (run == null) { // it was not started, or was started before the first event
            markService(event);
        } else {
            bar(run, outcome(event), event.at(), event.failure());
        }
    }

    private static String key(TaskEvent event) {
        return event.worker().orElse("");
    }

    /** Returns the kind of event, in lower case. */
    private static String outcome(TaskEvent event) {
        String kind = event.kind().name();
        return (kind.startsWith(SERVICE) ? kind.substring(SERVICE.length()) : kind).toLowerCase(Locale.ROOT)
                .replace('_', ' ');
    }

    private void markService(TaskEvent event) throws IOException {
        mark(event, outcome(event) + ": " + event.worker().orElse(event.pool()));
    }

    private static void free(Group group, TaskEvent event) {
        Row row = group.busyLanes.remove(event.task());
        if (row != null) {
            group.freeLanes.push(row);
        }
    }

    @Override
    public synchronized void missed(long count) throws IOException {
        if (isClosed) {
            return;
        }
        for (Group group : groups.values()) { // tasks may have begun and ended meanwhile
            group.waiting = 0;
            group.running = 0;
            group.busyLanes.values().forEach(group.freeLanes::push);
            group.busyLanes.clear();
        }
        runs.clear();
        waitNoMore.clear();
        write(new JsonLine()
                .put("ph", "i")
                .put("name", count + " events missed")
                .put("s", "g")
                .put("ts", last)
                .put("pid", 0)
                .put("tid", 0));
    }

    /** Ends the trace. Further calls do nothing; later events are not written. */
    @Override
    public synchronized void close() throws IOException {
        if (!isClosed) {
            isClosed = true;
            for (ServiceRun run : serviceRuns.values()) {
                bar(run, "running", Objects.requireNonNullElse(latest, run.started.at()), Optional.empty());
            }
            serviceRuns.clear();
            out.append(hasRecords ? "\n]\n" : "[]\n");
        }
    }

    // ---- rows ----

    private Group group(TaskEvent event) throws IOException {
        String pool = event.pool();
        Group known = groups.get(pool);
        if (known == null) {
            boolean isOther = groups.size() >= MOST_POOLS;
            String name = isOther ? "(other pools)" : pool;
            known = groups.get(name);
            if (known == null) {
                known = new Group(groups.size() + 1);
                groups.put(name, known);
                write(metadata("process_name", known.pid, 0).put("args", new JsonLine().put("name", name)));
            }
        }
        return known;
    }

    /** Returns the row of the worker, or a free lane for a worker that runs a single task. */
    private Row row(Group group, TaskEvent begun) throws IOException {
        String worker = begun.worker().orElse("");
        if (hasOneTask(begun, worker) || group.rows.size() - group.lanes >= MOST_ROWS) {
            Row free = group.freeLanes.poll();
            return free != null ? free : newRow(group, "lane " + (group.lanes + 1), true);
        }
        Row known = group.rows.get(worker);
        return known != null ? known : newRow(group, worker, false);
    }

    /**
     * Returns whether the worker runs a single task. Virtual threads have the name of their pool; coroutines have the
     * name of the task, or a number in their pool.
     */
    private static boolean hasOneTask(TaskEvent begun, String worker) {
        String prefix = begun.pool() + '-';
        return worker.isEmpty()
                || worker.equals(begun.pool())
                || worker.equals(begun.name())
                || worker.startsWith(prefix)
                        && worker.chars().skip(prefix.length()).allMatch(c -> c >= '0' && c <= '9');
    }

    private Row newRow(Group group, String name, boolean isLane) throws IOException {
        if (isLane && group.lastLane != null && group.lanes >= MOST_ROWS) { // more than a reader looks at
            return group.lastLane;
        }
        var row = new Row(group.rows.size() + 1, isLane);
        group.rows.put(name, row);
        if (isLane) {
            group.lanes++;
            group.lastLane = row;
        }
        write(metadata("thread_name", group.pid, row.tid).put("args", new JsonLine().put("name", name)));
        write(metadata("thread_sort_index", group.pid, row.tid)
                .put("args", new JsonLine().put("sort_index", row.tid)));
        return row;
    }

    // ---- records ----

    private static JsonLine metadata(String name, int pid, int tid) {
        return new JsonLine().put("ph", "M").put("name", name).put("pid", pid).put("tid", tid);
    }

    private void bar(Group group, Row row, TaskRun run) throws IOException {
        Bar bar = row.add(run.begun().at(), run.over().at());
        var details = new JsonLine().put("task", run.begun().task()).put("outcome", run.outcome());
        run.begun().waited().ifPresent(waited -> details.put("waitedSeconds", PrometheusText.seconds(waited)));
        details.put("ranSeconds", PrometheusText.seconds(run.ran()));
        run.begun().worker().ifPresent(worker -> details.put("worker", worker));
        run.failure().ifPresent(failure -> details.put("failure", failure));
        write(new JsonLine()
                .put("ph", "X")
                .put("name", run.begun().name())
                .put("cat", "task," + run.outcome())
                .put("ts", micros(bar.begin))
                .put("dur", micros(Duration.between(bar.begin, bar.end)))
                .put("pid", group.pid)
                .put("tid", row.tid)
                .put("args", details));
    }

    private void bar(ServiceRun run, String outcome, Instant end, Optional<String> why) throws IOException {
        Instant begin = run.started.at();
        Bar bar = run.row.add(begin, end);
        var details = new JsonLine().put("outcome", outcome);
        if (run.ready != null) {
            details.put("readySeconds", PrometheusText.seconds(Duration.between(begin, run.ready)));
        }
        details.put("ranSeconds", PrometheusText.seconds(Duration.between(begin, end)));
        why.ifPresent(text -> details.put("failure", text));
        write(new JsonLine()
                .put("ph", "X")
                .put("name", run.started.worker().orElse(""))
                .put("cat", "service," + outcome)
                .put("ts", micros(bar.begin))
                .put("dur", micros(Duration.between(bar.begin, bar.end)))
                .put("pid", run.group.pid)
                .put("tid", run.row.tid)
                .put("args", details));
    }

    private void mark(TaskEvent event, String name) throws IOException {
        var details = new JsonLine();
        if (event.kind().isOfTask()) {
            details.put("task", event.task());
        }
        event.failure().ifPresent(failure -> details.put("failure", failure));
        write(new JsonLine()
                .put("ph", "i")
                .put("name", name)
                .put("cat", event.kind().isOfTask() ? "task" : "service")
                .put("s", "p")
                .put("ts", micros(event.at()))
                .put("pid", group(event).pid)
                .put("tid", 0)
                .put("args", details));
    }

    private void writeCounts(Group group) throws IOException {
        write(new JsonLine()
                .put("ph", "C")
                .put("name", "tasks")
                .put("ts", last)
                .put("pid", group.pid)
                .put("tid", 0)
                .put("args", new JsonLine().put("running", group.running).put("waiting", group.waiting)));
    }

    private BigDecimal micros(Instant at) {
        return micros(Duration.between(Objects.requireNonNullElse(start, at), at));
    }

    /** Returns microseconds, at least 0: the order of events may differ from that of their times. */
    private static BigDecimal micros(Duration duration) {
        return BigDecimal.valueOf(Math.max(0, duration.toNanos()), NANO_DIGITS_OF_A_MICROSECOND);
    }

    private void write(JsonLine entry) throws IOException {
        String before = hasRecords ? ",\n" : "[\n";
        hasRecords = true;
        out.append(before + entry);
    }
}
