package dev.sennit.queue.worker;

import dev.sennit.TaskFuture;
import dev.sennit.TimeSource;
import dev.sennit.queue.StopReason;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Progress;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.Token;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * A task that a worker has claimed.
 *
 * <pre>
 * AHEAD   -> RUNNING   it was given to the pool
 * AHEAD   -> ENDED     it is given back, or was cancelled
 * RUNNING -> ENDED     the run is over, or is given up; the broker has not been told yet
 * ENDED   -> GONE      the broker was told
 * AHEAD, RUNNING -> GONE   the lease was lost: somebody else has the task, and the broker is told nothing
 * </pre>
 *
 * <p>All fields that change are guarded by this. No code of others is called under this lock.
 */
final class HeldTask implements RunLine {
    private static final Logger LOG = System.getLogger(Worker.class.getName());

    enum State {
        AHEAD, RUNNING, ENDED, GONE
    }

    /** Why a run was stopped from outside, other than by its limit. */
    enum Stop {
        /** The task was cancelled. */
        CANCELLED,
        /** The worker has ended, or cannot renew the lease: the task is given back. */
        GIVEN_BACK
    }

    /** What it tells of a run. */
    interface Listener {
        /** The run has left something that should be in the broker soon. */
        void hasNews(boolean isUrgent);
    }

    final Claim claim;
    final long claimedAt;
    private final TimeSource time;
    private final Listener listener;

    private State state = State.AHEAD;
    private boolean hasPlace;
    private long leaseEnd;
    private long startedAt;
    private long heardAt;
    private @Nullable TaskFuture<byte[][]> future;
    private @Nullable StopReason reason;
    private @Nullable Stop stop;
    private byte @Nullable [] checkpoint;
    private @Nullable Progress progress;
    /** Whether a checkpoint is being told. */
    private boolean isTelling;

    HeldTask(Claim claim, TimeSource time, long leaseEnd, Listener listener) {
        this.claim = claim;
        this.time = time;
        this.listener = listener;
        long now = time.nanoTime();
        claimedAt = now;
        this.leaseEnd = leaseEnd;
        startedAt = now;
        heardAt = now;
    }

    Token token() {
        return claim.token();
    }

    /** Moves on; returns whether the task was in the state. */
    synchronized boolean move(State from, State to) {
        if (state != from) {
            return false;
        }
        state = to;
        return true;
    }

    /** Moves from AHEAD to RUNNING. */
    synchronized boolean begin() {
        if (!move(State.AHEAD, State.RUNNING)) {
            return false;
        }
        hasPlace = true;
        long now = time.nanoTime();
        startedAt = now;
        heardAt = now;
        return true;
    }

    /** Notes that its place is free; returns false if it was before. */
    synchronized boolean leavePlace() {
        boolean had = hasPlace;
        hasPlace = false;
        return had;
    }

    synchronized State state() {
        return state;
    }

    synchronized boolean isHeld() {
        return state != State.GONE;
    }

    // ---- the lease ----

    synchronized void renewed(long newEnd) {
        leaseEnd = newEnd;
    }

    synchronized boolean isOverdue(long now) {
        return now - leaseEnd >= 0;
    }

    /** Takes what is to be told along with a renewal. */
    synchronized Renewal renewal() {
        Renewal renewal = new Renewal(token(), checkpoint, progress);
        isTelling = checkpoint != null;
        checkpoint = null;
        progress = null;
        return renewal;
    }

    /** Notes that the broker has what {@link #renewal} has taken. */
    synchronized void told() {
        isTelling = false;
    }

    /** Puts back what could not be told, unless there is something newer. */
    synchronized void restore(Renewal renewal) {
        isTelling = false;
        if (checkpoint == null) {
            checkpoint = renewal.checkpoint();
        }
        if (progress == null) {
            progress = renewal.progress();
        }
    }

    /** Returns whether there is a checkpoint that the broker may not have yet. */
    synchronized boolean hasUntoldCheckpoint() {
        return checkpoint != null || isTelling;
    }

    synchronized boolean hasNews() {
        return checkpoint != null || progress != null;
    }

    // ---- the run ----

    /** Notes the future of the run; returns what became of it meanwhile: how it is to be stopped, or null. */
    synchronized @Nullable StopReason started(TaskFuture<byte[][]> newFuture) {
        future = newFuture;
        return state == State.GONE ? StopReason.CANCELLED : reason;
    }

    synchronized @Nullable TaskFuture<byte[][]> future() {
        return future;
    }

    /** Notes that the run is to end by itself, unless there is a harder reason. */
    synchronized void ask(StopReason newReason) {
        if (reason != StopReason.CANCELLED) {
            reason = newReason;
        }
    }

    /** Notes that the run is stopped; returns false if it was before. */
    synchronized boolean halt(Stop newStop) {
        if (state != State.RUNNING || stop != null) {
            return false;
        }
        stop = newStop;
        if (newStop == Stop.CANCELLED || reason == null) {
            reason = StopReason.CANCELLED;
        }
        return true;
    }

    synchronized @Nullable Stop stop() {
        return stop;
    }

    @Override
    public synchronized @Nullable StopReason stopReason() {
        return reason;
    }

    @Override
    public void message(byte[] message) {
        boolean isUrgent;
        try {
            RunMessage read = RunMessage.read(message);
            synchronized (this) {
                if (state != State.RUNNING) {
                    return;
                }
                heardAt = time.nanoTime();
                switch (read) {
                    case RunMessage.Checkpoint(byte[] json) -> checkpoint = json;
                    case RunMessage.Report(Progress newProgress) -> progress = newProgress;
                }
                isUrgent = checkpoint != null;
            }
        } catch (IllegalArgumentException e) {
            LOG.log(Level.WARNING, claim.task() + ": " + e.getMessage());
            return;
        }
        listener.hasNews(isUrgent);
    }

    synchronized long startedAt() {
        return startedAt;
    }

    synchronized long heardAt() {
        return heardAt;
    }
}
