package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.RunPermits;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Ordinary virtual threads that agree to run one at a time: the one that has the baton. Nothing here is the JDK's own.
 *
 * <h2>The baton</h2>
 *
 * <p>{@code held} says whether somebody has it. Who has it alone touches {@code ready}. To give it up is to {@link #passOn}: move
 * the inbox over, and grant the baton to the first that can go on; if there is none, it lies free. Whoever puts
 * something into the inbox - a coroutine that wants to go on after a wait, a start from outside - takes the baton if it
 * lies free, and passes it on at once.
 *
 * <p>So a coroutine hands over directly to the next one, without a thread between them: one unpark, one park.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>Who lets the baton lie looks at the inbox after that; who fills the inbox looks at {@code held} after that. One of them
 * sees the other.
 *
 * <h2>Waits</h2>
 *
 * <p>A coroutine that waits gives the baton up before and asks for it again after ({@link RunPermits}). A coroutine waits outside of its
 * turn as any virtual thread does, so that interrupts and time-outs are the JDK's. One that waits without saying so keeps
 * the baton, and all others wait with it.
 */
final class BatonScheduler implements CoroutineScheduler {
    private static final VarHandle HELD;

    static {
        try {
            HELD = MethodHandles.lookup().findVarHandle(BatonScheduler.class, "held", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final EventLoop loop;
    private final ConcurrentLinkedQueue<Runnable> inbox = new ConcurrentLinkedQueue<>();
    private volatile boolean held;
    /** Whose turn it is. Written by who has the baton. */
    private volatile @Nullable Thread running;
    /** Counted by who has the baton. */
    private final AtomicLong turns = new AtomicLong();
    /** Only who has the baton. Coroutines that can go on, and actions to be done in between. */
    private final ReadyQueue ready = new ReadyQueue();
    /** Only who has the baton. */
    private @Nullable LoopSelector selector;

    BatonScheduler(EventLoop loop) {
        this.loop = loop;
    }

    /** A coroutine's turn; as an entry of the queue, to run it is to grant it. */
    final class Turn implements RunPermits.Permit, Runnable {
        private final Thread thread;
        private volatile boolean granted;
        /** Only its thread. Whether it has the baton. */
        private boolean has;

        Turn(Runnable body, String name) {
            thread = Thread.ofVirtual().name(name).unstarted(() -> runAll(body));
        }

        private void runAll(Runnable body) {
            RunPermits.set(this);
            await();
            try {
                body.run();
            } finally {
                release();
                RunPermits.set(null);
            }
        }

        /** Grants it the baton, which the calling thread has. */
        @Override
        public void run() {
            running = thread;
            turns.setRelease(turns.getPlain() + 1);
            granted = true;
            LockSupport.unpark(thread);
        }

        private void await() {
            boolean interrupted = false;
            while (!granted) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted(); // else it would not park again
            }
            granted = false;
            has = true;
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public boolean release() {
            if (!has) {
                return false;
            }
            has = false;
            passOn();
            return true;
        }

        @Override
        public void reacquire() {
            tell(this);
            await();
        }

        /** Goes on after all that can now, or right after another. */
        void letGoFirst(@Nullable Turn other) {
            has = false;
            if (other != null) {
                ready.addFirst(this);
                ready.addFirst(other);
            } else {
                ready.add(this);
            }
            passOn();
            await();
        }

        EventLoop loop() {
            return loop;
        }

        private BatonScheduler scheduler() {
            return BatonScheduler.this;
        }
    }

    /** The loop that the calling thread is a coroutine of, in its turn or not. */
    static @Nullable EventLoop loopOfThread() {
        return RunPermits.current() instanceof Turn turn ? turn.loop() : null;
    }

    private @Nullable Turn turnHere() {
        return RunPermits.current() instanceof Turn turn && turn.scheduler() == this && turn.has ? turn : null;
    }

    @Override
    public EventLoop.Mechanism mechanism() {
        return EventLoop.Mechanism.BATON;
    }

    @Override
    public void start(Body body, String name, boolean now) {
        var turn = new Turn(body, name);
        body.runsIn(turn.thread);
        Backend.start(turn.thread); // and waits for its turn
        Turn here = turnHere();
        if (here == null) {
            tell(turn);
        } else if (now) {
            here.letGoFirst(turn);
        } else {
            ready.add(turn);
        }
    }

    @Override
    public Future<?> after(long nanos, Runnable action) {
        return Timers.after(Duration.ofNanos(nanos), () -> tell(action));
    }

    @Override
    public boolean isHere() {
        return turnHere() != null;
    }

    @Override
    public void yieldHere() {
        Turn here = turnHere();
        if (here == null) {
            Thread.yield();
            return;
        }
        takeInbox();
        if (ready.size() > 0) {
            here.letGoFirst(null);
        }
    }

    @Override
    public LoopSelector selector() throws IOException {
        LoopSelector made = selector;
        if (made == null) {
            made = LoopSelector.withThread(loop);
            selector = made;
        }
        return made;
    }

    @Override
    public void finish(Runnable callback) {
        tell(() -> {
            if (selector != null) {
                selector.close(LoopSelector.ended(loop));
            }
            callback.run();
        });
    }

    @Override
    public Doing doing() {
        return held ? Doing.TURNS : Doing.WAITS; // who waits outside of a turn may go on by itself
    }

    @Override
    public long turns() {
        return turns.getAcquire();
    }

    @Override
    public @Nullable Thread running() {
        return running;
    }

    private void tell(Runnable what) {
        inbox.add(what);
        if (!held && HELD.compareAndSet(this, false, true)) {
            passOn();
        }
    }

    private void takeInbox() {
        for (Runnable next = inbox.poll(); next != null; next = inbox.poll()) {
            ready.add(next);
        }
    }

    /** Gives the baton, which the calling thread has, to the first that can go on. */
    private void passOn() {
        do {
            takeInbox();
            for (Runnable next = ready.poll(); next != null; next = ready.poll()) {
                if (next instanceof Turn) {
                    next.run();
                    return;
                }
                runAction(next);
                takeInbox();
            }
            running = null;
            held = false;
        } while (!inbox.isEmpty() && HELD.compareAndSet(this, false, true));
    }

    private static void runAction(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) { // the baton has to be passed on
            Uncaught.report(e);
        }
    }
}
