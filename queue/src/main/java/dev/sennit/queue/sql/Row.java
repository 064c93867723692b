package dev.sennit.queue.sql;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A row of the table {@code task}, without the message and the argument. For the thread of the transaction. */
final class Row {
    static final int READY = 0;
    static final int SCHEDULED = 1;
    static final int BLOCKED = 2;
    static final int HELD = 3;
    static final int RUNNING = 4;
    static final int SUCCEEDED = 5;
    static final int DEAD = 6;
    static final int CANCELLED = 7;
    static final int EXPIRED = 8;
    /** In a transaction only: the row is removed, and nothing is kept. */
    static final int REMOVED = 9;

    private static final List<TaskState> STATES = List.of(TaskState.READY, TaskState.SCHEDULED, TaskState.BLOCKED,
            TaskState.HELD, TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.DEAD, TaskState.CANCELLED,
            TaskState.EXPIRED);

    /** It may run once only. */
    static final int ONCE = 1;
    /** Its message has error callbacks. */
    static final int CALLBACKS = 2;
    /** Message and argument are in the table {@code body}. */
    static final int BODY = 4;
    /** There is a row in the table {@code checkpoint}. */
    static final int CHECKPOINT = 8;
    /** Its unique key is free when it is claimed. */
    static final int UNIQUE_BEGUN = 16;
    /** Its unique key is free when it has ended. */
    static final int UNIQUE_ENDED = 32;
    /** It has another argument instead of the results for which it has waited. */
    static final int NO_INPUTS = 64;

    static final String COLUMNS = "t.id, t.type, t.version, t.queue, t.state, t.rank, t.seq, t.since, t.number, t.due,"
            + " t.expires, t.lease_until, t.worker, t.attempt, t.failures, t.crashes, t.crash_limit, t.flags, t.cancel,"
            + " t.turn, t.turn_limit, t.placed, t.unique_key, t.root, t.part_join, t.part_index, t.after_join,"
            + " t.reply_to, t.reply_seq, t.ttl, t.enqueued, t.begun, t.ended, t.reason, t.error_type, t.error_message,"
            + " t.error_stack, t.progress";
    static final int AFTER_COLUMNS = 39;

    final String id;
    final String type;
    final int version;
    final String queue;
    final int rank;
    int state;
    long seq;
    /** When it became READY; of one in another state, when that could have been. */
    long since;
    /** The order in which tasks were enqueued. */
    long number;

    @Nullable Long due;
    @Nullable Long expires;
    @Nullable Long leaseUntil;
    @Nullable String worker;
    int attempt;
    int failures;
    int crashes;
    int crashLimit;
    int flags;
    boolean isToStop;
    @Nullable String turn;
    int turnLimit;
    boolean hasPlace;
    @Nullable String uniqueKey;
    /** Null for its own id. */
    @Nullable String root;

    @Nullable String join;
    int index;
    @Nullable String after;
    @Nullable String replyTo;
    @Nullable Long replySeq;
    long ttl;
    long enqueued;
    @Nullable Long begun;
    @Nullable Long ended;
    @Nullable String reason;
    @Nullable ErrorInfo error;
    @Nullable String progress;
    byte @Nullable [] result;
    /** Set for a row that is not in the table yet. */
    @Nullable QueuedTask added;

    boolean runsCallbacks = true;

    Row(String id, String type, int version, String queue, int rank) {
        this.id = id;
        this.type = type;
        this.version = version;
        this.queue = queue;
        this.rank = rank;
    }

    static Row read(ResultSet from) throws SQLException {
        var row = new Row(from.getString(1), from.getString(2), from.getInt(3), from.getString(4), from.getInt(6));
        row.state = from.getInt(5);
        row.seq = from.getLong(7);
        row.since = from.getLong(8);
        row.number = from.getLong(9);
        row.due = Query.number(from, 10);
        row.expires = Query.number(from, 11);
        row.leaseUntil = Query.number(from, 12);
        row.worker = from.getString(13);
        row.attempt = from.getInt(14);
        row.failures = from.getInt(15);
        row.crashes = from.getInt(16);
        row.crashLimit = from.getInt(17);
        row.flags = from.getInt(18);
        row.isToStop = from.getInt(19) != 0;
        row.turn = from.getString(20);
        if (row.turn != null) { // each call of a driver costs, so those that need not be are left out
            row.turnLimit = from.getInt(21);
            row.hasPlace = from.getInt(22) != 0;
        }
        row.uniqueKey = from.getString(23);
        row.root = from.getString(24);
        row.join = from.getString(25);
        row.index = row.join == null ? 0 : from.getInt(26);
        row.after = from.getString(27);
        row.replyTo = from.getString(28);
        row.replySeq = row.replyTo == null ? null : Query.number(from, 29);
        row.ttl = from.getLong(30);
        row.enqueued = from.getLong(31);
        row.begun = Query.number(from, 32);
        row.ended = Query.number(from, 33);
        row.reason = from.getString(34);
        String error = from.getString(35);
        row.error = error == null ? null : new ErrorInfo(error, from.getString(36), from.getString(37));
        row.progress = from.getString(38);
        return row;
    }

    static TaskState state(int code) {
        return STATES.get(code);
    }

    static int code(TaskState state) {
        return STATES.indexOf(state);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    boolean isWaiting() {
        return state <= HELD;
    }

    String root() {
        return root == null ? id : root;
    }

    /** Returns a reason by its name; FAILED for one of a later version. */
    static @Nullable DeadReason deadReason(@Nullable String name) {
        if (name == null) {
            return null;
        }
        for (DeadReason reason : DeadReason.values()) {
            if (reason.name().equals(name)) {
                return reason;
            }
        }
        return DeadReason.FAILED;
    }

    /** A queue and a key in one text: the length of the queue tells where the key begins. */
    static String turn(String queue, String key) {
        return queue.length() + ":" + queue + key;
    }

    static @Nullable String key(@Nullable String turn, String queue) {
        return turn == null ? null : turn.substring(turn.indexOf(':') + 1 + queue.length());
    }

    static String text(Progress progress) {
        return progress.done() + " " + progress.total() + " " + progress.message();
    }

    static @Nullable Progress progress(@Nullable String text) {
        if (text == null) {
            return null;
        }
        String[] parts = text.split(" ", 3);
        return new Progress(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2]);
    }

    @Override
    public String toString() {
        return id + " " + (state == REMOVED ? "REMOVED" : state(state)) + ", attempt " + attempt;
    }
}
