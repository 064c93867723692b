package dev.sennit.queue.sql;

import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.WorkerReport;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;

/**
 * The operations of {@link dev.sennit.queue.broker.Broker} that only read. Each is part of a transaction of its caller.
 */
public final class Lookup {
    private static final byte[] NOTHING = {};
    /** How many tasks with their arguments are read at a time to look for a text. */
    private static final int TEXTS = 100;
    private static final String ENDED_COLUMNS = "id, type, version, queue, state, rank, turn, root, enqueued, begun,"
            + " ended, worker, attempt, failures, crashes, progress, error_type, error_message, error_stack";

    private Lookup() {}

    // ---- tasks ----

    /**
     * Lists tasks by their ids.
     *
     * @param step the transaction
     * @param filter which
     * @param most how many at most
     * @return the tasks
     * @throws SQLException if the database fails
     */
    public static List<TaskView> search(Step step, TaskFilter filter, int most) throws SQLException {
        List<TaskView> found = new ArrayList<>();
        TaskFilter rest = filter;
        int page = filter.text() == null ? most : Math.min(most, TEXTS);
        while (found.size() < most && page > 0) {
            List<TaskView> views = page(step, rest, page);
            for (TaskView view : views) {
                if (found.size() < most && hasText(filter.text(), view)) {
                    found.add(view);
                }
            }
            if (views.size() < page) {
                break;
            }
            rest = rest.after(views.getLast().id());
        }
        return found;
    }

    private static boolean hasText(@Nullable String text, TaskView view) {
        if (text == null) {
            return true;
        }
        ErrorInfo error = view.error();
        return error != null && (error.type().contains(text) || error.message().contains(text))
                || new String(view.payload(), StandardCharsets.UTF_8).contains(text);
    }

    /**
     * The ids of some tasks.
     *
     * @param ids the ids
     * @param last the id of the last task that was looked at, or null if there are no more
     */
    record Ids(List<String> ids, @Nullable String last) {}

    /** Returns the ids of the next tasks; with a text, those of a few tasks that have it, perhaps none. */
    static Ids ids(Step step, TaskFilter filter, int most) throws SQLException {
        if (filter.text() != null) {
            List<TaskView> views = page(step, filter, TEXTS);
            List<String> ids = views.stream().filter(view -> hasText(filter.text(), view)).map(TaskView::id).toList();
            return new Ids(ids, views.size() < TEXTS ? null : views.getLast().id());
        }
        List<String> all = new ArrayList<>();
        if (filter.states().isEmpty()) {
            all.addAll(live(step, "t.id", "{task} t", filter, most, row -> row.getString(1)));
        }
        for (TaskState state : filter.states()) { // each has an index of its own
            all.addAll(live(step, "t.id", "{task} t", filter.state(state), most, row -> row.getString(1)));
        }
        all.addAll(ended(step, "id", filter, most, row -> row.getString(1)));
        all.sort(Comparator.naturalOrder());
        List<String> ids = all.subList(0, Math.min(most, all.size()));
        return new Ids(ids, ids.size() < most ? null : ids.getLast());
    }

    private static List<TaskView> page(Step step, TaskFilter filter, int most) throws SQLException {
        List<TaskView> views = new ArrayList<>(live(step,
                Row.COLUMNS + ", COALESCE(t.message, b.message), COALESCE(t.payload, b.payload)",
                "{task} t LEFT JOIN {body} b ON b.id = t.id", filter, most, Lookup::liveView));
        views.addAll(ended(step, ENDED_COLUMNS, filter, most, Lookup::endedView));
        views.sort(Comparator.comparing(TaskView::id));
        return views.subList(0, Math.min(most, views.size()));
    }

    private static <T> List<T> live(
            Step step, String columns, String from, TaskFilter filter, int most, Query.Reader<T> reader)
            throws SQLException {
        var where = new StringBuilder("SELECT " + columns + " FROM " + from + " WHERE 1 = 1");
        if (!condition(where, "t.", filter)) {
            return List.of();
        }
        if (filter.reason() != null) {
            where.append(" AND t.reason = ?");
        }
        Query query = bind(step.query(where + " ORDER BY t.id LIMIT ?"), filter);
        if (filter.reason() != null) {
            query.text(filter.reason().name());
        }
        return query.number(most).list(reader);
    }

    private static <T> List<T> ended(Step step, String columns, TaskFilter filter, int most, Query.Reader<T> reader)
            throws SQLException {
        var where = new StringBuilder("SELECT " + columns + " FROM {ended} WHERE hidden = 0");
        if (filter.reason() != null || !condition(where, "", filter)) {
            return List.of();
        }
        return bind(step.query(where + " AND expires > ? ORDER BY id LIMIT ?"), filter).number(step.now()).number(most)
                .list(reader);
    }

    private static boolean condition(StringBuilder where, String table, TaskFilter filter) {
        if (!filter.ids().isEmpty()) {
            where.append(" AND ").append(table).append("id {in}");
        }
        if (!filter.states().isEmpty()) {
            boolean isLive = !table.isEmpty();
            List<String> codes = filter.states().stream()
                    .filter(state -> isLive == (!state.isEnd() || state == TaskState.DEAD)).map(Row::code).sorted()
                    .map(String::valueOf).toList();
            if (codes.isEmpty()) {
                return false;
            }
            where.append(" AND ").append(table).append("state ")
                    .append(codes.size() == 1 ? "= " + codes.getFirst() : "IN (" + String.join(", ", codes) + ")");
        }
        if (filter.queue() != null) {
            where.append(" AND ").append(table).append("queue = ?");
        }
        if (filter.type() != null) {
            where.append(" AND ").append(table).append("type = ?");
        }
        if (filter.root() != null) {
            where.append(" AND (").append(table).append("root = ? OR ").append(table).append("root IS NULL AND ")
                    .append(table).append("id = ?)");
        }
        if (filter.after() != null) {
            where.append(" AND ").append(table).append("id > ?");
        }
        return true;
    }

    private static Query bind(Query query, TaskFilter filter) throws SQLException {
        if (!filter.ids().isEmpty()) {
            query.texts(List.copyOf(filter.ids()));
        }
        for (String each : new String[] {filter.queue(), filter.type(), filter.root(), filter.root(), filter.after()}) {
            if (each != null) {
                query.text(each);
            }
        }
        return query;
    }

    private static TaskView liveView(ResultSet from) throws SQLException {
        Row row = Row.read(from);
        byte[] message = from.getBytes(Row.AFTER_COLUMNS);
        byte[] payload = from.getBytes(Row.AFTER_COLUMNS + 1);
        Map<String, String> headers = Map.of();
        try {
            headers = TaskJson.read(message == null ? NOTHING : message, NOTHING).headers();
        } catch (TaskFormatException e) {
            // It is dead because of that, or will be.
        }
        TaskState state = Row.state(row.state);
        return new TaskView(row.id, row.type, row.version, row.queue, state,
                QueuedTask.GREATEST_PRIORITY - row.rank, Row.key(row.turn, row.queue), row.root(),
                Instant.ofEpochMilli(row.enqueued), state == TaskState.SCHEDULED ? instant(row.due) : null,
                instant(row.begun), state.isEnd() ? instant(row.ended) : null, row.worker, row.attempt, row.failures,
                row.crashes, Row.progress(row.progress), Row.deadReason(row.reason), row.error,
                payload == null ? NOTHING : payload, headers);
    }

    private static TaskView endedView(ResultSet row) throws SQLException {
        String id = row.getString(1);
        String queue = row.getString(4);
        String root = row.getString(8);
        String error = row.getString(17);
        return new TaskView(id, row.getString(2), row.getInt(3), queue, Row.state(row.getInt(5)),
                QueuedTask.GREATEST_PRIORITY - row.getInt(6), Row.key(row.getString(7), queue),
                root == null ? id : root, Instant.ofEpochMilli(row.getLong(9)), null, instant(Query.number(row, 10)),
                Instant.ofEpochMilli(row.getLong(11)), row.getString(12), row.getInt(13), row.getInt(14),
                row.getInt(15), Row.progress(row.getString(16)), null,
                error == null ? null : new ErrorInfo(error, row.getString(18), row.getString(19)), NOTHING, Map.of());
    }

    private static @Nullable Instant instant(@Nullable Long millis) {
        return millis == null ? null : Instant.ofEpochMilli(millis);
    }

    /**
     * Returns which of some tasks have ended.
     *
     * @param step the transaction
     * @param ids their ids
     * @return those that have ended and are still kept
     * @throws SQLException if the database fails
     */
    public static List<EndedTask> ended(Step step, Collection<String> ids) throws SQLException {
        List<String> some = List.copyOf(new HashSet<>(ids));
        List<EndedTask> ended = new ArrayList<>(step.query("SELECT id, type, queue, root, state, result, NULL,"
                + " error_type, error_message, error_stack, attempt, ended FROM {ended} WHERE id {in} AND hidden = 0"
                + " AND expires > ?").texts(some).number(step.now()).list(Lookup::end));
        ended.addAll(step.query("SELECT id, type, queue, root, state, NULL, reason, error_type, error_message,"
                + " error_stack, attempt, ended FROM {task} WHERE id {in} AND state = 6").texts(some)
                .list(Lookup::end));
        return ended;
    }

    private static EndedTask end(ResultSet row) throws SQLException {
        String id = row.getString(1);
        String root = row.getString(4);
        String reason = row.getString(7);
        String error = row.getString(8);
        return new EndedTask(id, row.getString(2), row.getString(3), root == null ? id : root,
                Row.state(row.getInt(5)), reason == null ? row.getBytes(6) : null,
                Row.deadReason(reason),
                error == null ? null : new ErrorInfo(error, row.getString(9), row.getString(10)), row.getInt(11),
                Instant.ofEpochMilli(row.getLong(12)));
    }

    /**
     * An end that is told to an address.
     *
     * @param seq its number: it grows with each end of the address
     * @param task how the task has ended
     */
    public record Reply(long seq, EndedTask task) {}

    /**
     * Returns what has ended lately, for an address. Where transactions do not commit in the order of their numbers,
     * one may be missed; {@link #ended} tells of it.
     *
     * @param session the connection
     * @param replyTo the address
     * @param after the number of the last end that was told
     * @param most how many at most
     * @return the ends, in their order
     * @throws SQLException if the database fails
     */
    public static List<Reply> replies(Session session, String replyTo, long after, int most) throws SQLException {
        List<Reply> replies = new ArrayList<>();
        session.query("""
                SELECT * FROM (SELECT id, type, queue, root, state, result, NULL AS reason, error_type, error_message,
                    error_stack, attempt, ended, reply_seq FROM {ended}
                    WHERE reply_to = ? AND reply_seq IS NOT NULL AND reply_seq > ? ORDER BY reply_seq LIMIT ?) e
                UNION ALL
                SELECT * FROM (SELECT id, type, queue, root, state, CAST(NULL AS {bytes}), reason, error_type,
                    error_message, error_stack, attempt, ended, reply_seq FROM {task}
                    WHERE reply_to = ? AND reply_seq IS NOT NULL AND reply_seq > ? ORDER BY reply_seq LIMIT ?) t""")
                .text(replyTo).number(after).number(most).text(replyTo).number(after).number(most)
                .list(row -> add(replies, row));
        replies.sort(Comparator.comparingLong(Reply::seq));
        return replies.subList(0, Math.min(most, replies.size()));
    }

    private static boolean add(List<Reply> replies, ResultSet row) throws SQLException {
        try {
            return replies.add(new Reply(row.getLong(13), end(row)));
        } catch (IndexOutOfBoundsException e) { // a state of another version: the others are told nevertheless
            return false;
        }
    }

    /**
     * Returns the numbers of the ends of an address that are kept, where they are not committed in their order.
     *
     * @param session the connection
     * @param replyTo the address
     * @param after the number after which to look
     * @return the numbers, in no order
     * @throws SQLException if the database fails
     */
    public static List<Long> replyNumbers(Session session, String replyTo, long after) throws SQLException {
        return session.query("SELECT reply_seq FROM {ended} WHERE reply_to = ? AND reply_seq IS NOT NULL"
                + " AND reply_seq > ? UNION ALL SELECT reply_seq FROM {task} WHERE reply_to = ?"
                + " AND reply_seq IS NOT NULL AND reply_seq > ?").text(replyTo).number(after).text(replyTo)
                .number(after).list(row -> row.getLong(1));
    }

    /**
     * Returns which tasks of a worker are to stop.
     *
     * @param step the transaction
     * @param worker its id
     * @return the ids of the tasks, with the numbers of their attempts
     * @throws SQLException if the database fails
     */
    public static Map<String, Integer> toStop(Step step, String worker) throws SQLException {
        Map<String, Integer> ids = new HashMap<>();
        step.query("SELECT id, attempt FROM {task} WHERE cancel = 1 AND worker = ? AND state = 4").text(worker)
                .list(row -> ids.put(row.getString(1), row.getInt(2)));
        return ids;
    }

    /**
     * A request to workers, with its number.
     *
     * @param seq the number
     * @param message the request
     */
    public record Control(long seq, ControlMessage message) {}

    /**
     * Returns requests to a worker. One that cannot be read is left out.
     *
     * @param step the transaction
     * @param worker its id
     * @param after the number of the last one that it was told
     * @return the requests, in their order
     * @throws SQLException if the database fails
     */
    public static List<Control> controls(Step step, String worker, long after) throws SQLException {
        List<Control> controls = new ArrayList<>();
        step.query("SELECT seq, worker, command, arguments FROM {control} WHERE seq > ? AND (worker IS NULL OR"
                + " worker = ?) ORDER BY seq").number(after).text(worker).list(row -> {
                    try {
                        return controls.add(new Control(row.getLong(1), new ControlMessage(row.getString(2),
                                row.getString(3), SqlStore.MAPPER.readValue(row.getBytes(4),
                                        new TypeReference<Map<String, String>>() {}))));
                    } catch (JacksonException | IllegalArgumentException e) { // damaged, or of another version
                        return false;
                    }
                });
        return controls;
    }

    /**
     * Returns whether a task of some queues is READY.
     *
     * @param step the transaction
     * @param queues the queues
     * @return whether there is one
     * @throws SQLException if the database fails
     */
    public static boolean hasReady(Step step, Collection<String> queues) throws SQLException {
        for (String queue : queues) {
            if (step.query("SELECT 1 FROM {task} WHERE state = 0 AND queue = ? LIMIT 1").text(queue)
                    .first(_ -> true) != null) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns whether a task is due that has not been made ready yet.
     *
     * @param step the transaction
     * @return whether there is one
     * @throws SQLException if the database fails
     */
    public static boolean hasDue(Step step) throws SQLException {
        return step.query("SELECT 1 FROM {task} WHERE state = 1 AND due <= ? LIMIT 1").number(step.now())
                .first(_ -> true) != null;
    }

    // ---- queues ----

    /**
     * Returns what is paused.
     *
     * @param step the transaction
     * @return the queues and types
     * @throws SQLException if the database fails
     */
    public static Set<Scope> paused(Step step) throws SQLException {
        return new HashSet<>(step.query("SELECT kind, name FROM {paused}")
                .list(row -> new Scope(Scope.Kind.valueOf(row.getString(1)), row.getString(2))));
    }

    /**
     * Returns the limits of types.
     *
     * @param step the transaction
     * @return the limits
     * @throws SQLException if the database fails
     */
    public static Map<String, Rate> limits(Step step) throws SQLException {
        Map<String, Rate> limits = new TreeMap<>();
        step.query("SELECT type, tasks, period, burst FROM {rate}").list(row -> limits.put(row.getString(1),
                new Rate(row.getLong(2), Duration.ofNanos(row.getLong(3)), row.getLong(4))));
        return limits;
    }

    /**
     * Counts the tasks of all queues.
     *
     * @param step the transaction
     * @return the counts
     * @throws SQLException if the database fails
     */
    public static List<QueueCounts> counts(Step step) throws SQLException {
        Map<String, EnumMap<TaskState, Long>> counts = new TreeMap<>();
        Map<String, Long> oldest = new HashMap<>();
        var sql = new StringBuilder(); // each part reads an index of its own
        for (int state : new int[] {Row.READY, Row.SCHEDULED, Row.BLOCKED, Row.HELD, Row.RUNNING, Row.DEAD}) {
            sql.append(sql.isEmpty() ? "" : " UNION ALL ").append("SELECT queue, ").append(state).append(", count(*), ")
                    .append(state == Row.READY ? "min(since)" : "NULL").append(" FROM {task} WHERE state = ")
                    .append(state).append(" GROUP BY queue");
        }
        step.query(sql.toString()).list(row -> {
            Long since = Query.number(row, 4);
            if (since != null) {
                oldest.put(row.getString(1), since);
            }
            counts.computeIfAbsent(row.getString(1), _ -> new EnumMap<>(TaskState.class))
                    .put(Row.state(row.getInt(2)), row.getLong(3));
            return true;
        });
        Set<Scope> paused = paused(step);
        for (Scope scope : paused) {
            if (scope.kind() == Scope.Kind.QUEUE) {
                counts.computeIfAbsent(scope.name(), _ -> new EnumMap<>(TaskState.class));
            }
        }
        List<QueueCounts> all = new ArrayList<>();
        counts.forEach((queue, states) -> {
            Long since = oldest.get(queue);
            all.add(new QueueCounts(queue, states, since == null ? null : age(step, since),
                    paused.contains(Scope.queue(queue))));
        });
        return all;
    }

    private static Duration age(Step step, long since) {
        return Duration.ofMillis(Math.max(0, step.now() - since));
    }

    /**
     * Returns how long the oldest READY task of some queues has waited.
     *
     * @param step the transaction
     * @param queues the queues
     * @return how long, or empty if none is READY
     * @throws SQLException if the database fails
     */
    public static Optional<Duration> oldestReady(Step step, Collection<String> queues) throws SQLException {
        Long oldest = null;
        for (String queue : new HashSet<>(queues)) { // the first task of each type and priority
            Long since = step.query("""
                    WITH RECURSIVE g(id) AS (
                      SELECT (SELECT h.id FROM {task} h WHERE h.state = 0 AND h.queue = ?
                        ORDER BY h.type, h.rank, h.since LIMIT 1)
                      UNION ALL
                      SELECT COALESCE(
                        (SELECT n.id FROM {task} n WHERE n.state = 0 AND n.queue = c.queue AND n.type = c.type
                          AND n.rank > c.rank ORDER BY n.rank, n.since LIMIT 1),
                        (SELECT n.id FROM {task} n WHERE n.state = 0 AND n.queue = c.queue AND n.type > c.type
                          ORDER BY n.type, n.rank, n.since LIMIT 1))
                      FROM g JOIN {task} c ON c.id = g.id)
                    SELECT min(t.since) FROM g JOIN {task} t ON t.id = g.id""").text(queue)
                    .<@Nullable Long>first(row -> Query.number(row, 1));
            if (since != null && (oldest == null || since < oldest)) {
                oldest = since;
            }
        }
        return oldest == null ? Optional.empty() : Optional.of(age(step, oldest));
    }

    // ---- schedules, workers, events ----

    static @Nullable String text(@Nullable Instant instant) {
        return instant == null ? null : instant.toString();
    }

    private static @Nullable Instant parsed(@Nullable String text) {
        return text == null ? null : Instant.parse(text);
    }

    /**
     * Returns all schedules. One whose task cannot be read is left out.
     *
     * @param step the transaction
     * @return the schedules, by name
     * @throws SQLException if the database fails
     */
    public static List<ScheduleEntry> schedules(Step step) throws SQLException {
        List<ScheduleEntry> entries = new ArrayList<>();
        step.query("SELECT name, rule, zone, message, payload, missed, overlap, paused, next_due, last_due, last_task"
                + " FROM {schedule} ORDER BY name").list(row -> {
                    QueuedTask template;
                    try {
                        template = TaskJson.read(row.getBytes(4), row.getBytes(5));
                    } catch (TaskFormatException e) {
                        return false;
                    }
                    return entries.add(new ScheduleEntry(row.getString(1), row.getString(2), row.getString(3), template,
                            ScheduleEntry.Missed.valueOf(row.getString(6)),
                            ScheduleEntry.Overlap.valueOf(row.getString(7)), row.getInt(8) != 0,
                            parsed(row.getString(9)), parsed(row.getString(10)), row.getString(11)));
                });
        return entries;
    }

    /**
     * Returns the workers that were heard of lately.
     *
     * @param step the transaction
     * @return the workers, by their ids
     * @throws SQLException if the database fails
     */
    public static List<WorkerReport> workers(Step step) throws SQLException {
        List<WorkerReport> workers = new ArrayList<>();
        step.query("SELECT seen, report FROM {worker} ORDER BY id").list(row -> {
            try {
                WorkerReport report = SqlStore.MAPPER.readValue(row.getBytes(2), WorkerReport.class);
                return workers.add(new WorkerReport(report.id(), report.host(), report.pid(), report.state(),
                        report.plan(), report.workers(), report.queues(), report.types(), report.running(),
                        report.succeeded(), report.failed(), report.startedAt(),
                        Instant.ofEpochMilli(row.getLong(1))));
            } catch (JacksonException e) { // of a version that says it in another way
                return false;
            }
        });
        return workers;
    }

    /**
     * Returns events.
     *
     * @param step the transaction
     * @param after the number of the last one that was read
     * @param most how many at most
     * @return the events
     * @throws SQLException if the database fails
     */
    public static List<BrokerEvent> events(Step step, long after, int most) throws SQLException {
        return step.query("SELECT number, at, kind, id, type, queue, worker, detail FROM {event} WHERE number > ?"
                + " ORDER BY number LIMIT ?").number(after).number(most).list(row -> new BrokerEvent(row.getLong(1),
                        Instant.ofEpochMilli(row.getLong(2)), BrokerEvent.Kind.valueOf(row.getString(3)),
                        row.getString(4), row.getString(5), row.getString(6), row.getString(7), row.getString(8)));
    }
}
