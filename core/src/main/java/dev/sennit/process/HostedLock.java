package dev.sennit.process;

import dev.sennit.process.ServerCall.Caller;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A lock in a manager's server, owned by a thread of a client. */
final class HostedLock implements LockOperations, ManagerSession.Owned {
    private final ReentrantLock guard = new ReentrantLock();
    private final Condition free = guard.newCondition();
    /** Guarded by guard. */
    private @Nullable Caller owner;
    /** Guarded by guard. How often the owner has locked it. */
    private int holds;
    /** Guarded by guard. Whether the last owner ended without letting go. */
    private boolean abandoned;

    @Override
    public void lock() throws InterruptedException {
        tryLock(Long.MAX_VALUE);
    }

    @Override
    public boolean tryLock() {
        guard.lock();
        try {
            return takeIfFree(ServerCall.current().caller());
        } finally {
            guard.unlock();
        }
    }

    @Override
    public boolean tryLock(long nanos) throws InterruptedException {
        Caller me = ServerCall.current().caller();
        guard.lockInterruptibly();
        try {
            long left = nanos;
            while (!takeIfFree(me)) {
                if (left <= 0) {
                    return false;
                }
                left = free.awaitNanos(left);
            }
            return true;
        } finally {
            guard.unlock();
        }
    }

    /** A client that has ended gets nothing: nobody would give it back. */
    private boolean takeIfFree(Caller me) {
        if (me.equals(owner)) {
            holds++;
            return true;
        }
        if (owner != null) {
            return false;
        }
        if (!me.session().own(this)) {
            free.signal(); // it may have been this one's turn
            throw new IllegalStateException("the client is gone");
        }
        owner = me;
        holds = 1;
        return true;
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

    @Override
    public void abandonedBy(ManagerSession session) {
        guard.lock();
        try {
            letGo(true);
        } finally {
            guard.unlock();
        }
    }

    private void letGo(boolean withoutUnlock) {
        owner = null;
        holds = 0;
        abandoned = withoutUnlock;
        free.signal();
    }
}
