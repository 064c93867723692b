package dev.sennit.queue.sql;

import static java.util.Objects.requireNonNull;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * The operations of {@link dev.sennit.queue.broker.Broker} that change something, in SQL. Each is part of a transaction
 * that its caller has begun; if it throws, the caller rolls that back. {@link Lookup} has those that only read.
 *
 * <p><b>Rounds.</b> An operation on many tasks is a handful of statements: it reads and locks all rows that it is
 * about, decides ({@link Changes}), and writes batches.
 *
 * <p><b>Claims.</b> Tasks that are READY stand in an index by queue, type, priority and time, so a million tasks of a
 * type that nobody knows cost those of other types nothing. A claim merges the first tasks of each type. Of keys it
 * reads the next tasks that are HELD, and lets them take turns in memory, as if it claimed one task after the other.
 */
public final class SqlStore {
    /** How much one call does of a kind. */
    static final int ROUND = 500;
    /** How often a claim looks again because what it found had expired. */
    private static final int MOST_LOOKS = 4;
    /** After how many nanoseconds a claim looks again whose tasks others had locked. */
    static final long CONTENDED = 5_000_000;
    /** How many bytes of large messages come in one claim, but for one message that has more. */
    private static final long MOST_BYTES = 4_000_000;
    /** After how many nanoseconds the rest of them may be claimed. */
    private static final long MORE_BYTES = 1_000_000;
    /** After how many nanoseconds a claim looks again that has not looked at all. */
    private static final long SOON = 1_000_000;
    /** How long no worker has reported if none is there. */
    private static final long ABSENT = 3_600_000;
    /** The type in the table of those that are known that says since when there have been workers. */
    private static final String PRESENCE = "";
    /** How long requests to workers are there. */
    private static final long CONTROL_TTL = 60_000;
    /** How long the types of a worker are remembered at least. */
    private static final long KNOWN_TTL = 86_400_000;

    static final JsonMapper MAPPER = JsonMapper.builder().build();

    /** Makes a store. */
    public SqlStore() {}

    // ---- enqueue ----

    /**
     * Enqueues tasks.
     *
     * @param step the transaction
     * @param batch the tasks, which {@link Batch#ensureWhole} has passed
     * @return what became of each
     * @throws SQLException if the database fails
     */
    public List<Enqueued> enqueue(Step step, Batch batch) throws SQLException {
        var changes = new Changes(step);
        List<Enqueued> enqueued = changes.enqueue(batch);
        changes.settle();
        return enqueued;
    }

    /**
     * Enqueues the tasks of several callers. None has unique keys, so that keys are locked in one order.
     *
     * @param step the transaction
     * @param batches the tasks of each, which {@link Batch#ensureWhole} has passed
     * @return what became of each
     * @throws SQLException if the database fails
     */
    public List<List<Enqueued>> enqueue(Step step, List<Batch> batches) throws SQLException {
        var changes = new Changes(step);
        List<List<Enqueued>> enqueued = new ArrayList<>();
        for (Batch batch : batches) {
            enqueued.add(changes.enqueue(batch));
        }
        changes.settle();
        return enqueued;
    }

    // ---- claim ----

    /** A task that is READY, or is made so by a turn; flags as in {@link Row}. */
    private record Candidate(
            String id, String type, int rank, long since, long seq, @Nullable String turn, int flags) {}

    private static final Comparator<Candidate> ORDER = Comparator.comparingInt(Candidate::rank)
            .thenComparingLong(Candidate::since).thenComparingLong(Candidate::seq);

    /** A rate, and when the next task of its type may begin, in nanoseconds since 1970. */
    private static final class Limit {
        final long interval;
        /** How far {@link #next} may be ahead of now. */
        final long ahead;
        long next;

        Limit(Rate rate, long next, long now) {
            interval = Math.max(1, rate.period().toNanos() / rate.tasks());
            long most = Long.MAX_VALUE / 4;
            ahead = rate.burst() - 1 > most / interval ? most : (rate.burst() - 1) * interval;
            this.next = Math.min(next, now + ahead + interval); // more only if the clock was set back
        }

        long until(long now) {
            return Math.max(0, next - ahead - now);
        }
    }

    /**
     * Claims tasks.
     *
     * @param step the transaction
     * @param request what the worker can take
     * @return the tasks
     * @throws SQLException if the database fails
     */
    public Claimed claim(Step step, ClaimRequest request) throws SQLException {
        Bounds bounds = bounds(step);
        boolean isDue = bounds.due != null && bounds.due <= step.now();
        if (isDue) {
            awaken(step);
        }
        Set<Scope> paused = bounds.paused;
        List<String> types = new ArrayList<>();
        boolean hasRates = false;
        for (String type : request.types()) {
            if (!paused.contains(Scope.type(type))) {
                types.add(type);
                hasRates |= bounds.limited.contains(type);
            }
        }
        Map<String, Limit> limits = hasRates ? limits(step, types) : Map.of();
        long nanos = step.now() * 1_000_000;
        List<String> chosen = new ArrayList<>();
        var budget = new Budget();
        long again = Long.MAX_VALUE;
        for (String queue : new LinkedHashSet<>(request.queues())) {
            if (paused.contains(Scope.queue(queue))) {
                continue;
            }
            if (chosen.size() < request.most()) {
                List<String> open = types.stream()
                        .filter(type -> !limits.containsKey(type) || limits.get(type).until(nanos) == 0).toList();
                choose(step, queue, open, limits, request.most(), chosen, budget);
            }
            again = Math.min(again, untilRate(step, queue, limits, nanos));
            if (chosen.isEmpty() && isContended(step, queue, types, limits)) {
                again = Math.min(again, CONTENDED);
            }
        }
        if (budget.isSpent) {
            again = Math.min(again, MORE_BYTES);
        }
        saveLimits(step, limits);
        List<Claim> claims = chosen.isEmpty() ? List.of() : run(step, request, chosen);
        if (budget.isUnfinished) {
            again = Math.min(again, SOON);
        }
        Long due = isDue ? bounds(step).due : bounds.due;
        if (due != null) {
            again = Math.min(again, Math.max(1, due - step.now()) * 1_000_000);
        }
        return new Claimed(claims, again == Long.MAX_VALUE ? null : Duration.ofNanos(again));
    }

    /**
     * The bounds of a claim.
     *
     * @param paused what is paused
     * @param limited the types that have a rate
     * @param due when the next task is due, or null if none is SCHEDULED
     */
    private record Bounds(Set<Scope> paused, Set<String> limited, @Nullable Long due) {}

    /** Reads all of them at once, as the way to a server takes longer than a look. */
    private static Bounds bounds(Step step) throws SQLException {
        Set<Scope> paused = new HashSet<>();
        Set<String> limited = new HashSet<>();
        List<Long> due = new ArrayList<>();
        step.query("SELECT kind, name, 0 FROM {paused} UNION ALL SELECT 'RATE', type, 0 FROM {rate}"
                + " UNION ALL SELECT 'DUE', '', min(due) FROM {task} WHERE state = 1").list(row -> {
                    String kind = row.getString(1);
                    Long time = Query.number(row, 3);
                    return switch (kind) {
                        case "RATE" -> limited.add(row.getString(2));
                        case "DUE" -> time != null && due.add(time);
                        default -> paused.add(new Scope(Scope.Kind.valueOf(kind), row.getString(2)));
                    };
                });
        return new Bounds(paused, limited, due.isEmpty() ? null : due.getFirst());
    }

    /**
     * Makes ready what is due: a bounded number.
     *
     * @param step the transaction
     * @return how many tasks were due
     * @throws SQLException if the database fails
     */
    public int awaken(Step step) throws SQLException {
        List<Row> due = step.query("SELECT " + Row.COLUMNS + " FROM {task} t WHERE t.state = 1 AND t.due <= ?"
                + " ORDER BY t.due LIMIT ? {skip}").number(step.now()).number(ROUND).list(Row::read);
        if (!due.isEmpty()) {
            var changes = new Changes(step);
            for (Row row : due) {
                changes.arrive(changes.known(row), requireNonNull(row.due));
            }
            changes.settle();
        }
        return due.size();
    }

    private static Map<String, Limit> limits(Step step, List<String> types) throws SQLException {
        Map<String, Limit> limits = new HashMap<>();
        step.query("SELECT type, tasks, period, burst, next FROM {rate} WHERE type {in} ORDER BY type {lock}")
                .texts(types).list(row -> {
                    var rate = new Rate(row.getLong(2), Duration.ofNanos(row.getLong(3)), row.getLong(4));
                    limits.put(row.getString(1), new Limit(rate, row.getLong(5), step.now() * 1_000_000));
                    return true;
                });
        return limits;
    }

    private static void saveLimits(Step step, Map<String, Limit> limits) throws SQLException {
        if (!limits.isEmpty()) {
            Query update = step.query("UPDATE {rate} SET next = ? WHERE type = ?");
            for (var limit : limits.entrySet()) {
                update.number(limit.getValue().next).text(limit.getKey()).add();
            }
            update.run();
        }
    }

    /**
     * Returns whether tasks are READY that were left out as another transaction has locked them, and may let them go.
     */
    private static boolean isContended(Step step, String queue, List<String> types, Map<String, Limit> limits)
            throws SQLException {
        if (step.dialect().skipLocked().isEmpty()) {
            return false;
        }
        List<String> open = types.stream().filter(type -> !limits.containsKey(type)).toList();
        return step.query("SELECT 1 FROM {task} WHERE state = 0 AND queue = ? AND type {in} LIMIT 1").text(queue)
                .texts(open).first(_ -> true) != null;
    }

    /** Returns in how many nanoseconds a rate lets another task of a queue begin. */
    private static long untilRate(Step step, String queue, Map<String, Limit> limits, long nanos)
            throws SQLException {
        long again = Long.MAX_VALUE;
        for (var limit : limits.entrySet()) {
            long until = limit.getValue().until(nanos);
            if (until > 0 && until < again && step.query("SELECT 1 FROM {task} WHERE state = 0 AND queue = ?"
                    + " AND type = ? LIMIT 1").text(queue).text(limit.getKey()).first(_ -> true) != null) {
                again = until;
            }
        }
        return again;
    }

    private void choose(Step step, String queue, List<String> types, Map<String, Limit> limits, int most,
            List<String> chosen, Budget budget) throws SQLException {
        for (int look = 0; look < MOST_LOOKS && chosen.size() < most && !budget.isSpent; look++) {
            int room = most - chosen.size();
            Set<String> expired = new TreeSet<>();
            List<Candidate> heads = heads(step, queue, types, room,
                    limits.isEmpty() ? room : Integer.MAX_VALUE, Set.copyOf(chosen), expired);
            budget.learn(step, heads);
            List<String> turns = heads.stream().map(Candidate::turn).filter(turn -> turn != null).distinct().sorted()
                    .toList();
            if (turns.isEmpty()) {
                for (Candidate head : heads) {
                    if (chosen.size() == most || !budget.fits(head.id, chosen)) {
                        break;
                    }
                    if (mayBegin(limits, head.type, step.now())) {
                        chosen.add(head.id);
                        budget.spend(head.id);
                    }
                }
            } else {
                chooseInTurns(step, heads, turns, Set.copyOf(types), limits, most, chosen, expired, budget);
            }
            if (expired.isEmpty()) {
                return;
            }
            var changes = new Changes(step);
            for (Row row : changes.load(expired)) {
                changes.end(row, Row.EXPIRED, null);
            }
            changes.settle();
        }
        budget.isUnfinished |= chosen.size() < most && !budget.isSpent;
    }

    /**
     * How many bytes of large messages a claim may have yet: whoever asks for many tasks need not have room for them.
     */
    private static final class Budget {
        private final Map<String, Long> sizes = new HashMap<>();
        private long left = MOST_BYTES;
        private boolean isSpent;
        /** Whether there may be others behind those that had expired. */
        private boolean isUnfinished;

        /** Looks up how large some tasks are. */
        void learn(Step step, List<Candidate> tasks) throws SQLException {
            List<String> large =
                    tasks.stream().filter(task -> (task.flags & Row.BODY) != 0).map(Candidate::id).toList();
            if (!large.isEmpty()) {
                step.query("SELECT id, octet_length(message) + octet_length(payload) FROM {body} WHERE id {in}")
                        .texts(large).list(row -> sizes.put(row.getString(1), row.getLong(2)));
            }
        }

        /** Returns whether a task may come next; one does at least. */
        boolean fits(String id, List<String> chosen) {
            boolean fits = chosen.isEmpty() || left >= sizes.getOrDefault(id, 0L);
            isSpent |= !fits;
            return fits;
        }

        void spend(String id) {
            left = Math.max(0, left - sizes.getOrDefault(id, 0L));
        }
    }

    /** Notes that a task begins, if its rate lets it. */
    private static boolean mayBegin(Map<String, Limit> limits, String type, long now) {
        Limit limit = limits.get(type);
        if (limit == null) {
            return true;
        }
        if (limit.until(now * 1_000_000) > 0) {
            return false;
        }
        limit.next = Math.max(limit.next, now * 1_000_000) + limit.interval;
        return true;
    }

    private static List<Candidate> heads(Step step, String queue, List<String> types, int mostOfEach, int most,
            Set<String> without, Set<String> expired) throws SQLException {
        List<Candidate> heads = new ArrayList<>();
        step.query(step.dialect().topOfEach("t.id, t.type, t.rank, t.since, t.seq, t.turn, t.expires, t.flags",
                "t.state = 0 AND t.queue = ? AND t.type = k.value", "t.rank, t.since, t.seq")
                + " ORDER BY t.rank, t.since, t.seq LIMIT ?").texts(types).text(queue)
                .number(mostOfEach + without.size()).number(Math.min(Integer.MAX_VALUE, (long) most + without.size()))
                .list(row -> {
                    Long expires = Query.number(row, 7);
                    if (expires != null && expires <= step.now()) {
                        return expired.add(row.getString(1));
                    }
                    return without.contains(row.getString(1)) || heads.add(new Candidate(row.getString(1),
                            row.getString(2), row.getInt(3), row.getLong(4), row.getLong(5), row.getString(6),
                            row.getInt(8)));
                });
        return heads;
    }

    /** Lets keys take turns, as if one task were claimed after the other. */
    private static void chooseInTurns(Step step, List<Candidate> heads, List<String> names, Set<String> types,
            Map<String, Limit> limits, int most, List<String> chosen, Set<String> expired, Budget budget)
            throws SQLException {
        int room = most - chosen.size();
        Map<String, Changes.Turn> turns = Changes.lockTurns(step, names);
        Map<String, List<Candidate>> held = new HashMap<>();
        List<String> open = names.stream().filter(name -> {
            Changes.Turn turn = turns.get(name);
            return turn != null && turn.places < turn.limit;
        }).toList();
        if (!open.isEmpty()) {
            step.query(step.dialect().topOfEach("t.id, t.type, t.rank, t.turn, t.expires, t.number, t.flags",
                    "t.state = 3 AND t.turn = k.value", "t.rank, t.number") + " ORDER BY t.rank, t.number").texts(open)
                    .number(room + 1).list(row -> {
                        Long expires = Query.number(row, 5);
                        if (expires != null && expires <= step.now()) {
                            return expired.add(row.getString(1));
                        }
                        String turn = row.getString(4);
                        return held.computeIfAbsent(turn, _ -> new ArrayList<>()).add(new Candidate(row.getString(1),
                                row.getString(2), row.getInt(3), 0, 0, turn, row.getInt(7)));
                    });
        }
        budget.learn(step, held.values().stream().flatMap(List::stream).toList());
        var ready = new PriorityQueue<>(ORDER);
        ready.addAll(heads);
        Map<String, Candidate> promoted = new LinkedHashMap<>();
        while (chosen.size() < most && !ready.isEmpty()) {
            Candidate next = ready.remove();
            if (!budget.fits(next.id, chosen)) {
                break;
            }
            if (!types.contains(next.type) || !mayBegin(limits, next.type, step.now())) {
                continue;
            }
            chosen.add(next.id);
            budget.spend(next.id);
            promoted.remove(next.id);
            Changes.Turn turn = next.turn == null ? null : turns.get(next.turn);
            if (turn == null) {
                continue;
            }
            turn.ready--;
            List<Candidate> others = held.getOrDefault(next.turn, List.of());
            if (turn.hasRoom() && !others.isEmpty()) {
                Candidate other = others.removeFirst();
                turn.places++;
                turn.ready++;
                other = new Candidate(other.id, other.type, other.rank, step.now(), step.order(), other.turn,
                        other.flags);
                promoted.put(other.id, other);
                ready.add(other);
            }
        }
        Changes.saveTurns(step, turns);
        if (!promoted.isEmpty()) {
            Query update = step.query("UPDATE {task} SET state = 0, since = ?, seq = ?, placed = 1 WHERE id = ?");
            for (Candidate each : promoted.values()) {
                update.number(each.since).number(each.seq).text(each.id).add();
            }
            update.run();
        }
    }

    private record Begun(String id, String type, String queue, int attempt, int failures, int crashes, int flags,
            long enqueued, @Nullable String after, @Nullable String uniqueKey, byte @Nullable [] message,
            byte @Nullable [] payload) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private record Body(byte[] message, byte[] payload) {}

    private List<Claim> run(Step step, ClaimRequest request, List<String> ids) throws SQLException {
        Map<String, Begun> begun = new HashMap<>();
        step.query("""
                UPDATE {task} SET state = 4, attempt = attempt + 1, worker = ?, lease_until = ?, begun = ?,
                  placed = CASE WHEN turn IS NULL THEN 0 ELSE 1 END WHERE id {in}
                RETURNING id, type, queue, attempt, failures, crashes, flags, enqueued, after_join, unique_key, message,
                  payload""").text(request.worker()).number(Step.later(step.now(), request.lease())).number(step.now())
                .texts(ids).list(row -> begun.put(row.getString(1), new Begun(row.getString(1), row.getString(2),
                        row.getString(3), row.getInt(4), row.getInt(5), row.getInt(6), row.getInt(7), row.getLong(8),
                        row.getString(9), row.getString(10), row.getBytes(11), row.getBytes(12))));
        List<String> bodies = new ArrayList<>();
        List<String> kept = new ArrayList<>();
        Set<String> joins = new TreeSet<>();
        List<Row> freed = new ArrayList<>();
        for (Begun each : begun.values()) {
            if (each.has(Row.BODY)) {
                bodies.add(each.id);
            }
            if (each.has(Row.CHECKPOINT)) {
                kept.add(each.id);
            }
            if (each.after != null && !each.has(Row.NO_INPUTS)) {
                joins.add(each.after);
            }
            if (each.has(Row.UNIQUE_BEGUN)) {
                var row = new Row(each.id, each.type, 1, each.queue, 0);
                row.uniqueKey = each.uniqueKey;
                freed.add(row);
            }
        }
        Changes.freeUnique(step, freed);
        Map<String, Body> body = new HashMap<>();
        if (!bodies.isEmpty()) {
            step.query("SELECT id, message, payload FROM {body} WHERE id {in}").texts(bodies)
                    .list(row -> body.put(row.getString(1), new Body(row.getBytes(2), row.getBytes(3))));
        }
        Map<String, byte[]> checkpoints = new HashMap<>();
        if (!kept.isEmpty()) {
            step.query("SELECT id, data FROM {checkpoint} WHERE id {in}").texts(kept)
                    .list(row -> checkpoints.put(row.getString(1), row.getBytes(2)));
        }
        Map<String, List<byte[]>> inputs = new HashMap<>();
        if (!joins.isEmpty()) {
            step.query("SELECT chord, result FROM {part} WHERE chord {in} ORDER BY chord, place")
                    .texts(List.copyOf(joins)).list(row -> inputs
                            .computeIfAbsent(row.getString(1), _ -> new ArrayList<>()).add(row.getBytes(2)));
        }
        List<Claim> claims = new ArrayList<>();
        Map<String, String> unreadable = new LinkedHashMap<>();
        for (String id : ids) {
            Begun each = begun.get(id);
            if (each == null) {
                continue;
            }
            step.event(BrokerEvent.Kind.BEGUN, id, each.type, each.queue, request.worker(), "");
            try {
                QueuedTask task = task(each, body.get(id));
                if (!task.id().equals(id) || !task.type().equals(each.type) || !task.queue().equals(each.queue)) {
                    unreadable.put(id, "the message is of another task");
                    continue;
                }
                claims.add(new Claim(new Token(id, each.attempt), task, each.failures, each.crashes,
                        java.time.Instant.ofEpochMilli(each.enqueued), checkpoints.get(id),
                        each.after == null || each.has(Row.NO_INPUTS)
                                ? List.of()
                                : inputs.getOrDefault(each.after, List.of())));
            } catch (TaskFormatException e) {
                unreadable.put(id, requireNonNull(e.getMessage()));
            }
        }
        if (!unreadable.isEmpty()) {
            var changes = new Changes(step);
            for (Row row : changes.load(unreadable.keySet())) {
                row.error = new ErrorInfo("UnreadableTask", requireNonNull(unreadable.get(row.id)), "");
                changes.end(row, Row.DEAD, DeadReason.UNREADABLE);
            }
            changes.settle();
        }
        return claims;
    }

    private static QueuedTask task(Begun begun, @Nullable Body body) {
        byte[] message = begun.message != null ? begun.message : body == null ? new byte[0] : body.message;
        byte[] payload = begun.payload != null ? begun.payload : body == null ? new byte[0] : body.payload;
        return TaskJson.read(message, payload);
    }

    // ---- the runs ----

    /**
     * Renews leases.
     *
     * @param step the transaction
     * @param renewals the leases
     * @param lease how long they last from now
     * @return the state of each
     * @throws SQLException if the database fails
     */
    public List<LeaseState> extend(Step step, List<Renewal> renewals, Duration lease) throws SQLException {
        record Running(int attempt, boolean isToStop, int flags) {}
        Map<String, Running> running = new HashMap<>();
        step.query("SELECT t.id, t.attempt, t.cancel, t.flags FROM {task} t WHERE t.id {in} AND t.state = 4"
                + " ORDER BY t.id {lock}").texts(renewals.stream().map(each -> each.token().id()).distinct().toList())
                .list(row -> running.put(row.getString(1),
                        new Running(row.getInt(2), row.getInt(3) != 0, row.getInt(4))));
        List<LeaseState> states = new ArrayList<>();
        List<String> renewed = new ArrayList<>();
        Query progress = null;
        Query checkpoint = null;
        List<String> flagged = new ArrayList<>();
        for (Renewal renewal : renewals) {
            String id = renewal.token().id();
            Running run = running.get(id);
            if (run == null || run.attempt != renewal.token().attempt()) {
                states.add(LeaseState.LOST);
                continue;
            }
            states.add(run.isToStop ? LeaseState.CANCEL_REQUESTED : LeaseState.HELD);
            renewed.add(id);
            if (renewal.progress() != null) {
                progress = progress != null ? progress : step.query("UPDATE {task} SET progress = ? WHERE id = ?");
                progress.text(Row.text(renewal.progress())).text(id).add();
            }
            if (renewal.checkpoint() != null) {
                checkpoint = checkpoint != null
                        ? checkpoint
                        : step.query("INSERT INTO {checkpoint} (id, data)"
                                + " VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data");
                checkpoint.text(id).bytes(renewal.checkpoint()).add();
                if ((run.flags & Row.CHECKPOINT) == 0) {
                    flagged.add(id);
                }
            }
        }
        if (!renewed.isEmpty()) {
            step.query("UPDATE {task} SET lease_until = ? WHERE id {in}").number(Step.later(step.now(), lease))
                    .texts(renewed).update();
        }
        if (progress != null) {
            progress.run();
        }
        if (checkpoint != null) {
            checkpoint.run();
        }
        if (!flagged.isEmpty()) {
            step.query("UPDATE {task} SET flags = flags + 8 WHERE id {in}")
                    .texts(flagged.stream().distinct().toList()).update();
        }
        return states;
    }

    /**
     * Ends tasks with their results.
     *
     * @param step the transaction
     * @param completions the tasks; {@link Batch#ensureWhole} has passed their successors
     * @return whether each was accepted
     * @throws SQLException if the database fails
     */
    public List<Boolean> complete(Step step, List<Completion> completions) throws SQLException {
        var changes = new Changes(step);
        Map<String, Row> rows = byId(changes.load(completions.stream().map(each -> each.token().id()).toList()));
        Map<String, Integer> ended = new HashMap<>();
        List<String> others = completions.stream().map(each -> each.token().id()).filter(id -> !rows.containsKey(id))
                .distinct().toList();
        if (!others.isEmpty()) {
            step.query("SELECT id, attempt FROM {ended} WHERE id {in} AND state = 5").texts(others)
                    .list(row -> ended.put(row.getString(1), row.getInt(2)));
        }
        List<Boolean> accepted = new ArrayList<>();
        for (Completion completion : completions) {
            Token token = completion.token();
            Row row = rows.get(token.id());
            if (row == null) {
                Integer attempt = ended.get(token.id());
                accepted.add(attempt != null && attempt == token.attempt());
            } else if (row.attempt != token.attempt()) {
                accepted.add(false);
            } else if (row.state == Row.RUNNING) {
                row.result = completion.result();
                boolean wasToStop = row.isToStop;
                changes.end(row, Row.SUCCEEDED, null);
                if (!wasToStop) {
                    changes.succeed(completion.successors());
                }
                accepted.add(true);
            } else {
                accepted.add(row.state == Row.SUCCEEDED); // twice in one call
            }
        }
        changes.settle();
        return accepted;
    }

    private static Map<String, Row> byId(List<Row> rows) {
        Map<String, Row> byId = new HashMap<>();
        rows.forEach(row -> byId.put(row.id, row));
        return byId;
    }

    /**
     * Ends runs without results.
     *
     * @param step the transaction
     * @param failures the runs
     * @return whether each was accepted
     * @throws SQLException if the database fails
     */
    public List<Boolean> fail(Step step, List<Failure> failures) throws SQLException {
        var changes = new Changes(step);
        Map<String, Row> rows = byId(changes.load(failures.stream().map(each -> each.token().id()).toList()));
        List<String> turns =
                rows.values().stream().map(row -> row.turn).filter(turn -> turn != null).distinct().sorted()
                        .toList();
        Map<String, Integer> limits = new HashMap<>();
        if (!turns.isEmpty()) {
            step.query("SELECT turn, places_limit FROM {turn} WHERE turn {in}").texts(turns)
                    .list(row -> limits.put(row.getString(1), row.getInt(2)));
        }
        List<Boolean> accepted = new ArrayList<>();
        for (Failure failure : failures) {
            Row row = rows.get(failure.token().id());
            if (row != null && row.state == Row.RUNNING && row.attempt == failure.token().attempt()) {
                fail(step, changes, row, failure, limits);
                accepted.add(true);
            } else {
                accepted.add(false);
            }
        }
        changes.settle();
        return accepted;
    }

    private static void fail(Step step, Changes changes, Row row, Failure failure, Map<String, Integer> limits)
            throws SQLException {
        if (failure.verdict() instanceof Failure.Crashed) {
            changes.takeBack(row, failure.error());
            return;
        }
        if (row.isToStop || failure.verdict() instanceof Failure.Cancelled) {
            changes.end(row, Row.CANCELLED, null);
            return;
        }
        switch (failure.verdict()) {
            case Failure.RetryIn retry -> {
                row.failures++;
                row.error = failure.error();
                step.event(BrokerEvent.Kind.RETRIED, row, failure.error().text());
                if (row.turn != null && limits.getOrDefault(row.turn, row.turnLimit) != 1) {
                    changes.leavePlace(row);
                }
                if (retry.delay().isPositive()) {
                    changes.schedule(row, Step.later(step.now(), retry.delay()));
                } else {
                    changes.arrive(row, step.now());
                }
            }
            case Failure.Die die -> {
                row.failures++;
                row.error = failure.error();
                changes.end(row, Row.DEAD, die.reason());
            }
            case Failure.GiveBack _ -> {
                step.event(BrokerEvent.Kind.GIVEN_BACK, row, "");
                changes.ready(row);
            }
            case Failure.Crashed _, Failure.Cancelled _ -> throw new AssertionError("it is handled above");
        }
    }

    // ---- from outside ----

    /**
     * Cancels a task.
     *
     * @param step the transaction
     * @param id its id
     * @return its state now, or null if it is not known
     * @throws SQLException if the database fails
     */
    public @Nullable TaskState cancel(Step step, String id) throws SQLException {
        var changes = new Changes(step);
        List<Row> rows = changes.load(List.of(id));
        if (rows.isEmpty()) {
            return step.query("SELECT state FROM {ended} WHERE id = ? AND hidden = 0 AND expires > ?").text(id)
                    .number(step.now()).first(row -> Row.state(row.getInt(1)));
        }
        Row row = rows.getFirst();
        cancel(step, changes, row);
        changes.settle();
        return Row.state(row.state);
    }

    private static void cancel(Step step, Changes changes, Row row) throws SQLException {
        if (row.state == Row.RUNNING) {
            if (!row.isToStop) {
                row.isToStop = true;
                changes.update(row);
                step.event(BrokerEvent.Kind.CANCELLED, row, "");
            }
            step.wakes().worker(requireNonNull(row.worker));
        } else if (row.isWaiting()) {
            changes.end(row, Row.CANCELLED, null);
        }
    }

    /**
     * Cancels all tasks of a workflow.
     *
     * @param step the transaction
     * @param root the id of its first task
     * @return how many were cancelled or are to stop
     * @throws SQLException if the database fails
     */
    public int cancelAll(Step step, String root) throws SQLException {
        var changes = new Changes(step);
        Set<String> ids = new TreeSet<>(step.query("SELECT id FROM {task} WHERE root = ?").text(root)
                .list(row -> row.getString(1)));
        ids.add(root);
        int count = 0;
        for (Row row : changes.load(ids)) {
            if (row.state <= Row.RUNNING && row.root().equals(root)) {
                cancel(step, changes, row);
                count++;
            }
        }
        changes.settle();
        return count;
    }

    /**
     * What was done of an operation that takes several transactions if there are many tasks.
     *
     * @param count how many tasks were changed
     * @param last the id of the last task that was looked at, or null if there are no more
     */
    public record Part(int count, @Nullable String last) {
        /**
         * Runs an operation until there is nothing more to do.
         *
         * @param filter which tasks
         * @param transaction does a part of them in a transaction of its own, so that nobody waits for long
         * @return how many tasks were changed
         */
        public static int all(TaskFilter filter, Function<TaskFilter, Part> transaction) {
            int count = 0;
            TaskFilter rest = filter;
            while (true) {
                Part part = transaction.apply(rest);
                count += part.count;
                if (part.last == null) {
                    return count;
                }
                rest = filter.after(part.last);
            }
        }
    }

    /**
     * Makes dead tasks ready again: {@value #ROUND} at most.
     *
     * @param step the transaction
     * @param filter which
     * @param payload another argument, or null
     * @return how many, and where to go on
     * @throws SQLException if the database fails
     */
    public Part replay(Step step, TaskFilter filter, byte @Nullable [] payload) throws SQLException {
        Lookup.Ids found = Lookup.ids(step, filter.state(TaskState.DEAD), ROUND);
        var changes = new Changes(step);
        List<String> changed = new ArrayList<>();
        int count = 0;
        for (Row row : changes.load(found.ids())) {
            if (row.state != Row.DEAD) {
                continue;
            }
            row.failures = 0;
            row.crashes = 0;
            row.reason = null;
            row.expires = null;
            row.ended = null;
            row.replySeq = null;
            if (payload != null) {
                row.flags = row.flags & ~Row.CHECKPOINT | Row.NO_INPUTS;
                changed.add(row.id);
            }
            takeUnique(step, row);
            step.event(BrokerEvent.Kind.REPLAYED, row, "");
            changes.arrive(row, step.now());
            count++;
        }
        if (!changed.isEmpty()) {
            step.query("UPDATE {task} SET payload = ? WHERE id {in}").bytes(payload).texts(changed).update();
            step.query("DELETE FROM {checkpoint} WHERE id {in}").texts(changed).update();
        }
        changes.settle();
        return new Part(count, found.last());
    }

    private static void takeUnique(Step step, Row row) throws SQLException {
        if (row.uniqueKey != null && (row.has(Row.UNIQUE_BEGUN) || row.has(Row.UNIQUE_ENDED))) {
            step.query("""
                    INSERT INTO {unique} AS held (name, task, until) VALUES (?, ?, NULL) ON CONFLICT (name)
                    DO UPDATE SET task = excluded.task, until = excluded.until WHERE held.until <= ?""")
                    .text(row.uniqueKey).text(row.id).number(step.now()).update();
        }
    }

    /**
     * Removes tasks that do not run: {@value #ROUND} at most.
     *
     * @param step the transaction
     * @param filter which
     * @return how many, and where to go on
     * @throws SQLException if the database fails
     */
    public Part purge(Step step, TaskFilter filter) throws SQLException {
        Lookup.Ids found = Lookup.ids(step, filter, ROUND);
        var changes = new Changes(step);
        int count = 0;
        Set<String> ended = new HashSet<>(found.ids());
        for (Row row : changes.load(found.ids())) {
            ended.remove(row.id);
            if (row.state != Row.RUNNING) {
                changes.remove(row);
                count++;
            }
        }
        count += step.query("DELETE FROM {ended} WHERE id {in}").texts(List.copyOf(ended)).update();
        changes.settle();
        return new Part(count, found.last());
    }

    /**
     * Pauses a queue or a type, or ends that.
     *
     * @param step the transaction
     * @param scope which
     * @param isPaused whether it is paused from now on
     * @throws SQLException if the database fails
     */
    public void pause(Step step, Scope scope, boolean isPaused) throws SQLException {
        if (isPaused) {
            step.query("INSERT INTO {paused} (kind, name) VALUES (?, ?) ON CONFLICT (kind, name) DO NOTHING")
                    .text(scope.kind().name()).text(scope.name()).update();
        } else if (step.query("DELETE FROM {paused} WHERE kind = ? AND name = ?").text(scope.kind().name())
                .text(scope.name()).update() > 0) {
            if (scope.kind() == Scope.Kind.QUEUE) {
                step.wakes().work(scope.name());
            } else {
                step.wakes().allWork();
            }
        }
    }

    /**
     * Limits how many tasks of a type begin.
     *
     * @param step the transaction
     * @param type the type
     * @param rate the limit, or null for none
     * @throws SQLException if the database fails
     */
    public void limit(Step step, String type, @Nullable Rate rate) throws SQLException {
        if (rate == null) {
            step.query("DELETE FROM {rate} WHERE type = ?").text(type).update();
        } else if (!rate.equals(Lookup.limits(step).get(type))) {
            step.query("""
                    INSERT INTO {rate} (type, tasks, period, burst, next) VALUES (?, ?, ?, ?, 0) ON CONFLICT (type)
                    DO UPDATE SET tasks = excluded.tasks, period = excluded.period, burst = excluded.burst, next = 0""")
                    .text(type).number(rate.tasks()).number(rate.period().toNanos()).number(rate.burst()).update();
        }
        step.wakes().allWork();
    }

    // ---- upkeep ----

    /**
     * Does a bounded part of what is to do.
     *
     * @param step the transaction
     * @param limits the times to keep to
     * @return what was done
     * @throws SQLException if the database fails
     */
    public Upkeep upkeep(Step step, Upkeep.Limits limits) throws SQLException {
        long now = step.now();
        boolean more = awaken(step) == ROUND;
        int takenBack = 0;
        int crashed = 0;
        var changes = new Changes(step);
        List<Row> late = step.dialect().isClockSteady()
                ? some(step, "t.state = 4 AND t.lease_until <= ?", "t.lease_until", now)
                : List.of();
        for (Row row : late) {
            var error = new ErrorInfo("LostWorker", "the lease of worker " + row.worker + " has expired", "");
            if (changes.takeBack(changes.known(row), error)) {
                takenBack++;
            } else {
                crashed++;
            }
        }
        changes.settle();
        int expired = 0;
        changes = new Changes(step);
        for (Row row : some(step, "t.expires IS NOT NULL AND t.expires <= ? AND t.state < 4", "t.expires", now)) {
            changes.end(changes.known(row), Row.EXPIRED, null);
            expired++;
        }
        changes.settle();
        int unknown = endUnknown(step, now - Step.millis(limits.unknownAfter()));
        int removed = 0;
        changes = new Changes(step);
        for (Row row : some(step, "t.state = 6 AND t.ended <= ?", "t.ended", now - Step.millis(limits.deadTtl()))) {
            changes.remove(changes.known(row));
            removed++;
        }
        changes.settle();
        List<String> over = step.query("SELECT id FROM {ended} WHERE expires <= ? ORDER BY expires LIMIT ?").number(now)
                .number(2 * ROUND).list(row -> row.getString(1));
        if (!over.isEmpty()) {
            removed += step.query("DELETE FROM {ended} WHERE id {in}").texts(over).update();
        }
        if (!step.dialect().skipLocked().isEmpty()) {
            Changes.goOn(step);
        }
        sweep(step, limits);
        more |= takenBack + crashed == ROUND || expired == ROUND || unknown == ROUND || removed >= ROUND;
        return new Upkeep(takenBack, crashed, expired, unknown, removed, more);
    }

    private static List<Row> some(Step step, String condition, String order, long time) throws SQLException {
        return step.query("SELECT " + Row.COLUMNS + " FROM {task} t WHERE " + condition + " ORDER BY " + order
                + " LIMIT ? {skip}").number(time).number(ROUND).list(Row::read);
    }

    private static int endUnknown(Step step, long before) throws SQLException {
        record Group(String queue, String type, int rank, long since) {}
        // The first task of each queue, type and priority; each step passes over all others of its group.
        List<Group> groups = step.query("""
                WITH RECURSIVE g(id) AS (
                  SELECT (SELECT h.id FROM {task} h WHERE h.state = 0 ORDER BY h.queue, h.type, h.rank, h.since LIMIT 1)
                  UNION ALL
                  SELECT COALESCE(
                    (SELECT n.id FROM {task} n WHERE n.state = 0 AND n.queue = c.queue AND n.type = c.type
                      AND n.rank > c.rank ORDER BY n.rank, n.since LIMIT 1),
                    (SELECT n.id FROM {task} n WHERE n.state = 0 AND n.queue = c.queue AND n.type > c.type
                      ORDER BY n.type, n.rank, n.since LIMIT 1),
                    (SELECT n.id FROM {task} n WHERE n.state = 0 AND n.queue > c.queue
                      ORDER BY n.queue, n.type, n.rank, n.since LIMIT 1))
                  FROM g JOIN {task} c ON c.id = g.id)
                SELECT t.queue, t.type, t.rank, t.since FROM g JOIN {task} t ON t.id = g.id""")
                .list(row -> new Group(row.getString(1), row.getString(2), row.getInt(3), row.getLong(4)));
        groups.removeIf(group -> group.since > before);
        if (groups.isEmpty()) {
            return 0;
        }
        if (!arePresentSince(step, before)) {
            return 0;
        }
        Set<String> known = Set.copyOf(step.query("SELECT type FROM {known} WHERE seen > ?").number(before)
                .list(row -> row.getString(1)));
        var changes = new Changes(step);
        int unknown = 0;
        for (Group group : groups) {
            if (known.contains(group.type) || unknown >= ROUND) {
                continue;
            }
            List<Row> rows = step.query("SELECT " + Row.COLUMNS + " FROM {task} t WHERE t.state = 0 AND t.queue = ?"
                    + " AND t.type = ? AND t.rank = ? AND t.since <= ? ORDER BY t.since, t.seq LIMIT ? {skip}")
                    .text(group.queue).text(group.type).number(group.rank).number(before).number(ROUND - unknown)
                    .list(Row::read);
            for (Row row : rows) {
                row.error = new ErrorInfo("UnknownType", "no worker knows the type " + row.type, "");
                changes.end(changes.known(row), Row.DEAD, DeadReason.UNKNOWN_TYPE);
                unknown++;
            }
        }
        changes.settle();
        return unknown;
    }

    /**
     * Returns whether there have been workers since a time. A task does not wait for one that knows its type while all
     * are off.
     */
    private static boolean arePresentSince(Step step, long time) throws SQLException {
        record Presence(@Nullable Long until, @Nullable Long since) {}
        Presence presence = step.query("SELECT max(seen), max(CASE WHEN type = '' THEN seen END) FROM {known}")
                .first(row -> new Presence(Query.number(row, 1), Query.number(row, 2)));
        return presence == null || presence.until == null || presence.since == null
                || presence.since <= time && step.now() - presence.until <= ABSENT;
    }

    private static void sweep(Step step, Upkeep.Limits limits) throws SQLException {
        long now = step.now();
        step.query("DELETE FROM {unique} WHERE until IS NOT NULL AND until <= ?").number(now).update();
        step.query("DELETE FROM {worker} WHERE seen <= ?").number(now - Step.millis(limits.workerTtl())).update();
        step.query("DELETE FROM {known} WHERE seen <= ? AND type <> ''")
                .number(now - Math.max(KNOWN_TTL, 2 * Step.millis(limits.unknownAfter()))).update();
        step.query("DELETE FROM {control} WHERE at <= ?").number(now - CONTROL_TTL).update();
        step.query("DELETE FROM {event} WHERE EXISTS (SELECT 1 FROM {meta} WHERE events_until <= ?)").number(now)
                .update();
    }

    // ---- schedules ----

    /**
     * Adds a schedule, or changes the one of its name if that is as before.
     *
     * @param step the transaction
     * @param entry the schedule
     * @param before the schedule as the caller has read it; null if there was none
     * @return whether it was so
     * @throws SQLException if the database fails
     */
    public boolean putSchedule(Step step, ScheduleEntry entry, @Nullable ScheduleEntry before) throws SQLException {
        Query query = step.query(before == null
                ? """
                        INSERT INTO {schedule} (rule, zone, message, payload, missed, overlap, paused, next_due, name,
                          last_due, last_task)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"""
                : """
                        UPDATE {schedule} SET rule = ?, zone = ?, message = ?, payload = ?, missed = ?, overlap = ?,
                          paused = ?, next_due = ? WHERE name = ? AND paused = ? AND coalesce(next_due, '') = ?""");
        query.text(entry.when()).text(entry.zone()).bytes(TaskJson.write(entry.template()))
                .bytes(entry.template().payload()).text(entry.missed().name()).text(entry.overlap().name())
                .number(entry.paused() ? 1 : 0).text(Lookup.text(entry.nextDue())).text(entry.name());
        if (before == null) {
            query.text(Lookup.text(entry.lastDue())).text(entry.lastTask());
        } else {
            String due = Lookup.text(before.nextDue());
            query.number(before.paused() ? 1 : 0).text(due == null ? "" : due);
        }
        return query.update() > 0;
    }

    /**
     * Removes a schedule.
     *
     * @param step the transaction
     * @param name its name
     * @return whether there was one
     * @throws SQLException if the database fails
     */
    public boolean removeSchedule(Step step, String name) throws SQLException {
        return step.query("DELETE FROM {schedule} WHERE name = ?").text(name).update() > 0;
    }

    /**
     * Fires a schedule.
     *
     * @param step the transaction
     * @param firing what to do
     * @return what became of it
     * @throws SQLException if the database fails
     */
    public Firing.Outcome fire(Step step, Firing firing) throws SQLException {
        record Last(@Nullable String task) {}
        Last last = step.query("SELECT last_task FROM {schedule} WHERE name = ? AND paused = 0 AND next_due = ? {lock}")
                .text(firing.schedule()).text(Lookup.text(firing.due())).first(row -> new Last(row.getString(1)));
        if (last == null) {
            return Firing.Outcome.NOT_DUE;
        }
        if (firing.unlessUnfinished() && last.task != null && step.query("SELECT 1 FROM {task} WHERE id = ?"
                + " AND state <> 6").text(last.task).first(_ -> true) != null) {
            return Firing.Outcome.UNFINISHED;
        }
        List<Enqueued> fired = enqueue(step, new Batch(firing.tasks(), List.of()));
        if (fired.isEmpty()) {
            step.query("UPDATE {schedule} SET next_due = ? WHERE name = ?").text(Lookup.text(firing.nextDue()))
                    .text(firing.schedule()).update();
        } else {
            step.query("UPDATE {schedule} SET next_due = ?, last_due = ?, last_task = ? WHERE name = ?")
                    .text(Lookup.text(firing.nextDue())).text(Lookup.text(firing.due())).text(fired.getLast().id())
                    .text(firing.schedule()).update();
        }
        return Firing.Outcome.FIRED;
    }

    // ---- workers ----

    /**
     * Takes note of a worker that lives.
     *
     * @param step the transaction
     * @param report what it says
     * @throws SQLException if the database fails
     */
    public void report(Step step, WorkerReport report) throws SQLException {
        step.query("INSERT INTO {worker} (id, seen, report) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                + " seen = excluded.seen, report = excluded.report").text(report.id()).number(step.now())
                .bytes(MAPPER.writeValueAsBytes(report)).update();
        Long seen = step.query("SELECT max(seen) FROM {known}").<@Nullable Long>first(row -> Query.number(row, 1));
        Query known = step.query("INSERT INTO {known} (type, seen) VALUES (?, ?) ON CONFLICT (type) DO UPDATE SET"
                + " seen = excluded.seen");
        if (seen == null || step.now() - seen > ABSENT) {
            known.text(PRESENCE).number(seen == null ? 0 : step.now()).add();
        }
        for (String type : new TreeSet<>(report.types())) {
            known.text(type).number(step.now()).add();
        }
        known.run();
    }

    /**
     * Forgets a worker.
     *
     * @param step the transaction
     * @param worker its id
     * @throws SQLException if the database fails
     */
    public void forget(Step step, String worker) throws SQLException {
        step.query("DELETE FROM {worker} WHERE id = ?").text(worker).update();
    }

    /**
     * Sends a request to workers.
     *
     * @param step the transaction
     * @param message the request
     * @throws SQLException if the database fails
     */
    public void control(Step step, ControlMessage message) throws SQLException {
        step.query("INSERT INTO {control} (seq, at, worker, command, arguments) VALUES (?, ?, ?, ?, ?)")
                .number(step.order()).number(step.now()).text(message.worker()).text(message.command())
                .bytes(MAPPER.writeValueAsBytes(message.arguments())).update();
        if (message.worker() == null) {
            step.wakes().allWorkers();
        } else {
            step.wakes().worker(message.worker());
        }
    }

    /**
     * Keeps events for some time.
     *
     * @param step the transaction
     * @param time how long
     * @throws SQLException if the database fails
     */
    public void keepEvents(Step step, Duration time) throws SQLException {
        long until = Step.later(step.now(), time);
        step.query("UPDATE {meta} SET events_until = ? WHERE events_until < ?").number(until).number(until).update();
    }
}
