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
 * The fallback of {@link LoopScheduler}: coroutines are ordinary virtual threads on the JDK's scheduler, and only the
 * thread that holds the baton runs. Nothing here needs access to the JDK's internals.
 *
 * <h2>The baton</h2>
 *
 * <p>{@code held} says whether a thread holds the baton. Only the holder touches {@code ready}. A holder gives the
 * baton up by {@link #passOn}: it moves the inbox to {@code ready}, and grants the baton to the first coroutine there;
 * if there is none, the baton becomes free. A thread that adds to the inbox - a coroutine after a wait, or a submitter
 * outside of the loop - takes a free baton, and passes it on at once.
 *
 * <p>So one coroutine hands over to the next directly: one unpark, one park, and no thread between them.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>The holder that frees the baton clears {@code held}, then looks at the inbox. A sender fills the inbox, then reads
 * {@code held}. At least one of them sees what the other wrote.
 *
 * <h2>Waits</h2>
 *
 * <p>A coroutine gives the baton up before a wait, and asks for it again afterwards ({@link RunPermits}). Meanwhile it
 * waits as any virtual thread does, so that interrupts and time-outs are the JDK's. A coroutine that waits elsewhere
 * keeps the baton, and holds up all others.
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
    /** The coroutine that has the turn. Written by the holder of the baton. */
    private volatile @Nullable Thread running;
    /** Written by the holder of the baton. */
    private final AtomicLong turns = new AtomicLong();
    /** Only the holder of the baton. Runnable coroutines, and actions to run between two turns. */
    private final ReadyQueue ready = new ReadyQueue();
    /** Only the holder of the baton. */
    private @Nullable LoopSelector selector;

    BatonScheduler(EventLoop loop) {
        this.loop = loop;
    }

    /** A coroutine's turn. As an element of the queue, {@link #run} grants it. */
    final class Turn implements RunPermits.Permit, Runnable {
        private final Thread thread;
        private volatile boolean granted;
        /** Only its own thread. Whether it holds the baton. */
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

        /** Grants this coroutine the baton, which the calling thread holds. */
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
                interrupted |= Thread.interrupted(); // an interrupted thread does not park
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

        /** Gives up the turn and waits for the next: behind all that are ready, or right behind another coroutine. */
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

    /** Returns the loop that the calling thread is a coroutine of, in its turn or not. */
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
        Backend.start(turn.thread); // which waits for its first turn
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
        return held ? Doing.TURNS : Doing.WAITS; // a coroutine that waits outside of its turn may go on by itself
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

    /** Gives the baton, which the calling thread holds, to the first coroutine that is ready. */
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
        } catch (Throwable e) { // the baton must be passed on
            Uncaught.report(e);
        }
    }
}
