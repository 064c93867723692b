package dev.sennit.queue.sql;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.Token;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What most tasks need of {@link SqlStore}, in one round trip to the database for each operation: for PostgreSQL, where
 * one statement can change several tables. Each method does all that it is asked for, or nothing: a task with a key, a
 * unique key, others that wait for it, a large message and so on takes the long way, and so does everything while
 * something is paused or limited, tasks are due, events are kept, or the tables are of a newer program.
 *
 * <p>The tables are those of the store, and programs that know no shortcuts work beside this one. For the thread of the
 * transaction.
 */
public final class Shortcuts {
    /** How many tasks are enqueued or completed at most: so many numbers are taken at once. */
    private static final int MOST = 1000;
    /** In {@link Row#flags}: what a claim has to look up elsewhere. */
    private static final int CLAIM_FLAGS = Row.BODY | Row.CHECKPOINT | Row.UNIQUE_BEGUN;
    /** In {@link Row#flags}: what an end has to remove elsewhere. */
    private static final int END_FLAGS = Row.BODY | Row.CHECKPOINT;

    /** The time, if no clock is given, and whether the tables are known and no events are kept. */
    private static final String MOMENT = """
            WITH clock AS MATERIALIZED (SELECT coalesce(?::bigint, %s) AS now),
              moment AS MATERIALIZED (SELECT c.now FROM clock c CROSS JOIN {meta} m
                WHERE m.events_until <= c.now AND m.readable <= ?)""";

    private static final String ENQUEUE = """
            , number AS MATERIALIZED (SELECT now, nextval('{numbers}') AS first FROM moment
                WHERE NOT EXISTS (SELECT 1 FROM {ended} WHERE id = ANY(?))
                  AND NOT EXISTS (SELECT 1 FROM {task} WHERE id = ANY(?))),
              added AS (INSERT INTO {task} (id, type, version, queue, state, rank, seq, since, number, crash_limit,
                  flags, ttl, enqueued, message, payload, root, reply_to)
                SELECT v.id, v.type, v.version, v.queue, 0, v.rank, n.first + v.place - 1, n.now, n.first + v.place - 1,
                  v.crash_limit, v.flags, v.ttl, n.now, v.message, v.payload, v.root, v.reply_to
                FROM number n CROSS JOIN unnest(?::text[], ?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[],
                  ?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[], ?::text[], ?::text[]) WITH ORDINALITY
                  AS v(id, type, version, queue, rank, crash_limit, flags, ttl, message, payload, root, reply_to, place)
                ON CONFLICT (id) DO NOTHING RETURNING 1)
            SELECT CASE WHEN EXISTS (SELECT 1 FROM added) THEN pg_notify(?, ?)::text END FROM number; COMMIT""";

    private static final String CLAIM = """
            , fit AS MATERIALIZED (SELECT now FROM moment WHERE NOT EXISTS (SELECT 1 FROM {paused} WHERE name = ANY(?))
                AND NOT EXISTS (SELECT 1 FROM {rate} WHERE type = ANY(?))
                AND NOT EXISTS (SELECT 1 FROM {task} WHERE state = 1 AND due <= moment.now)),
              head AS MATERIALIZED (SELECT q.place, t.* FROM fit CROSS JOIN unnest(?::text[]) WITH ORDINALITY
                  AS q(name, place) CROSS JOIN unnest(?::text[]) k(value) CROSS JOIN LATERAL (
                    SELECT t.id, t.rank, t.since, t.seq, t.turn IS NOT NULL OR t.after_join IS NOT NULL
                      OR t.flags & ? <> 0 OR coalesce(t.expires <= fit.now, false) AS special FROM {task} t
                    WHERE t.state = 0 AND t.queue = q.name AND t.type = k.value ORDER BY t.rank, t.since, t.seq
                    LIMIT ? FOR UPDATE SKIP LOCKED) t
                ORDER BY q.place, t.rank, t.since, t.seq LIMIT ?),
              begun AS (UPDATE {task} t SET state = 4, attempt = t.attempt + 1, worker = ?, lease_until = fit.now + ?,
                  begun = fit.now, placed = 0 FROM head h CROSS JOIN fit
                WHERE t.id = h.id AND NOT EXISTS (SELECT 1 FROM head WHERE special)
                RETURNING t.id, t.type, t.queue, t.attempt, t.failures, t.crashes, t.enqueued, t.message, t.payload,
                  h.place, t.rank, t.since, t.seq)
            SELECT fit.now, (SELECT min(due) FROM {task} WHERE state = 1), EXISTS (SELECT 1 FROM head WHERE special),
              CASE WHEN b.id IS NULL THEN EXISTS (SELECT 1 FROM {task} WHERE state = 0 AND queue = ANY(?)
                AND type = ANY(?)) END,
              b.* FROM fit LEFT JOIN begun b ON true ORDER BY b.place, b.rank, b.since, b.seq""";

    private static final String COMPLETE = """
            , own AS MATERIALIZED (SELECT t.*, v.data, v.place FROM unnest(?::text[], ?::bigint[], ?::bytea[])
                  WITH ORDINALITY AS v(wanted, run, data, place) CROSS JOIN LATERAL (
                    SELECT t.* FROM {task} t WHERE t.id = v.wanted FOR UPDATE) t
                WHERE t.state = 4 AND t.attempt = v.run AND t.turn IS NULL AND t.part_join IS NULL
                  AND t.after_join IS NULL AND t.unique_key IS NULL AND t.flags & ? = 0),
              number AS MATERIALIZED (SELECT now, nextval('{numbers}') AS first FROM moment
                WHERE (SELECT count(*) FROM own) = ?),
              removed AS (DELETE FROM {task} t USING number n WHERE t.id = ANY(?)),
              kept AS (INSERT INTO {ended} (id, type, version, queue, state, rank, turn, root, enqueued, begun, ended,
                  worker, attempt, failures, crashes, progress, result, expires, reply_to, reply_seq, hidden)
                SELECT id, type, version, queue, 5, rank, turn, root, enqueued, begun, n.now, worker, attempt, failures,
                  crashes, progress, data, n.now + CASE WHEN ttl = 0 THEN ? ELSE ttl END, reply_to,
                  CASE WHEN reply_to IS NOT NULL THEN n.first + place - 1 END, CASE WHEN ttl = 0 THEN 1 ELSE 0 END
                FROM number n CROSS JOIN own WHERE ttl <> 0 OR reply_to IS NOT NULL)
            SELECT own.reply_to FROM number CROSS JOIN own""";

    private final InstantSource clock;
    private final boolean hasClock;
    private final int newest;
    private final String channel;
    private final Function<Wakes, String> words;
    private final String enqueue;
    private final String claim;
    private final String complete;

    /**
     * Makes shortcuts.
     *
     * @param settings a query that sets what holds for a transaction
     * @param time the time of the server in milliseconds, as SQL
     * @param clock another clock, or null for that of the server
     * @param tables the tables
     * @param channel what is notified
     * @param words makes the payload of a notification
     */
    public Shortcuts(String settings, String time, @Nullable InstantSource clock, Schema tables, String channel,
            Function<Wakes, String> words) {
        this.clock = clock == null ? InstantSource.system() : clock;
        hasClock = clock != null;
        newest = tables.newest();
        this.channel = channel;
        this.words = words;
        String moment = settings + "; " + String.format(MOMENT, time);
        enqueue = moment + ENQUEUE;
        claim = moment + CLAIM;
        complete = moment + COMPLETE;
    }

    private Query query(Session session, String template) throws SQLException {
        Long now = hasClock ? (Long) clock.millis() : null;
        return session.query(template).number(now).number(newest);
    }

    /**
     * Returns whether tasks are such that {@link #enqueue} may do.
     *
     * @param batches the tasks of several callers
     * @return whether none of them needs more
     */
    public static boolean fit(List<Batch> batches) {
        return batches.stream().allMatch(batch -> batch.joins().isEmpty()
                && batch.tasks().stream().allMatch(task -> task.unique() == null && task.key() == null
                        && task.part() == null && task.after() == null && task.due() == null
                        && task.expires() == null && task.payload().length <= Changes.INLINE))
                && batches.stream().mapToInt(batch -> batch.tasks().size()).sum() <= MOST;
    }

    /**
     * Returns whether ends are such that {@link #complete} may do.
     *
     * @param completions the ends
     * @return whether none of them needs more
     */
    public static boolean areFit(Collection<Completion> completions) {
        return completions.size() <= MOST
                && completions.stream().allMatch(each -> each.successors().isEmpty())
                && completions.stream().map(each -> each.token().id()).distinct().count() == completions.size();
    }

    /**
     * Enqueues the tasks of several callers and commits.
     *
     * @param session a connection that has begun no transaction
     * @param batches the tasks, which {@link #fit}
     * @param wakes learns whom that concerns
     * @return what became of each; null if nothing was done
     * @throws SQLException if the database fails
     */
    public @Nullable List<List<Enqueued>> enqueue(Session session, List<Batch> batches, Wakes wakes)
            throws SQLException {
        List<QueuedTask> tasks = batches.stream().flatMap(batch -> batch.tasks().stream()).toList();
        List<byte[]> messages = new ArrayList<>(tasks.size());
        for (QueuedTask task : tasks) {
            byte[] message = TaskJson.write(task);
            if (message.length + task.payload().length > Changes.INLINE) {
                return null;
            }
            messages.add(message);
        }
        tasks.forEach(task -> wakes.work(task.queue()));
        List<String> ids = tasks.stream().map(QueuedTask::id).toList();
        Query query = query(session, enqueue).texts(ids).texts(ids);
        column(query, tasks, QueuedTask::id);
        column(query, tasks, QueuedTask::type);
        column(query, tasks, task -> (long) task.version());
        column(query, tasks, QueuedTask::queue);
        column(query, tasks, task -> (long) QueuedTask.GREATEST_PRIORITY - task.priority());
        column(query, tasks, task -> (long) task.retry().crashes());
        column(query, tasks, Shortcuts::flags);
        column(query, tasks, task -> Step.millis(task.resultTtl()));
        query.column(messages);
        column(query, tasks, QueuedTask::payload);
        column(query, tasks, task -> task.root().equals(task.id()) ? null : task.root());
        column(query, tasks, QueuedTask::replyTo);
        if (query.text(channel).text(words.apply(wakes)).script(_ -> true).isEmpty()) {
            return null;
        }
        return batches.stream()
                .map(batch -> batch.tasks().stream().map(task -> new Enqueued(task.id(), false)).toList()).toList();
    }

    private static long flags(QueuedTask task) {
        return (task.atMostOnce() ? Row.ONCE : 0) | (task.onDead().isEmpty() ? 0 : Row.CALLBACKS);
    }

    private static <T> void column(Query query, List<T> rows, Function<T, @Nullable Object> value)
            throws SQLException {
        List<@Nullable Object> values = new ArrayList<>(rows.size());
        rows.forEach(row -> values.add(value.apply(row)));
        query.column(values);
    }

    /**
     * What a look has found.
     *
     * @param now when
     * @param due when the next task is due
     * @param isSpecial whether one has to take the long way
     * @param isContended whether nothing was taken although there is something
     * @param claim what was taken
     */
    private record Look(
            long now, @Nullable Long due, boolean isSpecial, boolean isContended, @Nullable Claim claim) {}

    /**
     * Claims tasks. The caller commits, or rolls back if there is no answer.
     *
     * @param session a connection that has begun no transaction
     * @param request what the worker can take
     * @return the tasks; null if it has to be done in the long way
     * @throws SQLException if the database fails
     */
    public @Nullable Claimed claim(Session session, ClaimRequest request) throws SQLException {
        List<String> queues = List.copyOf(new LinkedHashSet<>(request.queues()));
        List<String> types = List.copyOf(request.types());
        Set<String> names = new HashSet<>(queues);
        names.addAll(types);
        List<Look> looks = query(session, claim).texts(List.copyOf(names)).texts(types).texts(queues).texts(types)
                .number(CLAIM_FLAGS).number(request.most()).number(request.most()).text(request.worker())
                .number(Step.millis(request.lease())).texts(queues).texts(types).script(Shortcuts::look);
        if (looks.isEmpty() || looks.stream().anyMatch(Look::isSpecial)) {
            return null;
        }
        Look first = looks.getFirst();
        long again = first.isContended ? SqlStore.CONTENDED : Long.MAX_VALUE;
        if (first.due != null) {
            again = Math.min(again, Math.max(1, first.due - first.now) * 1_000_000);
        }
        List<Claim> claims = new ArrayList<>();
        for (Look look : looks) {
            if (look.claim != null) {
                claims.add(look.claim);
            }
        }
        return new Claimed(claims, again == Long.MAX_VALUE ? null : Duration.ofNanos(again));
    }

    private static Look look(ResultSet row) throws SQLException {
        String id = row.getString(5);
        Claim claim = id == null ? null : claim(row, id);
        boolean isUnreadable = id != null && claim == null;
        return new Look(row.getLong(1), Query.number(row, 2), row.getBoolean(3) || isUnreadable, row.getBoolean(4),
                claim);
    }

    /** Returns null if it cannot be read. */
    private static @Nullable Claim claim(ResultSet row, String id) throws SQLException {
        byte[] message = row.getBytes(12);
        byte[] payload = row.getBytes(13);
        QueuedTask task;
        try {
            task = TaskJson.read(message == null ? new byte[0] : message, payload == null ? new byte[0] : payload);
        } catch (TaskFormatException e) {
            return null;
        }
        if (!task.id().equals(id) || !task.type().equals(row.getString(6)) || !task.queue().equals(row.getString(7))) {
            return null;
        }
        return new Claim(new Token(id, row.getInt(8)), task, row.getInt(9), row.getInt(10),
                Instant.ofEpochMilli(row.getLong(11)), null, List.of());
    }

    /**
     * Ends tasks with their results. The caller commits, or rolls back if there is no answer.
     *
     * @param session a connection that has begun no transaction
     * @param completions the tasks, which {@link #areFit}
     * @param wakes learns whom that concerns
     * @return whether all were accepted: else nothing was done
     * @throws SQLException if the database fails
     */
    public boolean complete(Session session, Collection<Completion> completions, Wakes wakes) throws SQLException {
        // Locked in the order of their ids, as everywhere.
        List<Completion> all = completions.stream()
                .sorted(Comparator.comparing((Completion each) -> each.token().id())).toList();
        List<String> ids = all.stream().map(each -> each.token().id()).toList();
        Query query = query(session, complete);
        query.column(ids);
        column(query, all, each -> (long) each.token().attempt());
        column(query, all, Completion::result);
        List<String> told = query.number(END_FLAGS).number(all.size()).texts(ids).number(Changes.HIDDEN)
                .script(row -> {
                    String address = row.getString(1);
                    return address == null ? "" : address;
                });
        told.stream().filter(address -> !address.isEmpty()).forEach(wakes::ended);
        return !told.isEmpty();
    }
}
