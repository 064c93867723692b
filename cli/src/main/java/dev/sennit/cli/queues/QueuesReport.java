package dev.sennit.cli.queues;

import dev.sennit.cli.command.Table;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.WorkerReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The queues of a broker, its workers and the tasks that run, at a moment; and the tables and JSON of these.
 *
 * @param broker its address, without a password
 * @param now when, by its clock
 * @param queues the counts of its queues
 * @param workers the workers that live
 * @param running the tasks that run, or some of them
 */
public record QueuesReport(String broker, Instant now, List<QueueCounts> queues, List<WorkerReport> workers,
        List<TaskView> running) {
    private static final List<TaskState> COLUMNS = List.of(TaskState.READY, TaskState.SCHEDULED, TaskState.HELD,
            TaskState.BLOCKED, TaskState.RUNNING, TaskState.DEAD);

    /** Asks a broker, for so many running tasks at most: for none if it cannot search. */
    public static QueuesReport of(Broker broker, int most) {
        return new QueuesReport(broker.name(), broker.now(), broker.counts(), broker.workers(),
                broker.features().contains(BrokerFeature.SEARCH)
                        ? broker.search(TaskFilter.ALL.state(TaskState.RUNNING), most)
                        : List.of());
    }

    /** Returns all of it as tables. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        if (queues.isEmpty()) {
            lines.add(broker + " has no tasks");
        } else {
            lines.add(broker);
            lines.addAll(ofQueues(queues, workers));
        }
        lines.add("");
        lines.addAll(ofWorkers(workers, now));
        if (!running.isEmpty()) {
            lines.add("");
            lines.addAll(ofTasks(running, now));
        }
        return lines;
    }

    /** Returns all of it as JSON, an object a line. */
    public List<String> jsonLines() {
        List<String> lines = new ArrayList<>();
        queues.forEach(queue -> lines.add(json(queue, workers).toString()));
        workers.forEach(worker -> lines.add(json(worker).toString()));
        running.forEach(task -> lines.add(TaskText.json(task).toString()));
        return lines;
    }

    // ---- queues ----

    static List<String> ofQueues(List<QueueCounts> queues, List<WorkerReport> workers) {
        var table = new Table("queue", "ready", "scheduled", "held", "blocked", "running", "dead", "oldest", "workers",
                "");
        for (QueueCounts queue : queues) {
            List<String> cells = new ArrayList<>(List.of(TaskText.shown(queue.queue())));
            COLUMNS.forEach(state -> cells.add(Long.toString(queue.count(state))));
            cells.add(TaskText.age(queue.oldest()));
            cells.add(Integer.toString(takers(workers, queue.queue()).size()));
            cells.add(queue.paused() ? "paused" : "");
            table.add(cells.toArray(String[]::new));
        }
        return table.lines();
    }

    /** Returns the workers that take tasks of a queue. */
    static List<WorkerReport> takers(List<WorkerReport> workers, String queue) {
        return workers.stream()
                .filter(worker -> worker.queues().stream()
                        .anyMatch(each -> each.startsWith(queue + ":") && each.lastIndexOf(':') == queue.length()))
                .toList();
    }

    static JsonLine json(QueueCounts queue, List<WorkerReport> workers) {
        var line = new JsonLine().put("queue", TaskText.shown(queue.queue()));
        COLUMNS.forEach(state -> line.put(TaskText.name(state), queue.count(state)));
        return line.put("oldestSeconds", queue.oldest() == null ? null : queue.oldest().toMillis() / 1e3)
                .put("workers", takers(workers, queue.queue()).size())
                .put("isPaused", queue.paused());
    }

    // ---- workers ----

    static List<String> ofWorkers(List<WorkerReport> workers, Instant now) {
        if (workers.isEmpty()) {
            return List.of("no worker lives");
        }
        var table = new Table("worker", "pid", "state", "on", "runs", "of", "done", "failed", "up", "seen", "queues");
        for (WorkerReport each : workers) {
            table.add(TaskText.shown(each.id()), Long.toString(each.pid()), each.state(), TaskText.shown(each.plan()),
                    Integer.toString(each.running().size()), Integer.toString(each.workers()),
                    Long.toString(each.succeeded()), Long.toString(each.failed()),
                    TaskText.ago(each.startedAt(), now), TaskText.ago(each.seenAt(), now) + " ago",
                    TaskText.shown(String.join(",", each.queues())));
        }
        return table.lines();
    }

    static JsonLine json(WorkerReport worker) {
        return new JsonLine()
                .put("worker", worker.id())
                .put("host", worker.host())
                .put("pid", worker.pid())
                .put("state", worker.state())
                .put("plan", TaskText.shown(worker.plan()))
                .put("workers", worker.workers())
                .put("queues", worker.queues())
                .put("types", new TreeSet<>(worker.types()))
                .put("running", worker.running())
                .put("succeeded", worker.succeeded())
                .put("failed", worker.failed())
                .put("startedAt", TaskText.time(worker.startedAt()))
                .put("seenAt", TaskText.time(worker.seenAt()));
    }

    // ---- tasks ----

    static List<String> ofTasks(List<TaskView> tasks, Instant now) {
        var table = new Table("id", "type", "queue", "state", "age", "runs for", "worker", "progress");
        for (TaskView task : tasks) {
            table.add(task.id(), TaskText.shown(task.type()), TaskText.shown(task.queue()), TaskText.name(task.state()),
                    TaskText.ago(task.enqueuedAt(), now),
                    task.state() == TaskState.RUNNING ? TaskText.ago(task.begunAt(), now) : "-",
                    task.worker() == null ? "-" : TaskText.shown(task.worker()), TaskText.progress(task.progress()));
        }
        return table.lines();
    }
}
