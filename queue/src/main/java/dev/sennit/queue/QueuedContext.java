package dev.sennit.queue;

import dev.sennit.TaskMessages;
import dev.sennit.TaskStop;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.worker.RunLine;
import dev.sennit.queue.worker.RunMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What a run knows and tells: in the worker's JVM by its {@link RunLine}, in another process by {@link TaskMessages}.
 * These can be sent by the run's own thread only; what other threads of the run tell waits until that thread tells
 * something, or comes to the end of the run.
 *
 * <pre>
 * NEW -> RUNNING -> OVER
 * </pre>
 */
final class QueuedContext implements RunContext {
    private static final int MOST_CHECKPOINT_BYTES = 1_000_000;
    /** How often the progress of a run in another process is sent at most. */
    private static final long PROGRESS_PAUSE_NANOS = 100_000_000;

    private static final int LONGEST_PROGRESS = 1000;

    private final QueuedRun run;
    private final Thread thread = Thread.currentThread();
    private final BooleanSupplier stopSignal;

    // all guarded by this
    private boolean isRunning;
    private boolean isSoftLimitOver;
    private @Nullable Future<?> softLimit;
    /** Whether this run has kept one. */
    private boolean hasCheckpoint;
    private byte @Nullable [] unsentCheckpoint;
    private @Nullable Progress unsentProgress;
    private long progressSentAt;
    private boolean hasSentProgress;
    private final List<QueuedTask> successors = new ArrayList<>();

    /** By which a run gives its task back. */
    static final class GiveBack extends RuntimeException {
        private static final long serialVersionUID = 1;

        GiveBack() {
            super("the run gives the task back", null, false, false);
        }
    }

    /** Interrupts runs at their soft limits: one thread for all of this JVM, gone when idle. */
    private static final class Limits {
        private static final ScheduledThreadPoolExecutor TIMER = timer();

        private static ScheduledThreadPoolExecutor timer() {
            var timer = new ScheduledThreadPoolExecutor(
                    1, Thread.ofPlatform().daemon().name("sennit-queue-limits").factory());
            timer.setRemoveOnCancelPolicy(true);
            timer.setKeepAliveTime(5, TimeUnit.SECONDS);
            timer.allowCoreThreadTimeOut(true);
            return timer;
        }
    }

    /** Made by the thread of the run. */
    QueuedContext(QueuedRun run) {
        this.run = run;
        stopSignal = TaskStop.signal();
    }

    /** Begins the run. */
    void begin() {
        Duration limit = run.softLimit;
        synchronized (this) {
            isRunning = true;
            if (limit != null) {
                softLimit = Limits.TIMER.schedule(this::softLimitIsOver, limit.toMillis(), TimeUnit.MILLISECONDS);
            }
        }
    }

    private synchronized void softLimitIsOver() {
        if (isRunning) {
            isSoftLimitOver = true;
            thread.interrupt();
        }
    }

    /** Ends the run: from now on nothing is told, and no interrupt of the soft limit comes or is left. */
    void end() {
        try {
            flush();
        } finally { // whatever fails, the thread runs other tasks after this one
            synchronized (this) {
                isRunning = false;
                if (softLimit != null) {
                    softLimit.cancel(false);
                }
                if (isSoftLimitOver) {
                    Thread.interrupted();
                }
            }
        }
    }

    synchronized boolean isSoftLimitOver() {
        return isSoftLimitOver;
    }

    /** Whether the next run would come to its soft limit as this one has: it begins where this one began. */
    synchronized boolean isWithoutProgress() {
        return isSoftLimitOver && !hasCheckpoint;
    }

    /** Returns the result and the successors, as the worker expects them. */
    synchronized byte[][] outcome(byte[] result) {
        byte[][] outcome = new byte[1 + 2 * successors.size()][];
        outcome[0] = result;
        int at = 1;
        for (QueuedTask task : successors) {
            outcome[at++] = TaskJson.write(task);
            outcome[at++] = task.payload();
        }
        return outcome;
    }

    // ---- what it tells ----

    @Override
    public void progress(long done, long total, String message) {
        if (done < 0) {
            throw new IllegalArgumentException("done must be >= 0, was " + done);
        }
        String text = message.length() <= LONGEST_PROGRESS ? message : message.substring(0, LONGEST_PROGRESS);
        var progress = new Progress(done, total, text);
        synchronized (this) {
            if (!isRunning) {
                return;
            }
            unsentProgress = progress;
        }
        tell();
    }

    @Override
    public void checkpoint(Object value) {
        byte[] json = Payloads.write("the checkpoint of " + run.type, Objects.requireNonNull(value, "value"));
        if (json.length > MOST_CHECKPOINT_BYTES) {
            throw new TaskDataException("the checkpoint of " + run.type + " has " + json.length
                    + " bytes, more than the limit of " + MOST_CHECKPOINT_BYTES, null);
        }
        synchronized (this) {
            if (!isRunning) {
                return;
            }
            unsentCheckpoint = json;
            hasCheckpoint = true;
        }
        tell();
    }

    /** Sends what is to be sent now, if this thread can. */
    private void tell() {
        RunLine line = run.line;
        if (line == null && Thread.currentThread() != thread) {
            return;
        }
        synchronized (this) { // so that the messages of two threads stay in their order
            byte[] json = unsentCheckpoint;
            if (json != null) {
                unsentCheckpoint = null;
                send(RunMessage.checkpoint(json));
            }
            long now = System.nanoTime();
            if (unsentProgress != null
                    && (line != null || !hasSentProgress || now - progressSentAt >= PROGRESS_PAUSE_NANOS)) {
                sendProgress(now);
            }
        }
    }

    private void flush() {
        synchronized (this) {
            tell();
            if (unsentProgress != null) {
                sendProgress(System.nanoTime());
            }
        }
    }

    private void sendProgress(long now) {
        Progress progress = unsentProgress;
        unsentProgress = null;
        hasSentProgress = true;
        progressSentAt = now;
        if (progress != null) {
            send(RunMessage.report(progress));
        }
    }

    private void send(byte[] message) {
        if (run.line != null) {
            run.line.message(message);
        } else {
            TaskMessages.send(message);
        }
    }

    @Override
    public <A extends @Nullable Object> String enqueue(TaskType<A, ?> type, A argument, SubmitOptions options) {
        SubmitOptions all = options;
        for (var header : run.inherited().entrySet()) {
            if (!options.headers().containsKey(header.getKey())) {
                all = all.header(header.getKey(), header.getValue());
            }
        }
        QueuedTask task = type.task(argument, all).root(run.root).build();
        synchronized (this) {
            if (isRunning) {
                successors.add(task);
            }
        }
        return task.id();
    }

    // ---- what it knows ----

    @Override
    @SuppressWarnings("unchecked") // of a primitive class it is the wrapper, as for all of JSON
    public <C> Optional<C> checkpoint(Class<C> type) {
        byte[] json = run.checkpoint;
        return json == null
                ? Optional.empty()
                : Optional.ofNullable((C) Payloads.read("the checkpoint of " + run.type, json, type));
    }

    @Override
    public @Nullable StopReason stopReason() {
        RunLine line = run.line;
        StopReason reason = line != null ? line.stopReason() : null;
        if (reason == StopReason.CANCELLED) {
            return reason;
        }
        if (isSoftLimitOver()) {
            return StopReason.SOFT_LIMIT;
        }
        if (reason == null && stopSignal.getAsBoolean()) {
            // an interrupt that comes along with the signal is a cancellation
            return thread.isInterrupted() ? StopReason.CANCELLED : StopReason.DRAIN;
        }
        return reason;
    }

    @Override
    public RuntimeException giveBack() {
        return new GiveBack();
    }

    @Override
    public String id() {
        return run.id;
    }

    @Override
    public int attempt() {
        return run.attempt;
    }

    @Override
    public int failures() {
        return run.failures;
    }

    @Override
    public Instant enqueuedAt() {
        return run.enqueuedAt;
    }

    @Override
    public Map<String, String> headers() {
        return Collections.unmodifiableMap(run.headers);
    }
}
