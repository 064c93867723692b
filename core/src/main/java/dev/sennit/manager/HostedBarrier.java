package dev.sennit.manager;

import dev.sennit.internal.Durations;
import dev.sennit.manager.ServerCall.Caller;
import dev.sennit.manager.wire.BarrierOperations;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A barrier in a manager's server.
 *
 * <p>Threads come to a round. The last thread opens the round: at once or, if it has an action, when it has reported
 * that the action is done. The next round begins as soon as the last thread has come, so threads that come during the
 * action wait for others and not for the action. A round is WAITING -> OPEN or BROKEN. A thread that breaks a round
 * breaks all rounds, until {@link #reset}.
 */
final class HostedBarrier implements BarrierOperations, ManagerSession.Owned {
    private final int parties;
    private final ReentrantLock guard = new ReentrantLock();
    private final Condition ended = guard.newCondition();
    /** Guarded by guard. The round that threads come to. */
    private Round round = new Round();
    /** Guarded by guard. The rounds that wait for an action, by the thread that runs it. */
    private final Map<Caller, Round> acting = new HashMap<>();

    /** Guarded by guard. */
    private static final class Round {
        int come;
        boolean open;
        boolean broken;

        boolean isOver() {
            return open || broken;
        }

        void ensureWhole() throws BrokenBarrierException {
            if (broken) {
                throw new BrokenBarrierException("one that waited was interrupted, has ended, or its time was over,"
                        + " its action failed, or the barrier was aborted or reset");
            }
        }
    }

    HostedBarrier(int parties) {
        if (parties < 1) {
            throw new IllegalArgumentException("parties must be >= 1, was " + parties);
        }
        this.parties = parties;
    }

    @Override
    public int await(boolean withAction, long nanos)
            throws InterruptedException, BrokenBarrierException, TimeoutException {
        guard.lock(); // uninterruptibly, as a thread that comes interrupted breaks the barrier, too
        try {
            Round mine = round;
            mine.ensureWhole();
            if (Thread.interrupted()) {
                breakAll();
                throw new InterruptedException();
            }
            int missing = parties - ++mine.come;
            if (missing > 0) {
                awaitEnd(mine, nanos);
                return missing;
            }
            round = new Round();
            if (withAction) {
                act(mine);
                return RUN_ACTION;
            }
            open(mine);
            return 0;
        } finally {
            guard.unlock();
        }
    }

    private void awaitEnd(Round mine, long nanos)
            throws InterruptedException, BrokenBarrierException, TimeoutException {
        long left = nanos;
        while (!mine.isOver()) {
            if (left <= 0) {
                breakAll();
                throw new TimeoutException("after " + Durations.text(Duration.ofNanos(Math.max(0, nanos)))
                        + " not all of " + parties + " had come to the barrier");
            }
            try {
                left = ended.awaitNanos(left);
            } catch (InterruptedException e) {
                if (!mine.isOver()) {
                    breakAll();
                    throw e;
                }
            }
        }
        mine.ensureWhole();
    }

    private void open(Round one) {
        one.open = true;
        ended.signalAll();
    }

    private void breakAll() {
        round.broken = true;
        acting.values().forEach(one -> one.broken = true);
        ended.signalAll();
    }

    // ---- actions ----

    private void act(Round mine) {
        Caller me = ServerCall.current().caller();
        boolean isFirst = acting.keySet().stream().noneMatch(caller -> caller.session() == me.session());
        acting.put(me, mine);
        if (isFirst && !me.session().own(this)) {
            breakAll();
            acting.remove(me);
            throw new IllegalStateException("the client is gone");
        }
    }

    @Override
    public void actionDone(boolean succeeded) throws BrokenBarrierException {
        Caller me = ServerCall.current().caller();
        guard.lock();
        try {
            Round mine = acting.get(me);
            if (mine == null) {
                throw new IllegalStateException("the calling thread runs no action of the barrier");
            }
            if (!succeeded) {
                breakAll();
            }
            acting.remove(me);
            if (acting.keySet().stream().noneMatch(caller -> caller.session() == me.session())) {
                me.session().disown(this);
            }
            if (succeeded) {
                mine.ensureWhole();
                open(mine);
            }
        } finally {
            guard.unlock();
        }
    }

    @Override
    public void abandonedBy(ManagerSession session) {
        guard.lock();
        try {
            breakAll();
            acting.keySet().removeIf(caller -> caller.session() == session);
        } finally {
            guard.unlock();
        }
    }

    // ---- for all clients ----

    @Override
    public void abort() {
        guard.lock();
        try {
            breakAll();
        } finally {
            guard.unlock();
        }
    }

    @Override
    public void reset() {
        guard.lock();
        try {
            breakAll();
            round = new Round();
        } finally {
            guard.unlock();
        }
    }

    @Override
    public boolean isBroken() {
        guard.lock();
        try {
            return round.broken;
        } finally {
            guard.unlock();
        }
    }

    @Override
    public int parties() {
        return parties;
    }

    @Override
    public int waiting() {
        guard.lock();
        try {
            long others = acting.values().stream().filter(one -> !one.broken).count() * (parties - 1);
            return (int) others + (round.broken ? 0 : round.come);
        } finally {
            guard.unlock();
        }
    }
}
