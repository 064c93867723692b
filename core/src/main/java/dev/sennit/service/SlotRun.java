package dev.sennit.service;

import dev.sennit.TimeSource;
import dev.sennit.internal.Timers;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A process of a slot, as the slot knows it. What the process tells are levels that any thread sets; the slot's thread
 * reads them, and has the other fields to itself.
 */
final class SlotRun implements RunListener {
    final Generation generation;
    /** How many restarts had been asked for when it was started. */
    final long restarts;
    final long startedAt;
    final Instant started;
    /** After so much work it is replaced. */
    final long workLimit;
    /** At this moment it is replaced. */
    final long replaceAt;

    private final TimeSource time;
    private final Runnable changed;
    private final AtomicLong work = new AtomicLong();
    private volatile boolean isReady;
    private volatile long beatAt;
    private volatile boolean hasBeaten;
    private volatile @Nullable RunEnd end;

    // Of the slot's thread:
    /** Null until it has been started. */
    private @Nullable Run run;
    /** Whether the slot has taken note that it is ready. */
    boolean wasReady;
    long readyAt;
    boolean isStopping;
    private boolean isKilled;
    private long killedAt;
    private long stopBy;
    /** Why the slot asked it to stop, or killed it; null if it did not. */
    @Nullable String whyStopped;
    /** The looks in a row that found too much memory. */
    int looksAboveMemory;

    /** Makes one whose limits of age and work are as many times those of its settings. */
    SlotRun(Generation generation, long restarts, TimeSource time, double jitter, Runnable changed) {
        this.generation = generation;
        this.restarts = restarts;
        this.time = time;
        this.changed = changed;
        startedAt = time.nanoTime();
        started = time.now();
        beatAt = startedAt;
        ServiceSettings settings = generation.settings();
        workLimit = settings.maxWork() == 0 ? Long.MAX_VALUE : Math.max(1, (long) (settings.maxWork() * jitter));
        Duration maxAge = settings.maxAge();
        replaceAt = maxAge == null ? Long.MAX_VALUE : startedAt + (long) (Timers.nanos(maxAge) * jitter);
    }

    // ---- what it tells ----

    @Override
    public void ready() {
        if (!isReady) {
            isReady = true;
            changed.run();
        }
    }

    @Override
    public void heartbeat() {
        beatAt = time.nanoTime();
        hasBeaten = true;
    }

    @Override
    public void worked(long pieces) {
        long before = work.getAndAccumulate(pieces, (sum, more) -> sum + more < 0 ? Long.MAX_VALUE : sum + more);
        if (before < workLimit && pieces >= workLimit - before) {
            changed.run();
        }
    }

    @Override
    public void ended(RunEnd how) {
        if (end == null) { // else the slot has given it up
            end = how;
        }
        changed.run();
    }

    boolean isReady() {
        return isReady;
    }

    @Nullable RunEnd end() {
        return end;
    }

    long work() {
        return work.get();
    }

    /** Returns the moment of the last sign of life; of its start, if there was none. */
    long beatAt() {
        return beatAt;
    }

    /** Begins the time for its next heartbeat anew. */
    void postponeHeartbeat() {
        beatAt = time.nanoTime();
    }

    boolean hasBeaten() {
        return hasBeaten;
    }

    // ---- what the slot does with it ----

    void isRunBy(Run process) {
        run = process;
    }

    long pid() {
        Run process = run;
        return process == null ? 0 : process.pid();
    }

    void terminate(Duration limit, String why) {
        if (isStopping) {
            return;
        }
        isStopping = true;
        whyStopped = why;
        stopBy = time.nanoTime() + limit.toNanos();
        if (run != null) {
            run.terminate(limit);
        }
    }

    void kill(String why) {
        if (isKilled) {
            return;
        }
        isKilled = true;
        killedAt = time.nanoTime();
        whyStopped = why;
        if (run != null) {
            run.kill();
        }
    }

    void reload() {
        if (run != null && !isStopping) {
            run.reload();
        }
    }

    /** Whether it was neither asked to end nor killed, and has not ended. */
    boolean isServing() {
        return !isStopping && !isKilled && end == null;
    }

    /** Whether the slot killed it without asking, or after it had asked in vain. */
    boolean isKilled() {
        return isKilled;
    }

    long killedAt() {
        return killedAt;
    }

    long stopBy() {
        return stopBy;
    }
}
