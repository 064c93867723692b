package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Uncaught;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One platform thread, the carrier, that runs all coroutines of a loop: virtual threads whose scheduler this is.
 *
 * <h2>Turns</h2>
 *
 * <p>A continuation is what the JDK gives to {@link #execute} when a virtual thread can go on; running it returns when the
 * thread suspends. What becomes able to go on by something that happens on the carrier is put into {@code ready} at once;
 * what comes from other threads goes through {@code inbox}, and is moved over between rounds of at most {@value
 * #TURNS_IN_A_ROUND} turns, so that {@code ready} needs no lock. Timers and channels of the network are looked at in
 * between as well.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>The carrier sets {@code asleep} before it looks at the inbox for the last time; whoever fills the inbox looks at {@code
 * asleep} after that. One of them sees the other. Where it waits does not change while it does: from the first use of the network
 * on that is the selector.
 *
 * <h2>The end</h2>
 *
 * <p>When the loop is closed and its tasks have ended, the carrier goes, once nothing is ready and no timer is set. Coroutines
 * may have started virtual threads of their own and left them, which are of this scheduler too; should one of them be woken
 * later, a new carrier is started, for as long as there is something to do. So nobody who waits for one waits in vain.
 */
final class LoopScheduler extends OwnScheduler implements CoroutineScheduler {
    /** A compromise: looking around costs about as much as a turn. */
    private static final int TURNS_IN_A_ROUND = 64;

    /** About what it costs to park and be woken: some microseconds, with a pause in each. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    /** Times further apart than {@code Long.MAX_VALUE} could not be compared; those who wait expect to be woken too early. */
    private static final long LONGEST = Long.MAX_VALUE >> 1;

    /** So many turns without a look at the network are enough, when the loop never comes to wait. */
    private static final int TURNS_BETWEEN_LOOKS = 8;

    private static final long PAUSE_AFTER_FAILURE = 10_000_000;

    private static final VarHandle CARRIED;
    private static final VarHandle TURNS;

    static {
        try {
            CARRIED = MethodHandles.lookup().findVarHandle(LoopScheduler.class, "carried", boolean.class);
            TURNS = MethodHandles.lookup().findVarHandle(LoopScheduler.class, "turns", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final EventLoop loop;
    private final ThreadFactory coroutines = threads().factory();
    private final ConcurrentLinkedQueue<Runnable> inbox = new ConcurrentLinkedQueue<>();

    /** Whether there is a carrier, or about to be. */
    private volatile boolean carried;

    private volatile @Nullable Carrier carrier;
    /** Whether the carrier waits, or is about to. */
    private volatile boolean asleep;
    /** Whether it does, or did when it waited last, until it is woken. Written by the carrier. */
    private volatile boolean waitsForOthers;
    /** Called once nothing is left. Written once. */
    private volatile @Nullable Runnable whenOver;
    /** Once there is one, the carrier waits in it. Written by the carrier, in a turn or between two. */
    private volatile @Nullable LoopSelector selector;

    // Only the carrier, in a turn or between two, but that those who look on read the first two:
    /** How many there were; written before each. */
    private long turns;
    private final ReadyQueue ready = new ReadyQueue();
    private final TimerHeap timers = new TimerHeap();
    private boolean said;
    /** Rounds since all tasks have ended, in which threads that nobody waits for had turns. */
    private int roundsAfterEnd;
    /** How many turns there had been when the network was looked at last. */
    private long turnsAtLook;
    /** A coroutine that is started right now; the next continuation is its. */
    private @Nullable Thread startsNow;
    /** That continuation, until the one who started it has yielded. */
    private @Nullable Runnable startedNow;

    LoopScheduler(EventLoop loop) {
        this.loop = loop;
    }

    /** The platform thread. */
    static final class Carrier extends Thread {
        private final LoopScheduler scheduler;

        Carrier(LoopScheduler scheduler, String name) {
            super(null, null, name, 0, false);
            this.scheduler = scheduler;
            setDaemon(true);
        }

        EventLoop loop() {
            return scheduler.loop;
        }

        @Override
        public void run() {
            scheduler.carry(this);
        }
    }

    // ---- what the JDK calls ----

    @Override
    public void execute(Runnable continuation) {
        if (isHere()) {
            if (startsNow != null && threadOf(continuation) == startsNow) {
                startsNow = null;
                startedNow = continuation;
            } else if (startedNow != null) { // of the coroutine that started it, and now yields to it
                ready.addFirst(continuation);
                ready.addFirst(startedNow);
                startedNow = null;
            } else {
                ready.add(continuation);
            }
            return;
        }
        tell(continuation);
    }

    @Override
    public Timeout schedule(Runnable timeout, long delay, TimeUnit unit) {
        return after(unit.toNanos(delay), timeout);
    }

    // ---- what the loop calls ----

    @Override
    public EventLoop.Mechanism mechanism() {
        return EventLoop.Mechanism.SCHEDULER;
    }

    @Override
    public void start(Body body, String name, boolean now) {
        Thread coroutine = coroutines.newThread(body);
        coroutine.setName(name);
        body.runsIn(coroutine);
        if (!now || !isHere()) {
            Backend.start(coroutine);
            return;
        }
        startsNow = coroutine;
        try {
            Backend.start(coroutine);
        } finally {
            startsNow = null;
        }
        Thread.yield();
        Runnable stillThere = startedNow;
        if (stillThere != null) { // this coroutine is pinned and cannot yield
            startedNow = null;
            ready.addFirst(stillThere);
        }
    }

    @Override
    public TimerHeap.Timer after(long nanos, Runnable action) {
        var timer = new TimerHeap.Timer(Backend.current().nanoTime() + Math.min(nanos, LONGEST), action);
        if (isHere()) {
            timers.add(timer);
        } else {
            tell(() -> timers.add(timer));
        }
        return timer;
    }

    @Override
    public boolean isHere() {
        return currentCarrier() == carrier;
    }

    @Override
    public void yieldHere() {
        Thread.yield();
    }

    @Override
    public LoopSelector selector() throws IOException {
        LoopSelector made = selector;
        if (made == null) {
            made = LoopSelector.carriedBy(loop);
            selector = made;
        }
        return made;
    }

    @Override
    public void finish(Runnable callback) {
        whenOver = callback;
        if (isHere()) {
            return;
        }
        try {
            tell(() -> {});
        } catch (OutOfMemoryError e) { // no thread to be had for a loop that has none, and so has nothing else to do
            whenOver = null;
            callback.run();
        }
    }

    @Override
    public Doing doing() {
        if (!carried) {
            return Doing.WAITS;
        }
        if (!asleep) {
            return Doing.TURNS;
        }
        return waitsForOthers ? Doing.WAITS_FOR_OTHERS : Doing.WAITS;
    }

    @Override
    public long turns() {
        return (long) TURNS.getAcquire(this);
    }

    @Override
    public @Nullable Thread running() {
        Runnable turn = doing() == Doing.TURNS ? ready.taken() : null;
        return turn == null ? null : threadOf(turn);
    }

    /** From another thread: something to do between two turns, or a continuation that is to be run in one. */
    private void tell(Runnable what) {
        inbox.add(what);
        if (asleep) {
            wake();
        } else if (!carried) {
            startCarrier();
        }
    }

    private void wake() {
        asleep = false;
        LoopSelector channels = selector;
        if (channels == null) {
            LockSupport.unpark(carrier);
        } else {
            channels.wakeup();
        }
    }

    private void startCarrier() {
        if (!CARRIED.compareAndSet(this, false, true)) {
            return;
        }
        try {
            Backend.start(new Carrier(this, loop.name()));
        } catch (Throwable e) { // no thread to be had
            carried = false;
            throw e;
        }
    }

    // ---- the carrier ----

    private void carry(Carrier self) {
        do {
            carrier = self;
            boolean goesOn = true;
            while (goesOn) {
                try {
                    goesOn = goRound();
                } catch (Throwable e) { // no memory to be had, say
                    Uncaught.report(e);
                    LockSupport.parkNanos(this, PAUSE_AFTER_FAILURE);
                }
            }
            carrier = null;
            carried = false;
        } while (!inbox.isEmpty() && CARRIED.compareAndSet(this, false, true));
    }

    /** Returns false when nothing is left to do. */
    private boolean goRound() {
        takeInbox();
        runDueTimers();
        if (ready.size() > 0) {
            takeTurns();
            if (ready.size() > 0 || turns - turnsAtLook >= TURNS_BETWEEN_LOOKS) {
                lookAtChannels();
            }
            if (whenOver != null && ++roundsAfterEnd > 2) { // they may go on for ever
                sayThatItIsOver();
            }
        } else if (!isOver()) {
            await();
        } else if (selector != null) { // of threads that nobody waits for, or connections that nobody closed
            closeSelector(LoopSelector.ended(loop));
        } else if (!said) {
            sayThatItIsOver(); // which may wake somebody here
        } else if (timers.nanosUntilNext(Backend.current().nanoTime()) == Long.MAX_VALUE) {
            return false;
        } else {
            await(); // for threads that nobody waits for
        }
        return true;
    }

    private void takeInbox() {
        for (Runnable next = inbox.peek(); next != null; next = inbox.peek()) {
            ready.add(next); // before it is taken out, should there be no memory for it
            inbox.remove();
        }
    }

    private void runDueTimers() {
        if (timers.size() == 0) {
            return;
        }
        long now = Backend.current().nanoTime();
        for (TimerHeap.Timer due = timers.pollDue(now); due != null; due = timers.pollDue(now)) {
            run(due::run);
        }
    }

    private void takeTurns() {
        for (int i = 0; i < TURNS_IN_A_ROUND; i++) {
            Runnable next = ready.poll();
            if (next == null) {
                return;
            }
            run(next);
        }
    }

    private void lookAtChannels() {
        LoopSelector channels = selector;
        if (channels != null) {
            select(channels, 0);
        }
    }

    private void select(LoopSelector channels, long nanos) {
        turnsAtLook = turns;
        try {
            channels.select(nanos);
        } catch (IOException | RuntimeException e) {
            closeSelector("the selector of " + loop.name() + " has failed: " + e);
        }
    }

    private void closeSelector(String why) {
        LoopSelector channels = selector;
        selector = null;
        if (channels != null) {
            channels.close(why);
        }
    }

    private void run(Runnable turn) {
        TURNS.setRelease(this, turns + 1);
        try {
            turn.run();
        } catch (Throwable e) { // no memory to be had, say; the coroutine's own exceptions do not come here
            Uncaught.report(e);
        }
    }

    private boolean isOver() {
        return whenOver != null && inbox.isEmpty();
    }

    private void sayThatItIsOver() {
        Runnable callback = whenOver;
        if (callback != null && !said) {
            said = true;
            callback.run();
        }
    }

    private void await() {
        LoopSelector channels = selector;
        for (int i = 0; channels == null && i < SPINS; i++) {
            if (!inbox.isEmpty()) {
                return;
            }
            Thread.onSpinWait();
        }
        asleep = true;
        if (inbox.isEmpty()) {
            long nanos = timers.nanosUntilNext(Backend.current().nanoTime());
            boolean untimed = nanos == Long.MAX_VALUE && (channels == null || !channels.isWaitedFor());
            if (waitsForOthers != untimed) {
                waitsForOthers = untimed;
            }
            if (channels != null) {
                select(channels, nanos);
            } else if (nanos == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else if (nanos > 0) {
                LockSupport.parkNanos(this, nanos);
            }
            Thread.interrupted(); // else it would not park again
        }
        asleep = false;
    }
}
