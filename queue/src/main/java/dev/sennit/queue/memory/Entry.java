package dev.sennit.queue.memory;

import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A task that the broker keeps. All fields are guarded by the lock of {@link Store}. */
final class Entry {
    /** The tasks that wait for others, and what is there of the results. */
    static final class Waiting {
        private static final byte[] MISSING = {};

        final String id;
        final List<QueuedTask> onDead;
        /** By the index of the part; {@link #MISSING} if it is not done. */
        final byte[][] results;

        int done;
        boolean hasToldDeath;
        final Set<Entry> tasks = new LinkedHashSet<>();

        Waiting(String id, int size, List<QueuedTask> onDead) {
            this.id = id;
            this.onDead = onDead;
            results = new byte[size][];
            Arrays.fill(results, MISSING);
        }

        boolean isDone(int index) {
            return results[index] != MISSING;
        }
    }

    /** Without its argument, headers and callbacks, once it has ended and is not dead. */
    QueuedTask task;
    /** The number of its coming: tasks that were enqueued later have a greater one. */
    final long number;

    final long enqueuedAt;
    /** {@link Long#MAX_VALUE} for never. Times are milliseconds since 1970. */
    long expiresAt;

    TaskState state = TaskState.READY;
    /** When it is due, if it is SCHEDULED; when it became ready, if it is READY. */
    long since;
    /** The number of its becoming ready: tasks that became ready later have a greater one. */
    long turn;
    /** Whether it has a place of its key. */
    boolean hasPlace;
    /** What it waits for, if it is BLOCKED. */
    @Nullable Waiting after;
    /** What waits for it; null if nothing does any more. */
    @Nullable Waiting join;

    List<byte[]> inputs = List.of();
    /** The number of its last claim. */
    int attempt;

    int failures;
    int crashes;
    long begunAt;
    @Nullable String worker;
    /** In nanoseconds of {@link Store#nanos}. */
    long leaseEnd;

    boolean isToStop;
    byte @Nullable [] checkpoint;
    @Nullable Progress progress;
    @Nullable ErrorInfo error;
    @Nullable DeadReason reason;
    byte @Nullable [] result;
    long endedAt;
    /** When it is removed, if it has ended and is not dead. */
    long keptUntil;

    Entry(QueuedTask task, long number, long enqueuedAt) {
        this.task = task;
        this.number = number;
        this.enqueuedAt = enqueuedAt;
    }

    String id() {
        return task.id();
    }

    Token token() {
        return new Token(task.id(), attempt);
    }

    boolean isRunOf(Token token) {
        return state == TaskState.RUNNING && attempt == token.attempt();
    }

    EndedTask toEnded() {
        return new EndedTask(task.id(), task.type(), task.queue(), task.root(), state, result, reason,
                state == TaskState.SUCCEEDED ? null : error, attempt, Instant.ofEpochMilli(endedAt));
    }

    TaskView toView() {
        return new TaskView(task.id(), task.type(), task.version(), task.queue(), state, task.priority(),
                task.key() == null ? null : task.key().key(), task.root(), Instant.ofEpochMilli(enqueuedAt),
                state == TaskState.SCHEDULED ? Instant.ofEpochMilli(since) : null,
                attempt == 0 ? null : Instant.ofEpochMilli(begunAt),
                state.isEnd() ? Instant.ofEpochMilli(endedAt) : null, worker, attempt, failures, crashes, progress,
                reason, state == TaskState.SUCCEEDED ? null : error, task.payload(), task.headers());
    }

    /** The same in each run; two entries are equal only if they are one. */
    @Override
    public int hashCode() {
        return Long.hashCode(number);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other;
    }

    @Override
    public String toString() {
        return task.id() + " " + state + ", attempt " + attempt;
    }
}
