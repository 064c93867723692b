package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.OwnScheduler;
import dev.sennit.internal.Uncaught;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs all coroutines of a loop on one platform thread, the carrier. Coroutines are virtual threads that have this
 * scheduler.
 *
 * <h2>Turns</h2>
 *
 * <p>When a virtual thread becomes runnable - it was started, unparked, or yields - the JDK passes its continuation to
 * {@link #execute}. The carrier runs the continuation; {@code run} returns when the virtual thread suspends or ends.
 * One such run is a turn. While a turn computes, or blocks without suspending, no other coroutine runs.
 *
 * <p>Only the carrier uses {@code ready}, which therefore needs no lock: what becomes runnable during a turn is
 * appended there at once. Other threads append to {@code inbox}. The carrier works in rounds. In a round it moves the
 * inbox to {@code ready}, runs all timers that are due, runs at most {@value #TURNS_IN_A_ROUND} turns from
 * {@code ready}, and may poll the network. A timer's action counts as a turn for observers, but not for the limit of a
 * round.
 *
 * <h2>The carrier</h2>
 *
 * <p>A loop has no carrier at first ({@code carried} is false). The thread that brings the first work wins
 * {@code carried} by compare-and-set and starts the carrier. When nothing is ready, the carrier sleeps ({@code asleep})
 * until a timer is due, the network has something, or another thread wakes it: parked, or in the selector once a
 * coroutine has used the network. When the loop has ended and nothing is left, the carrier exits, and {@code carried}
 * is false again.
 *
 * <h2>No wake-up is lost</h2>
 *
 * <p>The carrier sets {@code asleep}, then looks at the inbox, then sleeps. A sender adds to the inbox, then reads
 * {@code asleep}. The flag is volatile and the inbox a concurrent queue, so at least one of the two sees what the other
 * wrote. Likewise a carrier that exits clears {@code carried}, then looks at the inbox; a sender adds to the inbox,
 * then reads {@code carried}.
 *
 * <p>A sender that reads {@code asleep} as true clears it and then wakes the carrier, so that later senders need not.
 * If this sender is slow, the carrier may meanwhile have done the sender's work and gone to sleep again. The sender
 * then clears the new {@code asleep}, and other senders do not wake the carrier; but the slow sender's own wake-up is
 * still to come, and after it the carrier finds what all of them have added.
 *
 * <p>A sleeping carrier does not change between parking and the selector: only code in a turn creates the selector, and
 * only the carrier closes it, after it has woken.
 *
 * <h2>Starting at once</h2>
 *
 * <p>{@link #start} with {@code now} lets a coroutine run another one before it goes on itself. The JDK passes the
 * continuation of the new coroutine to {@link #execute}, which keeps it in {@code startedNow}. Then the starter yields,
 * and {@code execute} gets the starter's continuation: it puts both at the front of {@code ready}, the new coroutine
 * first. If the starter cannot yield, the new coroutine gets the next turn instead.
 *
 * <h2>The end</h2>
 *
 * <p>The loop calls {@link #finish} when it is closed and its tasks have ended. Once nothing is ready, the carrier
 * closes the selector, calls the callback, and then exits as soon as no timer is set. Coroutines may have started
 * virtual threads of their own and left them; these have the same scheduler, and may run forever. If they keep the
 * carrier busy, the callback is called in the third round in which they had turns. If such a thread is woken after the
 * carrier has exited, a new carrier is started, so that a thread which waits for it does not hang.
 */
final class LoopScheduler extends OwnScheduler implements CoroutineScheduler {
    /** A compromise: a look at inbox, timers and network costs about as much as a turn. */
    private static final int TURNS_IN_A_ROUND = 64;

    /** Spins for about as long as it takes to park and be woken, some microseconds. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

    /**
     * Longer delays are cut to this, 146 years: due times further apart than {@code Long.MAX_VALUE} cannot be compared.
     */
    private static final long LONGEST = Long.MAX_VALUE >> 1;

    /**
     * After a round that leaves nothing ready, the carrier polls the network only if this many turns have passed since
     * the last poll: otherwise the next sleep, in the selector, comes soon enough.
     */
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

    /** Whether a carrier exists or is being started. Won by compare-and-set, cleared by the carrier when it exits. */
    private volatile boolean carried;

    private volatile @Nullable Carrier carrier;
    /**
     * Whether the carrier sleeps or is about to. Set by the carrier; cleared by the carrier and by those who wake it.
     */
    private volatile boolean asleep;
    /**
     * Valid while {@code asleep}: whether no timer is set and no channel is in the selector, so that only another
     * thread can wake the carrier. Written by the carrier.
     */
    private volatile boolean waitsForOthers;
    /** The callback of {@link #finish}, which writes it once; null until then. */
    private volatile @Nullable Runnable whenOver;
    /** Whether the callback of {@link #finish} was called. Set by the thread that calls it. */
    private final AtomicBoolean said = new AtomicBoolean();
    /**
     * Null until a coroutine uses the network. While there is a selector, the carrier sleeps in it. Written by the
     * carrier, in a turn or between two.
     */
    private volatile @Nullable LoopSelector selector;

    // Only the carrier, in a turn or between two. Observers in other threads read only turns (with acquire) and
    // ready.taken(). What ready.taken() returns is certain only if turns was the same before and after the read:
    /** The number of turns so far, the current one included. Written with release. */
    private long turns;
    private final ReadyQueue ready = new ReadyQueue();
    private final TimerHeap timers = new TimerHeap();
    /** Rounds since {@link #finish} in which threads that coroutines have left behind had turns. */
    private int roundsAfterEnd;
    /** The value of {@code turns} at the last look at the network. */
    private long turnsAtLook;
    /** The coroutine that {@link #start} starts at once, until {@link #execute} gets its continuation. */
    private @Nullable Thread startsNow;
    /** The continuation of that coroutine, until its starter yields, or has failed to. */
    private @Nullable Runnable startedNow;

    LoopScheduler(EventLoop loop) {
        this.loop = loop;
    }

    /** The platform thread that runs the turns. */
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
            } else if (startedNow != null) { // this is the starter, which yields to the started coroutine
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
        if (stillThere != null) { // the starter could not yield: it is pinned, or a timer's action
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
        } catch (OutOfMemoryError e) { // no thread for a carrier; whenOver stays, so that a later carrier exits
            sayThatItIsOver();
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

    /** Sends the carrier, from another thread, a continuation or an action. The carrier runs it in a turn. */
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
        } catch (Throwable e) { // no thread could be started
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
                } catch (Throwable e) { // out of memory, for instance
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
            if (whenOver != null && ++roundsAfterEnd > 2) { // threads left behind may run forever
                sayThatItIsOver();
            }
        } else if (!isOver()) {
            await();
        } else if (selector != null) { // threads left behind may wait in it, or connections were never closed
            closeSelector(LoopSelector.ended(loop));
        } else if (!said.get()) {
            sayThatItIsOver(); // which may make a thread runnable
        } else if (timers.nanosUntilNext(Backend.current().nanoTime()) == Long.MAX_VALUE) {
            return false;
        } else {
            await(); // a thread left behind has a timer
        }
        return true;
    }

    private void takeInbox() {
        for (Runnable next = inbox.peek(); next != null; next = inbox.peek()) {
            ready.add(next); // first, as it may run out of memory
            inbox.remove();
        }
    }

    private void runDueTimers() {
        if (timers.size() == 0) {
            return;
        }
        long now = Backend.current().nanoTime();
        for (TimerHeap.Timer due = timers.pollDue(now); due != null; due = timers.pollDue(now)) {
            run(due);
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
        ready.forgetTaken(); // a timer that takes long is not that coroutine's turn
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
        } catch (Throwable e) { // out of memory, for instance; a coroutine's own exceptions do not get here
            Uncaught.report(e);
        }
    }

    private boolean isOver() {
        return whenOver != null && inbox.isEmpty();
    }

    private void sayThatItIsOver() {
        Runnable callback = whenOver;
        if (callback != null && said.compareAndSet(false, true)) {
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
            Thread.interrupted(); // an interrupted thread does not park
        }
        asleep = false;
    }
}
