package dev.sennit.service;

import dev.sennit.TimeSource;
import dev.sennit.internal.Timers;
import dev.sennit.internal.view.FigureBook;
import dev.sennit.internal.view.WorkerFigures;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The slot's view of one of its processes. Any thread sets the fields with the events of the process; the slot's thread
 * reads them, and only it uses the other fields.
 */
final class SlotRun implements RunListener {
    final Generation generation;
    /** The number of requested restarts when the process was started. */
    final long restarts;
    final long startedAt;
    final Instant started;
    /** The amount of work after which the process is replaced. */
    final long workLimit;
    /** When the process is replaced. */
    final long replaceAt;

    private final TimeSource time;
    private final Runnable changed;
    private final AtomicLong work = new AtomicLong();
    private volatile boolean isReady;
    private volatile long beatAt;
    private volatile boolean hasBeaten;
    private volatile @Nullable RunEnd end;
    /** Set before the process is started. */
    private volatile FigureBook.@Nullable Page figures;

    // Only the slot's thread:
    /** Null until the process has been started. */
    private @Nullable Run run;
    /** Whether the slot has noticed that the process is ready. */
    boolean wasReady;
    long readyAt;
    boolean isStopping;
    private boolean isKilled;
    private long killedAt;
    private long stopBy;
    /** Why the slot has asked the process to stop, or killed it; null if it has not. */
    @Nullable String whyStopped;
    /** The checks in a row that found too much memory. */
    int looksAboveMemory;

    /** Makes a run. {@code jitter} is the factor for the limits of age and work in the settings. */
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

    // ---- events of the process ----

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
    public void figures(WorkerFigures newer) {
        FigureBook.Page page = figures;
        if (page != null) {
            page.set(newer);
        }
    }

    @Override
    public void ended(RunEnd how) {
        FigureBook.Page page = figures;
        if (page != null) {
            page.end();
        }
        if (end == null) { // otherwise the slot has given it up
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

    /** Returns the time of the last heartbeat, or of the start if there was none. */
    long beatAt() {
        return beatAt;
    }

    /** Starts the limit for the next heartbeat again. */
    void postponeHeartbeat() {
        beatAt = time.nanoTime();
    }

    boolean hasBeaten() {
        return hasBeaten;
    }

    // ---- actions of the slot ----

    /** Sets where the figures of the process go. Called once, before it is started. */
    void tellsFigures(FigureBook.Page page) {
        figures = page;
    }

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

    /** Returns whether the process was neither asked to end nor killed, and has not ended. */
    boolean isServing() {
        return !isStopping && !isKilled && end == null;
    }

    /** Returns whether the slot has killed the process, with or without asking it to stop before. */
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
