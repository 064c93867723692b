package dev.sennit.manager;

import dev.sennit.manager.ServerCall.Caller;
import dev.sennit.manager.wire.LockOperations;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/** A lock in a manager's server, owned by a thread of a client. */
final class HostedLock extends OwnedSynchronizer implements LockOperations {
    /** Guarded by guard. */
    private @Nullable Caller owner;
    /** Guarded by guard. How many times the owner has locked it. */
    private int holds;
    /** Guarded by guard. Whether the last owner ended without unlocking. */
    private boolean abandoned;
    /**
     * Guarded by guard. The waiting threads of each condition, the longest waiting first; conditions without threads
     * are not in it.
     */
    private final Map<String, Deque<Waiter>> waiting = new HashMap<>();

    /** A caller that has released the lock, and wants it again when it is signalled. */
    private static final class Waiter {
        final Condition woken;
        /** Guarded by guard. A signalled waiter is not in {@link #waiting} any more. */
        boolean signalled;

        Waiter(Condition woken) {
            this.woken = woken;
        }
    }

    @Override
    public void lock() throws InterruptedException {
        tryLock(Long.MAX_VALUE);
    }

    @Override
    public boolean tryLock() {
        Caller me = ServerCall.current().caller();
        return tryTake(() -> takeIfFree(me));
    }

    @Override
    public boolean tryLock(long nanos) throws InterruptedException {
        Caller me = ServerCall.current().caller();
        return take(() -> takeIfFree(me), nanos);
    }

    private boolean takeIfFree(Caller me) {
        if (me.equals(owner)) {
            holds++;
            return true;
        }
        if (owner != null) {
            return false;
        }
        own(me, 1);
        return true;
    }

    private void own(Caller me, int times) {
        ownedBy(me.session());
        owner = me;
        holds = times;
    }

    @Override
    public void unlock() {
        guard.lock();
        try {
            ensureOwned();
            if (--holds == 0) {
                ServerCall.current().session().disown(this);
                letGo(false);
            }
        } finally {
            guard.unlock();
        }
    }

    @Override
    public boolean isAbandoned() {
        guard.lock();
        try {
            ensureOwned();
            return abandoned;
        } finally {
            guard.unlock();
        }
    }

    private void ensureOwned() {
        if (!ServerCall.current().caller().equals(owner)) {
            throw new IllegalMonitorStateException("the calling thread does not have the lock");
        }
    }

    // ---- conditions ----

    @Override
    public boolean await(String condition, long nanos) throws InterruptedException {
        Objects.requireNonNull(condition, "condition");
        Caller me = ServerCall.current().caller();
        guard.lock();
        try {
            ensureOwned();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            int held = holds;
            var waiter = new Waiter(guard.newCondition());
            waiting.computeIfAbsent(condition, key -> new ArrayDeque<>()).add(waiter);
            InterruptedException interrupt = null;
            boolean back = false;
            try {
                me.session().disown(this);
                letGo(false);
                interrupt = awaitSignal(waiter, nanos);
                takeBack(me, held);
                back = true;
            } finally {
                if (!waiter.signalled) {
                    leave(condition, waiter);
                } else if (!back) {
                    wake(condition); // the client is gone: another waiter gets the signal
                }
            }
            if (interrupt != null && !waiter.signalled) {
                throw interrupt;
            }
            return waiter.signalled;
        } finally {
            guard.unlock();
        }
    }

    /** Returns the interrupt that ended the wait, or null. */
    private static @Nullable InterruptedException awaitSignal(Waiter waiter, long nanos) {
        long left = nanos;
        try {
            while (!waiter.signalled && left > 0) {
                left = waiter.woken.awaitNanos(left);
            }
            return null;
        } catch (InterruptedException e) {
            return e;
        }
    }

    /** Acquires the lock for a caller that has waited for a condition. Only the end of its client can prevent that. */
    private void takeBack(Caller me, int held) {
        while (owner != null) {
            try {
                freed.await();
            } catch (InterruptedException e) {
                if (me.session().hasEnded()) {
                    break;
                }
            }
        }
        own(me, held);
    }

    private void leave(String condition, Waiter waiter) {
        Deque<Waiter> all = waiting.get(condition);
        if (all != null && all.remove(waiter) && all.isEmpty()) {
            waiting.remove(condition);
        }
    }

    /** Signals the longest waiting thread of a condition. Returns whether there was one. */
    private boolean wake(String condition) {
        Deque<Waiter> all = waiting.get(condition);
        if (all == null) {
            return false;
        }
        Waiter first = all.remove();
        if (all.isEmpty()) {
            waiting.remove(condition);
        }
        first.signalled = true;
        first.woken.signal();
        return true;
    }

    @Override
    public void signal(String condition) {
        guard.lock();
        try {
            ensureOwned();
            boolean ignored = wake(condition);
        } finally {
            guard.unlock();
        }
    }

    @Override
    public void signalAll(String condition) {
        guard.lock();
        try {
            ensureOwned();
            while (wake(condition)) {
                // the next one
            }
        } finally {
            guard.unlock();
        }
    }

    @Override
    public void abandonedBy(ManagerSession session) {
        guard.lock();
        try {
            // a wait that began meanwhile may have released it, and another client may own it
            if (owner != null && owner.session() == session) {
                letGo(true);
            }
        } finally {
            guard.unlock();
        }
    }

    private void letGo(boolean withoutUnlock) {
        owner = null;
        holds = 0;
        abandoned = withoutUnlock;
        freed.signal();
    }
}
