package dev.sennit.queue.sql;

import static java.util.Objects.requireNonNull;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerEvent;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFormatException;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.When;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one operation does to tasks: it is decided on {@link Row}s first, then written by {@link #settle} in a few
 * statements for all of them.
 *
 * <p><b>Where a task goes.</b> {@link #end} ends it, {@link #arrive} lets it run when its turn comes, {@link #ready} at
 * once, {@link #schedule} later. Each is told of a row whose state is the one that it leaves.
 *
 * <p><b>What an end brings about</b> comes in waves: the joins of all that have ended are read in one query, then the
 * tasks that waited for them, which may end as well, and so on. Callbacks and successors are enqueued after the last.
 *
 * <p><b>Locks</b>, where a database locks rows: the tasks by their ids, the joins by theirs, the tasks that wait for
 * them, unique keys, the keys that take turns, and the tasks held by those, which nobody waits for. A chain of joins is
 * locked from its first task to its last, so two operations on one workflow meet in one order. Two on several workflows
 * can meet in another one; the database then ends one of them, which is repeated.
 */
final class Changes {
    /** Message and argument of more bytes stand in a table of their own, so that the rows stay small. */
    static final int INLINE = 3_000;
    /** How long the end of a task is there for its address, even if it is not kept. */
    static final long HIDDEN = 60_000;

    private static final byte[] NOTHING = {};
    private static final String INSERT_TASK = """
            INSERT INTO {task} (id, type, version, queue, state, rank, seq, since, number, crash_limit, flags, ttl,
              enqueued, message, payload, due, expires, turn, turn_limit, placed, unique_key, root, part_join,
              part_index, after_join, reply_to)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO NOTHING""";
    private static final String UPDATE_TASK = """
            UPDATE {task} SET state = ?, seq = ?, since = ?, due = ?, expires = ?, lease_until = ?, failures = ?,
              crashes = ?, cancel = ?, placed = ?, flags = ?, ended = ?, reason = ?, error_type = ?, error_message = ?,
              error_stack = ?, reply_seq = ? WHERE id = ?""";
    private static final String INSERT_ENDED = """
            INSERT INTO {ended} (id, type, version, queue, state, rank, turn, root, enqueued, begun, ended, worker,
              attempt, failures, crashes, progress, error_type, error_message, error_stack, result, expires, reply_to,
              reply_seq, hidden)
            SELECT id, type, version, queue, ?, rank, turn, root, enqueued, begun, ?, worker, attempt, ?, ?, progress,
              ?, ?, ?, ?, ?, reply_to, ?, ? FROM {task} WHERE id = ?""";

    private static final class Chord {
        final String id;
        final int size;
        int done;
        int waiting;
        boolean isFailed;
        final byte @Nullable [] onDead;
        /** Whether a part will never succeed. */
        boolean isGivenUp;

        boolean runsCallbacks;
        boolean isChanged;

        Chord(String id, int size, int done, int waiting, boolean isFailed, byte @Nullable [] onDead) {
            this.id = id;
            this.size = size;
            this.done = done;
            this.waiting = waiting;
            this.isFailed = isFailed;
            this.onDead = onDead;
        }
    }

    /** The places of a key. */
    static final class Turn {
        int limit;
        int places;
        int ready;

        Turn(int limit, int places, int ready) {
            this.limit = limit;
            this.places = places;
            this.ready = ready;
        }

        boolean hasRoom() {
            return ready == 0 && places < limit;
        }
    }

    private final Step step;
    private final Map<String, Row> rows = new HashMap<>();
    private final List<Row> endings = new ArrayList<>();
    private final Set<Row> finished = new LinkedHashSet<>();
    private final Set<Row> updated = new LinkedHashSet<>();
    private final List<Row> added = new ArrayList<>();
    private final List<Row> arrivals = new ArrayList<>();
    private final Map<String, Chord> chords = new LinkedHashMap<>();
    private final Map<String, int[]> leaving = new TreeMap<>();
    private final Map<String, Integer> limits = new HashMap<>();
    private final List<QueuedTask> successors = new ArrayList<>();
    private final List<Join> successorJoins = new ArrayList<>();
    private final List<Row> freed = new ArrayList<>();

    Changes(Step step) {
        this.step = step;
    }

    /** Reads tasks, and locks them. One that was read before is not read again. */
    List<Row> load(Collection<String> ids) throws SQLException {
        List<Row> loaded = new ArrayList<>();
        List<Row> read = step.query("SELECT " + Row.COLUMNS + " FROM {task} t WHERE t.id {in} ORDER BY t.id {lock}")
                .texts(List.copyOf(new TreeSet<>(ids))).list(Row::read);
        for (Row row : read) {
            loaded.add(known(row));
        }
        return loaded;
    }

    /** Returns the row of a task as this operation has left it. */
    Row known(Row row) {
        Row known = rows.putIfAbsent(row.id, row);
        return known == null ? row : known;
    }

    // ---- where a task goes ----

    private void leave(Row row) {
        if (row.turn != null && row.state == Row.READY) {
            leaving(row.turn)[1]--;
        }
    }

    private int[] leaving(String turn) {
        return leaving.computeIfAbsent(turn, _ -> new int[2]);
    }

    /** Gives back a task's place of its key. */
    void leavePlace(Row row) {
        if (row.turn != null && row.hasPlace) {
            leaving(row.turn)[0]--;
            row.hasPlace = false;
        }
    }

    void end(Row row, int state, @Nullable DeadReason reason) throws SQLException {
        leave(row);
        leavePlace(row);
        row.state = state;
        row.reason = reason == null ? null : reason.name();
        row.ended = step.now();
        row.leaseUntil = null;
        row.due = null;
        row.isToStop = false;
        if (row.uniqueKey != null && (row.has(Row.UNIQUE_ENDED) || row.has(Row.UNIQUE_BEGUN))) {
            freed.add(row);
        }
        endings.add(row);
        if (state == Row.REMOVED) {
            return;
        }
        if (row.replyTo != null) {
            row.replySeq = step.order();
            step.wakes().ended(row.replyTo);
        }
        BrokerEvent.Kind kind = switch (state) {
            case Row.SUCCEEDED -> BrokerEvent.Kind.SUCCEEDED;
            case Row.DEAD -> BrokerEvent.Kind.DIED;
            case Row.EXPIRED -> BrokerEvent.Kind.EXPIRED;
            default -> BrokerEvent.Kind.CANCELLED;
        };
        step.event(kind, row,
                reason == null ? "" : reason + (row.error == null ? "" : " " + row.error.text()));
    }

    /** Removes a task that is not to leave a trace. */
    void remove(Row row) throws SQLException {
        row.runsCallbacks = false;
        end(row, Row.REMOVED, null);
    }

    /** Makes a task READY, or HELD if its key has no place: since now, or since it was due. */
    void arrive(Row row, long since) {
        row.since = since;
        row.due = null;
        row.leaseUntil = null;
        arrivals.add(row);
    }

    /** Makes a task READY that has its place, or needs none. */
    void ready(Row row) throws SQLException {
        row.seq = step.order();
        row.since = step.now();
        readyAgain(row);
    }

    /** Makes a task READY at its old place: before those that became READY after it. */
    private void readyAgain(Row row) throws SQLException {
        row.state = Row.READY;
        row.leaseUntil = null;
        row.due = null;
        if (row.turn != null) {
            leaving(row.turn)[1]++;
        }
        updated.add(row);
        step.wakes().work(row.queue);
    }

    void schedule(Row row, long due) {
        row.state = Row.SCHEDULED;
        row.due = due;
        row.leaseUntil = null;
        updated.add(row);
        step.wakes().work(row.queue); // workers that wait have to look again sooner
    }

    void update(Row row) {
        updated.add(row);
    }

    /** Lets a task go that has waited for others. */
    private void begin(Row row) {
        if (row.due != null && row.due > step.now()) {
            schedule(row, row.due);
        } else {
            arrive(row, step.now());
        }
    }

    /** Takes a task back from a worker that was lost; returns whether it is READY again. */
    boolean takeBack(Row row, ErrorInfo error) throws SQLException {
        row.crashes++;
        if (row.isToStop) {
            end(row, Row.CANCELLED, null);
            return false;
        }
        row.error = error;
        if (row.has(Row.ONCE)) {
            end(row, Row.DEAD, DeadReason.LOST);
            return false;
        }
        if (row.crashes >= row.crashLimit) {
            end(row, Row.DEAD, DeadReason.CRASHED);
            return false;
        }
        step.event(BrokerEvent.Kind.TAKEN_BACK, row, "");
        readyAgain(row);
        return true;
    }

    /** Has tasks enqueued after all ends. */
    void succeed(Batch batch) {
        successors.addAll(batch.tasks());
        successorJoins.addAll(batch.joins());
    }

    // ---- enqueue ----

    List<Enqueued> enqueue(Batch batch) throws SQLException {
        List<QueuedTask> tasks = batch.tasks();
        long now = step.now();
        Set<String> known = known(tasks);
        Set<String> accepted = accepted(batch, known);
        Map<String, Holder> holders = holders(tasks);
        Enqueued[] outcomes = new Enqueued[tasks.size()];
        boolean[] isLeftOut = new boolean[outcomes.length];
        boolean hasDuplicates = false;
        for (int i = 0; i < outcomes.length; i++) {
            QueuedTask task = tasks.get(i);
            outcomes[i] = new Enqueued(task.id(), false);
            if (isOf(accepted, task) || !known.add(task.id())) {
                isLeftOut[i] = true;
                continue;
            }
            Unique unique = task.unique();
            if (unique != null) {
                Holder holder = holders.get(unique.key());
                if (holder == null || holder.until != null && holder.until <= now) {
                    Long until = unique.period() == null ? null : (Long) Step.later(now, unique.period());
                    holders.put(unique.key(), new Holder(task.id(), until, i));
                } else {
                    outcomes[i] = new Enqueued(holder.task, true);
                    isLeftOut[i] = true;
                    hasDuplicates = true;
                }
            }
        }
        Set<String> refused = hasDuplicates ? batch.leaveOutWaiters(outcomes, isLeftOut) : new HashSet<>();
        take(holders, isLeftOut);
        Map<String, Integer> waiting = new HashMap<>();
        for (int i = 0; i < outcomes.length; i++) {
            if (!isLeftOut[i]) {
                QueuedTask task = tasks.get(i);
                if (task.part() != null && refused.contains(task.part().join())) {
                    task = task.toBuilder().part(null).build();
                }
                add(task);
                if (task.after() != null) {
                    waiting.merge(task.after(), 1, Integer::sum);
                }
            }
        }
        refused.addAll(accepted);
        addChords(batch.joins(), waiting, refused);
        return List.of(outcomes);
    }

    /** Returns which tasks are there, or are kept. */
    private Set<String> known(List<QueuedTask> tasks) throws SQLException {
        List<String> ids = tasks.stream().map(QueuedTask::id).toList();
        Set<String> known = new HashSet<>();
        for (Row row : added) { // of another batch that is enqueued with this one
            known.add(row.id);
        }
        List<String> stale = new ArrayList<>();
        step.query("SELECT id, 0, ? FROM {task} WHERE id {in} UNION ALL SELECT id, hidden, expires FROM {ended}"
                + " WHERE id {in}").number(Long.MAX_VALUE).texts(ids).texts(ids).list(row -> {
                    boolean isKept = row.getInt(2) == 0 && row.getLong(3) > step.now();
                    return isKept ? known.add(row.getString(1)) : stale.add(row.getString(1));
                });
        if (!stale.isEmpty()) {
            step.query("DELETE FROM {ended} WHERE id {in}").texts(stale).update();
        }
        return known;
    }

    /** Returns the joins of a workflow that was accepted before, also if some of its tasks are not kept any more. */
    private Set<String> accepted(Batch batch, Set<String> known) throws SQLException {
        if (batch.joins().isEmpty()) {
            return Set.of();
        }
        Set<String> accepted = new HashSet<>();
        List<QueuedTask> tasks = batch.tasks();
        int before;
        do { // a chain is through at once, in whatever order it is
            before = accepted.size();
            for (QueuedTask task : tasks) {
                addJoins(accepted, task, known);
            }
            for (QueuedTask task : tasks.reversed()) {
                addJoins(accepted, task, known);
            }
        } while (accepted.size() > before);
        List<String> ids = batch.joins().stream().map(Join::id).filter(id -> !accepted.contains(id)).toList();
        String other = ids.isEmpty()
                ? null
                : step.query("SELECT id FROM {chord} WHERE id {in}").texts(ids).first(row -> row.getString(1));
        if (other != null) {
            throw new IllegalArgumentException("there is another join with the id " + other);
        }
        return accepted;
    }

    private static void addJoins(Set<String> accepted, QueuedTask task, Set<String> known) {
        if (known.contains(task.id()) || isOf(accepted, task)) {
            if (task.part() != null) {
                accepted.add(task.part().join());
            }
            if (task.after() != null) {
                accepted.add(task.after());
            }
        }
    }

    private static boolean isOf(Set<String> joins, QueuedTask task) {
        return !joins.isEmpty() && (task.part() != null && joins.contains(task.part().join())
                || task.after() != null && joins.contains(task.after()));
    }

    /**
     * Who has a unique key.
     *
     * @param place of the task in the batch, or -1 if it is there already
     */
    private record Holder(String task, @Nullable Long until, int place) {}

    private Map<String, Holder> holders(List<QueuedTask> tasks) throws SQLException {
        TreeSet<String> keys = new TreeSet<>();
        for (QueuedTask task : tasks) {
            if (task.unique() != null) {
                keys.add(task.unique().key());
            }
        }
        Map<String, Holder> holders = new HashMap<>();
        if (!keys.isEmpty()) {
            step.query("SELECT name, task, until FROM {unique} WHERE name {in} ORDER BY name {lock}")
                    .texts(List.copyOf(keys)).list(row -> holders.put(row.getString(1),
                            new Holder(row.getString(2), Query.number(row, 3), -1)));
        }
        return holders;
    }

    private void take(Map<String, Holder> holders, boolean[] isLeftOut) throws SQLException {
        Query insert = null;
        for (var each : new TreeMap<>(holders).entrySet()) {
            Holder holder = each.getValue();
            if (holder.place >= 0 && !isLeftOut[holder.place]) {
                insert = insert != null ? insert : step.query("""
                        INSERT INTO {unique} AS held (name, task, until) VALUES (?, ?, ?) ON CONFLICT (name)
                        DO UPDATE SET task = excluded.task, until = excluded.until WHERE held.until <= ?""");
                insert.text(each.getKey()).text(holder.task).number(holder.until).number(step.now()).add();
            }
        }
        ensureAll(insert);
    }

    /** Runs inserts none of which another transaction may have been quicker with. */
    private static void ensureAll(@Nullable Query insert) throws SQLException {
        if (insert != null) {
            for (int count : insert.run()) {
                if (count == 0) {
                    throw new ConflictException();
                }
            }
        }
    }

    private void add(QueuedTask task) throws SQLException {
        long now = step.now();
        var row = new Row(task.id(), task.type(), task.version(), task.queue(),
                QueuedTask.GREATEST_PRIORITY - task.priority());
        row.added = task;
        row.enqueued = now;
        row.since = now;
        row.number = step.order();
        row.due = task.due() == null ? null : (Long) from(task.due(), now);
        row.expires = task.expires() == null ? null : (Long) from(task.expires(), now);
        row.crashLimit = task.retry().crashes();
        row.ttl = Step.millis(task.resultTtl());
        row.flags = (task.atMostOnce() ? Row.ONCE : 0) | (task.onDead().isEmpty() ? 0 : Row.CALLBACKS);
        row.replyTo = task.replyTo();
        row.root = task.root().equals(task.id()) ? null : task.root();
        row.after = task.after();
        if (task.part() != null) {
            row.join = task.part().join();
            row.index = task.part().index();
        }
        if (task.unique() != null) {
            row.uniqueKey = task.unique().key();
            row.flags |= switch (task.unique().until()) {
                case BEGUN -> Row.UNIQUE_BEGUN;
                case ENDED -> Row.UNIQUE_ENDED;
                case PERIOD_OVER -> 0;
            };
        }
        KeyLimit key = task.key();
        if (key != null) {
            row.turn = Row.turn(task.queue(), key.key());
            row.turnLimit = key.limit();
            limits.put(row.turn, key.limit());
        }
        added.add(row);
        step.event(BrokerEvent.Kind.ENQUEUED, row, "");
        if (row.after != null) {
            row.state = Row.BLOCKED;
        } else if (row.due != null && row.due > now) {
            row.state = Row.SCHEDULED;
            step.wakes().work(row.queue);
        } else {
            arrive(row, now);
        }
    }

    private static long from(When when, long now) {
        Instant at = when.at();
        if (at == null) {
            return Step.later(now, requireNonNull(when.after()));
        }
        Instant latest = Instant.ofEpochMilli(Long.MAX_VALUE / 4);
        return at.isAfter(latest)
                ? Long.MAX_VALUE / 4
                : at.isBefore(Instant.EPOCH) ? 0 : at.plusNanos(999_999).toEpochMilli();
    }

    private void addChords(List<Join> joins, Map<String, Integer> waiting, Set<String> without) throws SQLException {
        Query insert = null;
        for (Join join : joins) {
            int count = waiting.getOrDefault(join.id(), 0);
            if (!without.contains(join.id()) && (count > 0 || !join.onDead().isEmpty())) {
                insert = insert != null
                        ? insert
                        : step.query("INSERT INTO {chord} (id, size, done, waiting, failed,"
                                + " on_dead) VALUES (?, ?, 0, ?, 0, ?) ON CONFLICT (id) DO NOTHING");
                insert.text(join.id()).number(join.size()).number(count)
                        .bytes(join.onDead().isEmpty() ? null : carrier(join.onDead())).add();
            }
        }
        ensureAll(insert);
    }

    /** Error callbacks of a join are kept as those of a task. */
    private static byte[] carrier(List<QueuedTask> callbacks) {
        return TaskJson.write(QueuedTask.of("callbacks", NOTHING).onDead(callbacks).build());
    }

    // ---- what follows ----

    /** Does and writes all that is left to do. */
    void settle() throws SQLException {
        while (!endings.isEmpty()) {
            List<Row> wave = List.copyOf(endings);
            endings.clear();
            follow(wave);
        }
        freeUnique();
        writeFinished();
        writeUpdated();
        if (!successors.isEmpty()) {
            enqueue(new Batch(successors, successorJoins));
            successors.clear();
            successorJoins.clear();
        }
        takeTurns();
        writeAdded();
        writeUpdated();
        writeChords();
    }

    private void follow(List<Row> wave) throws SQLException {
        loadChords(wave);
        List<Row> failing = new ArrayList<>();
        Query parts = null;
        List<Chord> told = new ArrayList<>();
        for (Row row : wave) {
            Chord chord = row.join == null ? null : chords.get(row.join);
            if (row.state == Row.SUCCEEDED) {
                if (chord != null) {
                    parts = parts != null
                            ? parts
                            : step.query("INSERT INTO {part} (chord, place, result)"
                                    + " VALUES (?, ?, ?) ON CONFLICT (chord, place) DO NOTHING");
                    parts.text(chord.id).number(row.index).bytes(row.result == null ? NOTHING : row.result).add();
                    told.add(chord);
                }
            } else {
                if (row.runsCallbacks && row.has(Row.CALLBACKS)) {
                    failing.add(row);
                }
                if (chord != null) {
                    fail(chord, row);
                }
            }
            (row.state == Row.DEAD ? updated : finished).add(row);
            Chord before = row.after == null || row.state == Row.DEAD ? null : chords.get(row.after);
            if (before != null) {
                before.waiting--;
                before.isChanged = true;
            }
        }
        callBack(failing);
        Set<String> complete = new TreeSet<>();
        if (parts != null) {
            int[] counts = parts.run();
            for (int i = 0; i < counts.length; i++) {
                Chord chord = told.get(i);
                chord.done += counts[i];
                chord.isChanged = true;
                if (chord.done == chord.size && counts[i] > 0) {
                    complete.add(chord.id);
                }
            }
        }
        for (Row row : waitingFor(complete)) {
            begin(row);
        }
        Set<String> givenUp = new TreeSet<>();
        chords.values().stream().filter(chord -> chord.isGivenUp && chord.waiting > 0)
                .forEach(chord -> givenUp.add(chord.id));
        for (Row row : waitingFor(givenUp)) {
            row.runsCallbacks = requireNonNull(chords.get(row.after)).runsCallbacks;
            end(row, Row.CANCELLED, null);
        }
    }

    private void fail(Chord chord, Row row) {
        if (row.runsCallbacks && !chord.isFailed) {
            chord.isFailed = true;
            chord.isChanged = true;
            if (chord.onDead != null) {
                try {
                    callBack(TaskJson.read(chord.onDead, NOTHING).onDead(), row);
                } catch (TaskFormatException e) {
                    // Nobody can call what is damaged, but the task has to end.
                }
            }
        }
        if (row.state != Row.DEAD && !chord.isGivenUp) {
            chord.isGivenUp = true;
            chord.runsCallbacks = row.runsCallbacks;
        }
    }

    private void loadChords(List<Row> wave) throws SQLException {
        TreeSet<String> ids = new TreeSet<>();
        for (Row row : wave) {
            if (row.join != null && !chords.containsKey(row.join)) {
                ids.add(row.join);
            }
            if (row.after != null && row.state != Row.DEAD && !chords.containsKey(row.after)) {
                ids.add(row.after);
            }
        }
        if (!ids.isEmpty()) {
            step.query("SELECT id, size, done, waiting, failed, on_dead FROM {chord} WHERE id {in} ORDER BY id {lock}")
                    .texts(List.copyOf(ids)).list(row -> chords.put(row.getString(1), new Chord(row.getString(1),
                            row.getInt(2), row.getInt(3), row.getInt(4), row.getInt(5) != 0, row.getBytes(6))));
        }
    }

    private List<Row> waitingFor(Set<String> joins) throws SQLException {
        List<Row> waiting = new ArrayList<>();
        if (!joins.isEmpty()) {
            List<Row> read = step.query("SELECT " + Row.COLUMNS + " FROM {task} t WHERE t.state = 2 AND t.after_join"
                    + " {in} ORDER BY t.number {lock}").texts(List.copyOf(joins)).list(Row::read);
            for (Row each : read) {
                Row row = known(each);
                if (row.state == Row.BLOCKED) {
                    waiting.add(row);
                }
            }
        }
        return waiting;
    }

    /** Enqueues the error callbacks in the messages of tasks. */
    private void callBack(List<Row> failing) throws SQLException {
        if (failing.isEmpty()) {
            return;
        }
        Map<String, byte[]> messages = new HashMap<>();
        List<String> ids = failing.stream().map(row -> row.id).toList();
        for (String table : List.of("task", "body")) {
            step.query("SELECT id, message FROM {" + table + "} WHERE id {in} AND message IS NOT NULL").texts(ids)
                    .list(row -> messages.put(row.getString(1), row.getBytes(2)));
        }
        for (Row row : failing) {
            byte[] message = messages.get(row.id);
            if (message != null) {
                try {
                    callBack(TaskJson.read(message, NOTHING).onDead(), row);
                } catch (TaskFormatException e) {
                    // It is dead for that reason, and nobody can read its callbacks.
                }
            }
        }
    }

    private void callBack(List<QueuedTask> callbacks, Row row) {
        for (QueuedTask callback : callbacks) {
            Map<String, String> headers = new HashMap<>(callback.headers());
            headers.put(QueuedTask.DEAD_ID, row.id);
            headers.put(QueuedTask.DEAD_REASON, row.reason == null ? Row.state(row.state).name() : row.reason);
            if (row.error != null) {
                headers.put(QueuedTask.DEAD_ERROR, row.error.text().replaceAll("\\R", " "));
            }
            successors.add(callback.toBuilder().id(QueuedTask.newId()).headers(headers).part(null).after(null).build());
        }
    }

    // ---- turns ----

    private void takeTurns() throws SQLException {
        TreeMap<String, Integer> limit = new TreeMap<>();
        leaving.keySet().forEach(turn -> limit.put(turn, 0));
        for (Row row : arrivals) {
            if (row.turn != null) {
                limit.put(row.turn, limits.getOrDefault(row.turn, row.turnLimit));
            }
        }
        limits.forEach(limit::putIfAbsent);
        Map<String, Turn> turns = limit.isEmpty() ? Map.of() : turns(limit);
        promote(turns);
        for (Row row : arrivals) {
            Turn turn = row.turn == null ? null : turns.get(row.turn);
            if (turn == null || row.hasPlace || turn.hasRoom()) {
                row.state = Row.READY;
                row.seq = step.order();
                if (turn != null) {
                    turn.places += row.hasPlace ? 0 : 1;
                    turn.ready++;
                    row.hasPlace = true;
                }
                step.wakes().work(row.queue);
            } else {
                row.state = Row.HELD;
            }
            if (row.added == null) {
                updated.add(row);
            }
        }
        arrivals.clear();
        leaving.clear();
        limits.clear();
        saveTurns(step, turns);
    }

    private Map<String, Turn> turns(TreeMap<String, Integer> limit) throws SQLException {
        Query insert = null;
        for (var each : limit.entrySet()) {
            if (each.getValue() > 0) {
                insert = insert != null
                        ? insert
                        : step.query("INSERT INTO {turn} (turn, places_limit, places, ready)"
                                + " VALUES (?, ?, 0, 0) ON CONFLICT (turn) DO NOTHING");
                insert.text(each.getKey()).number(each.getValue()).add();
            }
        }
        if (insert != null) {
            insert.run();
        }
        Map<String, Turn> turns = lockTurns(step, List.copyOf(limit.keySet()));
        for (var each : limit.entrySet()) {
            if (each.getValue() > 0 && !turns.containsKey(each.getKey())) {
                throw new ConflictException(); // its last task has ended between both statements
            }
        }
        for (var each : turns.entrySet()) {
            Turn turn = each.getValue();
            turn.limit = limits.getOrDefault(each.getKey(), turn.limit);
            int[] change = leaving.get(each.getKey());
            if (change != null) {
                turn.places += change[0];
                turn.ready += change[1];
            }
        }
        return turns;
    }

    static Map<String, Turn> lockTurns(Step step, List<String> names) throws SQLException {
        Map<String, Turn> turns = new TreeMap<>();
        step.query("SELECT turn, places_limit, places, ready FROM {turn} WHERE turn {in} ORDER BY turn {lock}")
                .texts(names).list(row -> turns.put(row.getString(1),
                        new Turn(row.getInt(2), row.getInt(3), row.getInt(4))));
        return turns;
    }

    /**
     * Lets keys go on whose next task was locked when its turn came, by a transaction that was then rolled back: it was
     * left out, and nothing else would come back to it.
     */
    static void goOn(Step step) throws SQLException {
        List<String> open = step.query("SELECT u.turn FROM {turn} u WHERE u.ready <= 0 AND u.places < u.places_limit"
                + " AND EXISTS (SELECT 1 FROM {task} t WHERE t.state = 3 AND t.turn = u.turn) LIMIT ?")
                .number(SqlStore.ROUND).list(row -> row.getString(1));
        if (!open.isEmpty()) {
            var changes = new Changes(step);
            open.forEach(changes::leaving);
            changes.settle();
        }
    }

    /** Lets the next task of each key become READY, if none is and there is a place. */
    private void promote(Map<String, Turn> turns) throws SQLException {
        List<String> open = new ArrayList<>();
        turns.forEach((name, turn) -> {
            if (turn.hasRoom()) {
                open.add(name);
            }
        });
        if (open.isEmpty()) {
            return;
        }
        List<Row> heads = step.query(step.dialect().topOfEach(Row.COLUMNS, "t.state = 3 AND t.turn = k.value",
                "t.rank, t.number")).texts(open).number(1).list(Row::read);
        heads.sort(Comparator.comparingLong(row -> row.number));
        for (Row head : heads) {
            Row row = known(head);
            Turn turn = requireNonNull(turns.get(row.turn));
            turn.places++;
            turn.ready++;
            row.hasPlace = true;
            row.state = Row.READY;
            row.seq = step.order();
            row.since = step.now();
            updated.add(row);
            step.wakes().work(row.queue);
        }
    }

    static void saveTurns(Step step, Map<String, Turn> turns) throws SQLException {
        Query update = null;
        List<String> idle = new ArrayList<>();
        for (var each : turns.entrySet()) {
            Turn turn = each.getValue();
            if (turn.places <= 0 && turn.ready <= 0) { // then nobody is HELD
                idle.add(each.getKey());
            } else {
                update = update != null
                        ? update
                        : step.query("UPDATE {turn} SET places_limit = ?, places = ?, ready = ? WHERE turn = ?");
                update.number(turn.limit).number(turn.places).number(turn.ready).text(each.getKey()).add();
            }
        }
        if (update != null) {
            update.run();
        }
        if (!idle.isEmpty()) {
            step.query("DELETE FROM {turn} WHERE turn {in}").texts(idle).update();
        }
    }

    // ---- writing ----

    private void freeUnique() throws SQLException {
        freeUnique(step, freed);
        freed.clear();
    }

    static void freeUnique(Step step, Collection<Row> freed) throws SQLException {
        if (freed.isEmpty()) {
            return;
        }
        Query delete = step.query("DELETE FROM {unique} WHERE name = ? AND task = ? AND until IS NULL");
        for (Row row : freed.stream().sorted(Comparator.comparing(row -> requireNonNull(row.uniqueKey))).toList()) {
            delete.text(row.uniqueKey).text(row.id).add();
        }
        delete.run();
    }

    private void writeFinished() throws SQLException {
        if (finished.isEmpty()) {
            return;
        }
        List<String> ids = new ArrayList<>();
        List<String> bodies = new ArrayList<>();
        List<String> checkpoints = new ArrayList<>();
        List<Row> kept = new ArrayList<>();
        for (Row row : finished) {
            ids.add(row.id);
            if (row.has(Row.BODY)) {
                bodies.add(row.id);
            }
            if (row.has(Row.CHECKPOINT)) {
                checkpoints.add(row.id);
            }
            if (row.state != Row.REMOVED && (row.ttl != 0 || row.replyTo != null)) {
                kept.add(row);
            }
        }
        insertEnded(kept);
        step.query("DELETE FROM {task} WHERE id {in}").texts(ids).update();
        if (!bodies.isEmpty()) {
            step.query("DELETE FROM {body} WHERE id {in}").texts(bodies).update();
        }
        if (!checkpoints.isEmpty()) {
            step.query("DELETE FROM {checkpoint} WHERE id {in}").texts(checkpoints).update();
        }
        updated.removeAll(finished);
        finished.clear();
    }

    private void insertEnded(List<Row> ends) throws SQLException {
        if (ends.isEmpty()) {
            return;
        }
        Query insert = step.query(INSERT_ENDED);
        for (Row row : ends) {
            boolean isHidden = row.ttl == 0;
            insert.number(row.state).number(step.now()).number(row.failures).number(row.crashes);
            error(insert, row.state == Row.SUCCEEDED ? null : row.error);
            insert.bytes(row.result).number(step.now() + (isHidden ? HIDDEN : row.ttl)).number(row.replySeq)
                    .number(isHidden ? 1 : 0).text(row.id).add();
        }
        insert.run();
    }

    private void writeUpdated() throws SQLException {
        if (updated.isEmpty()) {
            return;
        }
        Query update = step.query(UPDATE_TASK);
        for (Row row : updated) {
            update.number(row.state).number(row.seq).number(row.since).number(row.due).number(row.expires)
                    .number(row.leaseUntil).number(row.failures).number(row.crashes).number(row.isToStop ? 1 : 0)
                    .number(row.hasPlace ? 1 : 0).number(row.flags).number(row.ended).text(row.reason);
            error(update, row.error);
            update.number(row.replySeq).text(row.id).add();
        }
        update.run();
        updated.clear();
    }

    private static void error(Query query, @Nullable ErrorInfo error) throws SQLException {
        query.text(error == null ? null : error.type()).text(error == null ? null : error.message())
                .text(error == null ? null : error.stack());
    }

    private void writeAdded() throws SQLException {
        if (added.isEmpty()) {
            return;
        }
        Query insert = step.query(INSERT_TASK);
        Query bodies = null;
        for (Row row : added) {
            QueuedTask task = requireNonNull(row.added);
            byte[] message = TaskJson.write(task);
            boolean isLong = message.length + task.payload().length > INLINE;
            if (isLong) {
                row.flags |= Row.BODY;
                bodies = bodies != null
                        ? bodies
                        : step.query("INSERT INTO {body} (id, message, payload)"
                                + " VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING");
                bodies.text(row.id).bytes(message).bytes(task.payload()).add();
            }
            insert.text(row.id).text(row.type).number(row.version).text(row.queue).number(row.state).number(row.rank)
                    .number(row.seq).number(row.since).number(row.number).number(row.crashLimit).number(row.flags)
                    .number(row.ttl).number(row.enqueued).bytes(isLong ? null : message)
                    .bytes(isLong ? null : task.payload()).number(row.due).number(row.expires).text(row.turn)
                    .number(row.turnLimit).number(row.hasPlace ? 1 : 0).text(row.uniqueKey).text(row.root)
                    .text(row.join).number(row.index).text(row.after).text(row.replyTo).add();
            row.added = null;
        }
        added.clear();
        for (int count : insert.run()) {
            if (count < 1) { // another transaction was quicker
                throw new ConflictException();
            }
        }
        if (bodies != null) {
            bodies.run();
        }
    }

    private void writeChords() throws SQLException {
        List<String> over = new ArrayList<>();
        Query update = null;
        for (Chord chord : chords.values()) {
            if (chord.waiting <= 0 && (chord.done == chord.size || chord.isGivenUp)) {
                over.add(chord.id);
            } else if (chord.isChanged) {
                update = update != null
                        ? update
                        : step.query("UPDATE {chord} SET done = ?, waiting = ?, failed = ? WHERE id = ?");
                update.number(chord.done).number(chord.waiting).number(chord.isFailed ? 1 : 0).text(chord.id).add();
            }
        }
        if (update != null) {
            update.run();
        }
        if (!over.isEmpty()) {
            step.query("DELETE FROM {part} WHERE chord {in}").texts(over).update();
            step.query("DELETE FROM {chord} WHERE id {in}").texts(over).update();
        }
        chords.clear();
    }
}
