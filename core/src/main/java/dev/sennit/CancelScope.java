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
 * A block of code, in the calling thread, that a time limit or another thread can end; or one that may not be disturbed.
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
 * <p>A cancelled block is interrupted, again and again until it ends, so that whatever waits in it throws - also what
 * comes after something that swallowed an {@link InterruptedException}. Scopes nest: an outer limit ends the inner block
 * as well, and each turns only its own cancellation into an exception of its own. The idea is that of Trio's cancel scopes
 * (N. J. Smith, "Timeouts and cancellation for humans", 2018).
 *
 * <h2>Shielding</h2>
 *
 * <p>Inside of a {@linkplain #shielded shielded} block, what is cancelled around it waits until the block has ended: limits
 * and cancellations of outer scopes, and {@link TaskFuture#cancel} or the time limit of the task that the block is a part
 * of. It is for the few lines that have to come to their end, such as writing down what was done. Its own limit counts.
 * It cannot hold back a plain {@link Thread#interrupt}, nor the kill of a worker process after the grace period.
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
    /** Guarded by this. Why it was cancelled; null while it is not. */
    private @Nullable Exception cancellation;
    /** Guarded by this. Shielded blocks that the thread is in, inside of this one. */
    private int shieldsInside;
    /** Guarded by this. */
    private boolean interruptSent;
    /** Guarded by this. */
    private @Nullable Future<?> next;
    /** Written before the state is INSIDE. */
    private @Nullable Thread thread;
    /** Written before the state is INSIDE. */
    private @Nullable CancelScope outer;
    /** Written before the state is INSIDE; counts only where there is a limit. */
    private long deadline;

    // Only the thread of the block: what enter has done, and is to be undone. Memory may run out in the middle of it.
    private boolean holdsBack;
    private int shieldsRaised;
    private boolean isWatched;

    private CancelScope(@Nullable Duration limit, boolean shielded) {
        this.limit = limit;
        this.shielded = shielded;
    }

    /**
     * A block that ends when {@link #cancel} is called.
     *
     * @return a scope for one block
     */
    public static CancelScope open() {
        return new CancelScope(null, false);
    }

    /**
     * A block with a time limit, which counts from its beginning.
     *
     * @param limit how long it may take; zero or less ends it at its first wait
     * @return a scope for one block
     */
    public static CancelScope within(Duration limit) {
        return new CancelScope(Objects.requireNonNull(limit, "limit"), false);
    }

    /**
     * The same, shielded from what is cancelled around it.
     *
     * @return a scope for one block
     */
    public CancelScope shielded() {
        return new CancelScope(limit, true);
    }

    /**
     * The time that is left to the calling thread: the least of the limits around it, as far out as the first shield.
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
     * @return its result; also when it was cancelled and came to its end all the same
     * @throws TimeoutException if the limit ended it
     * @throws CancellationException if {@link #cancel} ended it
     * @throws InterruptedException if something else interrupted the thread: an outer scope, say
     * @throws IllegalStateException if this scope has been used before
     * @throws Exception whatever the body throws
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
     * Runs a block in the calling thread, and goes on behind it when this scope ends it: Trio's {@code move_on_after}.
     *
     * {@snippet :
     * boolean done = CancelScope.within(java.time.Duration.ofMillis(50)).tryRun(() -> Thread.sleep(60_000));
     * System.out.println(done); // false
     * }
     *
     * @param body the block
     * @return false if the limit of this scope, or its {@link #cancel}, ended the block
     * @throws InterruptedException if something else interrupted the thread: an outer scope, say
     * @throws IllegalStateException if this scope has been used before
     * @throws Exception whatever the body throws
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

    /** What {@link #run} runs. */
    @FunctionalInterface
    public interface Block {
        /**
         * Does it.
         *
         * @throws Exception whatever goes wrong
         */
        void run() throws Exception;
    }

    /**
     * Ends the block, if it has not ended; one that has not begun ends at its first wait. Any thread may call it.
     */
    public void cancel() {
        cancel(new CancellationException("cancel scope was cancelled"));
    }

    /**
     * Whether the limit is over or {@link #cancel} was called before the block had ended.
     *
     * @return true from then on
     */
    public synchronized boolean isCancelled() {
        return cancellation != null;
    }

    /** Runs something that no scope around it, nor the cancellation of the task it runs in, may disturb. */
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
            Interrupts.holdBack();
            holdsBack = true;
            for (CancelScope around = outer; around != null; around = around.beyond()) {
                around.shieldEntered();
                shieldsRaised++;
            }
        }
        Interrupts.watch();
        isWatched = true;
        begin();
    }

    /** Takes the scope for the calling thread. The timer comes first: it is what may not be had, and nothing is raised yet. */
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

    /** Level-triggered: a body that swallows one interrupt meets the next. */
    private void interruptUntilOver() {
        while (!interruptAndComeBack()) { // no timer to be had: the calling thread sees to it
            LockSupport.parkNanos(this, BETWEEN_INTERRUPTS.toNanos());
        }
    }

    /** Interrupts the block, and has the timer do it again; false if there is no timer to be had. */
    private synchronized boolean interruptAndComeBack() {
        if (state == State.NEW || state == State.OVER) {
            return true;
        }
        interruptOnce();
        if (next != null) {
            next.cancel(false); // the limit, which is over or is not waited for any more
        }
        try {
            next = Timers.after(BETWEEN_INTERRUPTS, this::interruptUntilOver);
            return true;
        } catch (OutOfMemoryError e) {
            return thread == Thread.currentThread(); // which cannot wait for its own end
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

    /** The next one out that a shield has to hold back; those around a shield are held back by that. */
    private @Nullable CancelScope beyond() {
        return shielded ? null : outer;
    }

    private synchronized void shieldEntered() {
        shieldsInside++;
        if (interruptSent && shieldsInside == 1) {
            Thread.interrupted(); // it comes again when the shield is left
        }
    }

    private synchronized void shieldLeft() {
        shieldsInside--;
    }

    /** What an interrupted wait throws: of a lock, of a channel, of {@link Pool#map}. */
    private static boolean isInterrupt(@Nullable Throwable e) {
        return e instanceof InterruptedException
                || e instanceof ClosedByInterruptException
                || e instanceof CompletionException && isInterrupt(Throwables.cause(e));
    }

    private Exception translated(Exception e) {
        for (CancelScope around = beyond(); around != null; around = around.beyond()) {
            if (around.isCancelled()) {
                return e; // that one turns it into its own
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

    /** Undoes what was done since it was claimed. */
    private void leave() {
        synchronized (this) {
            state = State.OVER;
            if (next != null) {
                next.cancel(false);
            }
        }
        if (isWatched) {
            Interrupts.unwatch(interruptSent()); // what was sent for this block, which is over, and nothing else
        }
        if (holdsBack) {
            for (CancelScope around = outer; around != null && shieldsRaised > 0; around = around.beyond()) {
                around.shieldLeft();
                shieldsRaised--;
            }
            Interrupts.letThrough();
        }
    }
}
