package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Interrupts;
import dev.sennit.internal.ScopedValueBindings;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A block of code, in the calling thread, that a time limit or another thread can cancel, or that is shielded from
 * cancellation.
 *
 * {@snippet :
 * try {
 *     CancelScope.within(java.time.Duration.ofMillis(50)).call(() -> {
 *         Thread.sleep(60_000);
 *         return "never";
 *     });
 * } catch (java.util.concurrent.TimeoutException e) {
 *     System.out.println(e.getMessage()); // not done after 50 ms
 * }
 * }
 *
 * <p>A cancelled block is interrupted repeatedly until it ends, so that every wait in it throws, even after code that
 * swallowed an {@link InterruptedException}. Scopes nest: an outer limit ends the inner block as well, and each scope
 * turns only its own cancellation into an exception of its own. The idea is that of Trio's cancel scopes (N. J. Smith,
 * "Timeouts and cancellation for humans", 2018).
 *
 * <h2>Shielding</h2>
 *
 * <p>A {@linkplain #shielded shielded} block delays cancellations from around it until the block has ended: limits and
 * cancellations of outer scopes, and {@link TaskFuture#cancel} or the time limit of the task that the block is a part
 * of. It is for the few lines that must complete, such as recording what was done. Its own limit still ends it. It
 * cannot hold back a plain {@link Thread#interrupt}, nor the kill of a worker process after the grace period.
 */
public final class CancelScope {
    private static final ScopedValue<CancelScope> CURRENT = ScopedValueBindings.notInherited();
    private static final Duration BETWEEN_INTERRUPTS = Duration.ofMillis(5);

    /** {@code NEW -> ENTERING -> INSIDE -> OVER}. */
    private enum State {
        NEW,
        /** The timer is armed, and shields are being raised: the block is not interrupted yet. */
        ENTERING,
        INSIDE,
        OVER
    }

    private final @Nullable Duration limit;
    private final boolean shielded;

    /** Guarded by this. */
    private State state = State.NEW;
    /** Guarded by this. Why the block was cancelled, or null. */
    private @Nullable Exception cancellation;
    /** Guarded by this. How many shielded blocks inside this block the thread is in. */
    private int shieldsInside;
    /** Guarded by this. Whether this scope has interrupted the thread. */
    private boolean interruptSent;
    /** Guarded by this. The timer of the limit or of the next interrupt. */
    private @Nullable Future<?> next;
    /** Written before the state is INSIDE. */
    private @Nullable Thread thread;
    /** Written before the state is INSIDE. */
    private @Nullable CancelScope outer;
    /** Written before the state is INSIDE. Valid if there is a limit. */
    private long deadline;

    // Only the thread of the block: the steps of enter() that leave() has to undo, as enter() may run out of memory
    // halfway.
    private boolean holdsBack;
    private int shieldsRaised;
    private boolean isWatched;

    private CancelScope(@Nullable Duration limit, boolean shielded) {
        this.limit = limit;
        this.shielded = shielded;
    }

    /**
     * Creates a scope for a block that {@link #cancel} ends.
     *
     * @return a scope for one block
     */
    public static CancelScope open() {
        return new CancelScope(null, false);
    }

    /**
     * Creates a scope for a block with a time limit, which counts from the beginning of the block.
     *
     * @param limit how long the block may take; with zero or less it ends at its first wait
     * @return a scope for one block
     */
    public static CancelScope within(Duration limit) {
        return new CancelScope(Objects.requireNonNull(limit, "limit"), false);
    }

    /**
     * Creates a scope with the same limit that is shielded from cancellations around it.
     *
     * @return a scope for one block
     */
    public CancelScope shielded() {
        return new CancelScope(limit, true);
    }

    /**
     * Returns the time that is left to the calling thread: the least of the limits around it, up to the innermost
     * shield.
     *
     * @return the time, negative when it is over, or empty when there is no limit
     */
    public static Optional<Duration> remaining() {
        Optional<Duration> least = Optional.empty();
        long now = Backend.current().nanoTime();
        for (CancelScope scope = CURRENT.isBound() ? CURRENT.get() : null; scope != null; scope = scope.outer) {
            if (scope.limit != null) {
                Duration left = Duration.ofNanos(scope.deadline - now);
                least = least.filter(known -> known.compareTo(left) <= 0).or(() -> Optional.of(left));
            }
            if (scope.shielded) {
                break;
            }
        }
        return least;
    }

    /**
     * Runs a block in the calling thread.
     *
     * @param body the block
     * @param <T> the type of its result
     * @return its result, even if the block was cancelled but completed
     * @throws TimeoutException if the limit ended it
     * @throws CancellationException if {@link #cancel} ended it
     * @throws InterruptedException if the thread was interrupted for another reason, such as an outer scope
     * @throws IllegalStateException if this scope has been used before
     * @throws Exception if the body throws it
     */
    public <T extends @Nullable Object> T call(Callable<? extends T> body) throws Exception {
        Objects.requireNonNull(body, "body");
        claim();
        try {
            enter();
            return ScopedValue.where(CURRENT, this).call(body::call);
        } catch (Exception e) {
            throw isInterrupt(e) ? translated(e) : e;
        } finally {
            leave();
        }
    }

    /**
     * Runs a block that returns nothing in the calling thread.
     *
     * @param body the block
     * @throws Exception as {@link #call}
     */
    public void run(Block body) throws Exception {
        Objects.requireNonNull(body, "body");
        this.<@Nullable Void>call(() -> {
            body.run();
            return null;
        });
    }

    /**
     * Runs a block in the calling thread, and returns normally when this scope ends the block: Trio's
     * {@code move_on_after}.
     *
     * {@snippet :
     * boolean done = CancelScope.within(java.time.Duration.ofMillis(50)).tryRun(() -> Thread.sleep(60_000));
     * System.out.println(done); // false
     * }
     *
     * @param body the block
     * @return false if the limit of this scope, or its {@link #cancel}, ended the block
     * @throws InterruptedException if the thread was interrupted for another reason, such as an outer scope
     * @throws IllegalStateException if this scope has been used before
     * @throws Exception if the body throws it
     */
    public boolean tryRun(Block body) throws Exception {
        try {
            run(body);
            return true;
        } catch (TimeoutException | CancellationException e) {
            if (isCancelledBy(e)) {
                return false;
            }
            throw e;
        }
    }

    private synchronized boolean isCancelledBy(Exception thrown) {
        return cancellation == thrown;
    }

    /** A block without a result. */
    @FunctionalInterface
    public interface Block {
        /**
         * Runs the block.
         *
         * @throws Exception if the block fails
         */
        void run() throws Exception;
    }

    /**
     * Cancels the block, unless it has ended. A block that has not begun ends at its first wait. Any thread may call
     * this.
     */
    public void cancel() {
        cancel(new CancellationException("cancel scope was cancelled"));
    }

    /**
     * Returns whether the limit passed, or {@link #cancel} was called, before the block had ended.
     *
     * @return true from then on
     */
    public synchronized boolean isCancelled() {
        return cancellation != null;
    }

    /** Runs a body shielded from the scopes around it and from the cancellation of the task it runs in. */
    static void shield(Runnable body) {
        var scope = new CancelScope(null, true);
        scope.claim();
        try {
            scope.enter();
            ScopedValue.where(CURRENT, scope).run(body);
        } finally {
            scope.leave();
        }
    }

    private void enter() {
        if (shielded) {
            boolean isInterruptOfScope = false;
            for (CancelScope around = outer; around != null; around = around.beyond()) {
                isInterruptOfScope |= around.shieldEntered();
                shieldsRaised++;
            }
            Interrupts.holdBack(isInterruptOfScope);
            holdsBack = true;
        }
        Interrupts.watch();
        isWatched = true;
        begin();
    }

    /**
     * Claims the scope for the calling thread. Starts the timer first, as this may fail, before any shield is raised.
     */
    private synchronized void claim() {
        if (state != State.NEW) {
            throw new IllegalStateException("a cancel scope is for one block; this one was used before");
        }
        CancelScope around = CURRENT.isBound() ? CURRENT.get() : null;
        if (limit != null) {
            deadline = Backend.current().nanoTime() + TimeUnit.NANOSECONDS.convert(limit);
        }
        if (cancellation != null) {
            next = Timers.after(BETWEEN_INTERRUPTS, this::interruptUntilOver);
        } else if (limit != null) {
            next = Timers.after(limit, () -> cancel(
                    new TimeoutException("not done after " + Durations.text(limit))));
        }
        thread = Thread.currentThread();
        outer = around;
        state = State.ENTERING;
    }

    private synchronized void begin() {
        state = State.INSIDE;
        if (cancellation != null) {
            interruptOnce();
        }
    }

    private void cancel(Exception reason) {
        synchronized (this) {
            if (cancellation != null || state == State.OVER) {
                return;
            }
            cancellation = reason;
        }
        interruptUntilOver();
    }

    /** Interrupts the block repeatedly until it ends: a body that swallows an interrupt meets the next. */
    private void interruptUntilOver() {
        while (!interruptAndComeBack()) { // no timer available: the calling thread repeats it
            LockSupport.parkNanos(this, BETWEEN_INTERRUPTS.toNanos());
        }
    }

    /** Interrupts the block, and starts a timer that does it again; returns false if no timer could be had. */
    private synchronized boolean interruptAndComeBack() {
        if (state == State.NEW || state == State.OVER) {
            return true;
        }
        interruptOnce();
        if (next != null) {
            next.cancel(false); // the timer of the limit, which has passed or does not matter any more
        }
        try {
            next = Timers.after(BETWEEN_INTERRUPTS, this::interruptUntilOver);
            return true;
        } catch (OutOfMemoryError e) {
            return thread == Thread.currentThread(); // this thread cannot wait for its own block to end
        }
    }

    private synchronized void interruptOnce() {
        if (state == State.INSIDE && shieldsInside == 0 && thread != null) {
            interruptSent = true;
            thread.interrupt();
        }
    }

    private synchronized boolean interruptSent() {
        return interruptSent;
    }

    /**
     * Returns the next outer scope that a shield has to hold back, or null: a shield holds back the scopes around
     * itself.
     */
    private @Nullable CancelScope beyond() {
        return shielded ? null : outer;
    }

    /**
     * Interrupts no more until the shield is left. Returns whether the thread may still have an interrupt of this
     * scope, which is of no account then: the timer repeats it after the shield.
     */
    private synchronized boolean shieldEntered() {
        shieldsInside++;
        return interruptSent && shieldsInside == 1;
    }

    private synchronized void shieldLeft() {
        shieldsInside--;
    }

    /**
     * Returns whether an exception is that of an interrupted wait: for a lock, of a channel, or in {@link Pool#map}.
     */
    private static boolean isInterrupt(@Nullable Throwable e) {
        return e instanceof InterruptedException
                || e instanceof ClosedByInterruptException
                || e instanceof CompletionException && isInterrupt(Throwables.cause(e));
    }

    private Exception translated(Exception e) {
        for (CancelScope around = beyond(); around != null; around = around.beyond()) {
            if (around.isCancelled()) {
                return e; // the outer scope turns it into an exception of its own
            }
        }
        Exception own;
        synchronized (this) {
            own = interruptSent ? cancellation : null;
        }
        if (own == null) {
            return e;
        }
        own.initCause(e);
        return own;
    }

    /** Undoes {@link #claim} and {@link #enter}. */
    private void leave() {
        synchronized (this) {
            state = State.OVER;
            if (next != null) {
                next.cancel(false);
            }
        }
        if (isWatched) {
            Interrupts.unwatch(interruptSent()); // clears an interrupt of this scope, and no other
        }
        for (CancelScope around = outer; around != null && shieldsRaised > 0; around = around.beyond()) {
            around.shieldLeft();
            shieldsRaised--;
        }
        if (holdsBack) {
            Interrupts.letThrough();
        }
    }
}
