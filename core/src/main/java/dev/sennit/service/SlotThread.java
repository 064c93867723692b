package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Uncaught;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The thread of a {@link Slot}: calls its {@link Slot#step} when something has changed and when a limit is over. It is
 * a platform thread, so that a service that holds all carriers cannot keep the manager from replacing it.
 */
final class SlotThread extends Thread {
    /** A small stack, as the thread only starts and stops processes. */
    private static final long STACK = 1 << 18;
    /** The pause after a step that failed, which is a defect, or a lack of memory. */
    private static final long PAUSE_NANOS = 1_000_000_000;

    private final Runnable stepped;
    private volatile boolean isPoked = true;
    private volatile boolean isOver;
    private volatile @Nullable Slot slot;

    /**
     * Makes a thread that has not been started.
     *
     * @param stepped called after each step
     */
    SlotThread(String name, Runnable stepped) {
        super(null, null, name, STACK, false);
        this.stepped = stepped;
        setDaemon(true);
    }

    /** Starts this thread for a slot; throws OutOfMemoryError if no thread is available. */
    void begin(Slot owner) {
        slot = owner;
        Backend.start(this);
    }

    /** Makes this thread call the slot's step soon. For any thread. */
    void poke() {
        isPoked = true;
        LockSupport.unpark(this);
    }

    /** Ends this thread; the slot has no process any more. */
    void end() {
        isOver = true;
        poke();
    }

    /** Ignores interrupts, as they would disturb the slot. */
    @Override
    public void interrupt() {}

    @Override
    public void run() {
        Slot owner = slot;
        String failed = "a step of " + getName() + " failed"; // made now, as later there may be no memory
        while (owner != null && !isOver) {
            isPoked = false;
            long due = Backend.current().nanoTime();
            long wait;
            try {
                wait = owner.step();
            } catch (Throwable e) {
                Uncaught.log(failed, e);
                wait = PAUSE_NANOS;
            }
            stepped.run();
            for (long left = wait; !isPoked && left > 0; left = wait - (Backend.current().nanoTime() - due)) {
                LockSupport.parkNanos(this, left);
            }
        }
    }
}
