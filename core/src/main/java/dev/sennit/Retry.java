package dev.sennit;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Does something again until it succeeds: a {@link Stop} says when to give up, a {@link Backoff} how long to wait, a {@link
 * RetryCondition} what is worth another attempt.
 *
 * {@snippet :
 * Retry retry = Retry.attempts(5)
 *         .waiting(Backoff.exponential(java.time.Duration.ofMillis(100)).fullJitter())
 *         .when(RetryCondition.onException(java.io.IOException.class));
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * <p>Made once and used everywhere: it is immutable but for its {@link #statistics}, and any number of threads, virtual ones
 * among them, may use it at once. Each method that changes a setting returns a new one, with figures of its own.
 *
 * <p><b>How a call ends</b>
 * <ul>
 *   <li>With the first value that the condition does not send back.
 *   <li>With {@link RetryExhaustedException} when the stop says so; if {@link #rethrowing}, with the last failure itself.
 *   <li>With a failure that the condition does not cover, or an {@link Error}, as it is and at once.
 *   <li>With {@link InterruptedException} at once if the body throws it or the thread is interrupted before or during a
 *       wait. The first attempt is made in any case.
 *   <li>With what the stop, the backoff or the condition throws.
 * </ul>
 *
 * <p>The failures of earlier attempts are in {@link RetryExhaustedException#attempts} or suppressed in what is thrown: the
 * first 4 and the last 12, if there are more than 16.
 *
 * <p>Callbacks run in the calling thread, in the order they were added. One that throws is logged, and changes nothing.
 */
public final class Retry {
    private final Stop stop;
    private final Backoff backoff;
    private final RetryCondition condition;
    private final RetryListeners listeners;
    private final TimeSource time;
    /** Null for that of the thread. */
    private final @Nullable RandomGenerator random;

    private final boolean rethrowing;
    /** Whether nobody sees a value, an attempt that succeeds, or the time before the first failure. */
    private final boolean quick;

    private final RetryCounters counters = new RetryCounters();

    /**
     * What is attempted: a {@link Callable} that says what it throws, so that {@link #call} throws no more than that.
     *
     * @param <T> the type of the value
     * @param <X> what it throws: of a lambda that throws no checked exception, {@link RuntimeException}
     */
    @FunctionalInterface
    public interface Body<T extends @Nullable Object, X extends Exception> {
        /**
         * Makes one attempt.
         *
         * @return the value
         * @throws X if it fails
         */
        T call() throws X;
    }

    /**
     * The same without a value.
     *
     * @param <X> what it throws
     */
    @FunctionalInterface
    public interface Block<X extends Exception> {
        /**
         * Makes one attempt.
         *
         * @throws X if it fails
         */
        void run() throws X;
    }

    private Retry(
            Stop stop,
            Backoff backoff,
            RetryCondition condition,
            RetryListeners listeners,
            TimeSource time,
            @Nullable RandomGenerator random,
            boolean rethrowing) {
        this.stop = stop;
        this.backoff = backoff;
        this.condition = condition;
        this.listeners = listeners;
        this.time = time;
        this.random = random;
        this.rethrowing = rethrowing;
        this.quick = stop instanceof TimelessStop && condition instanceof FailureCondition && listeners.isEmpty();
    }

    /**
     * Gives up after so many attempts; after any exception, and without a wait, until told otherwise.
     *
     * @param attempts how many, the first one included
     * @return a retry
     * @throws IllegalArgumentException if it is less than 1
     */
    public static Retry attempts(int attempts) {
        return until(Stop.afterAttempts(attempts));
    }

    /**
     * Never gives up; after any exception, and without a wait, until told otherwise.
     *
     * @return a retry
     */
    public static Retry forever() {
        return until(Stop.never());
    }

    /**
     * Gives up when a stop says so; after any exception, and without a wait, until told otherwise.
     *
     * @param stop when to give up
     * @return a retry
     */
    public static Retry until(Stop stop) {
        return new Retry(
                Objects.requireNonNull(stop, "stop"),
                Backoff.none(),
                RetryCondition.anyException(),
                RetryListeners.NONE,
                TimeSource.system(),
                null,
                false);
    }

    /**
     * This one with another backoff.
     *
     * @param newBackoff how long to wait between attempts
     * @return the new one
     */
    public Retry waiting(Backoff newBackoff) {
        Objects.requireNonNull(newBackoff, "backoff");
        return new Retry(stop, newBackoff, condition, listeners, time, random, rethrowing);
    }

    /**
     * This one with another condition, in place of the one before.
     *
     * @param newCondition what is worth another attempt
     * @return the new one
     */
    public Retry when(RetryCondition newCondition) {
        Objects.requireNonNull(newCondition, "condition");
        return new Retry(stop, backoff, newCondition, listeners, time, random, rethrowing);
    }

    /**
     * This one with one more callback.
     *
     * @param callback gets the number, from 1, of each attempt before it is made
     * @return the new one
     */
    public Retry beforeAttempt(IntConsumer callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.beforeAttempt(callback));
    }

    /**
     * This one with one more callback.
     *
     * @param callback gets each attempt after it was made, whether it succeeded or not
     * @return the new one
     */
    public Retry afterAttempt(Consumer<? super Attempt> callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.afterAttempt(callback));
    }

    /**
     * This one with one more callback.
     *
     * @param callback gets each attempt that another will follow, and how long will be waited before that
     * @return the new one
     */
    public Retry beforeWait(BiConsumer<? super Attempt, ? super Duration> callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.beforeWait(callback));
    }

    private Retry with(RetryListeners newListeners) {
        return new Retry(stop, backoff, condition, newListeners, time, random, rethrowing);
    }

    /**
     * This one with a clock of its own, such as one that a test turns.
     *
     * @param newTime where to read the time and to wait
     * @return the new one
     */
    public Retry time(TimeSource newTime) {
        Objects.requireNonNull(newTime, "time");
        return new Retry(stop, backoff, condition, listeners, newTime, random, rethrowing);
    }

    /**
     * This one with a generator of its own, so that a seed makes the jitter reproducible.
     *
     * @param newRandom where random waits are drawn from, by one thread at a time
     * @return the new one
     */
    public Retry random(RandomGenerator newRandom) {
        Objects.requireNonNull(newRandom, "random");
        return new Retry(stop, backoff, condition, listeners, time, new OneAtATime(newRandom), rethrowing);
    }

    /** Most generators are not for several threads. */
    private record OneAtATime(RandomGenerator generator) implements RandomGenerator {
        @Override
        public synchronized long nextLong() {
            return generator.nextLong();
        }
    }

    /**
     * This one, but when it gives up it throws the last failure itself, the earlier ones suppressed in it. If the last
     * attempt had a value there is no failure, and it throws {@link RetryExhaustedException} all the same.
     *
     * @return the new one
     */
    public Retry rethrowing() {
        return new Retry(stop, backoff, condition, listeners, time, random, true);
    }

    /**
     * Calls a body until it succeeds. Where there is a {@link Callable}, pass {@code callable::call}.
     *
     * @param body what to attempt, in the calling thread
     * @param <T> the type of the value
     * @param <X> what the body throws
     * @return the first value that the condition does not send back
     * @throws X if the body threw it and the condition does not cover it, or this is {@link #rethrowing}
     * @throws RetryExhaustedException if the stop said so
     * @throws InterruptedException if the body threw it, or the thread is interrupted when it is about to wait or waits
     */
    public <T extends @Nullable Object, X extends Exception> T call(Body<? extends T, X> body)
            throws X, InterruptedException {
        Objects.requireNonNull(body, "body");
        if (!quick) {
            return call(body, begin());
        }
        T value;
        try {
            value = body.call();
        } catch (Throwable e) {
            RetryProgress progress = begin();
            this.<X>waitOrThrow(progress, null, e);
            return call(body, progress);
        }
        counters.succeededAtOnce();
        return value;
    }

    /**
     * Runs a block until it succeeds.
     *
     * {@snippet :
     * var parts = new java.util.ArrayDeque<String>(java.util.List.of("", "ready"));
     * Retry.attempts(2).run(() -> {
     *     if (parts.remove().isEmpty()) {
     *         throw new java.io.IOException("not yet");
     *     }
     * });
     * }
     *
     * @param block what to attempt, in the calling thread
     * @param <X> what the block throws
     * @throws X if the block threw it and the condition does not cover it, or this is {@link #rethrowing}
     * @throws RetryExhaustedException if the stop said so
     * @throws InterruptedException if the block threw it, or the thread is interrupted when it is about to wait or waits
     */
    public <X extends Exception> void run(Block<X> block) throws X, InterruptedException {
        Objects.requireNonNull(block, "block");
        Body<@Nullable Void, X> body = () -> {
            block.run();
            return null;
        };
        call(body);
    }

    /**
     * A callable that calls another until it succeeds, for whatever takes a callable.
     *
     * @param task what to attempt, in the thread that calls what this returns
     * @param <T> the type of the value
     * @return the callable
     */
    public <T extends @Nullable Object> Callable<T> wrap(Callable<? extends T> task) {
        Objects.requireNonNull(task, "task");
        return () -> this.<T, Exception>call(task::call);
    }

    /**
     * What this one, and no other that it was made from or that was made from it, has done so far.
     *
     * @return an immutable snapshot
     */
    public RetryStatistics statistics() {
        return counters.snapshot();
    }

    @Override
    public String toString() {
        RetryStatistics seen = statistics();
        return "Retry[" + seen.calls() + " calls, " + seen.attempts() + " attempts, " + seen.succeeded() + " succeeded, "
                + seen.exhausted() + " exhausted, " + seen.failed() + " failed]";
    }

    private <T extends @Nullable Object, X extends Exception> T call(Body<? extends T, X> body, RetryProgress progress)
            throws X, InterruptedException {
        while (true) {
            progress.beforeAttempt();
            T value;
            try {
                value = body.call();
            } catch (Throwable e) {
                this.<X>waitOrThrow(progress, null, e);
                continue;
            }
            if (!this.<X>waitOrThrow(progress, value, null)) {
                return value;
            }
        }
    }

    /** Waits for the next attempt, or throws what the call ends with; returns false if it ends with the value. */
    @SuppressWarnings("unchecked") // what is checked and thrown, the body threw; it may as well be an Error
    private <X extends Throwable> boolean waitOrThrow(
            RetryProgress progress, @Nullable Object value, @Nullable Throwable thrown) throws X, InterruptedException {
        Duration wait = progress.afterAttempt(value, thrown);
        if (wait != null) {
            try {
                time.sleep(wait);
            } catch (InterruptedException | RuntimeException | Error e) {
                progress.end(e);
                throw e;
            }
            return true;
        }
        Throwable failure = progress.failure();
        if (failure != null) {
            throw (X) failure;
        }
        return false;
    }

    // ---- for whoever makes the attempts ----

    /** A call that somebody else drives. */
    RetryProgress begin() {
        return new RetryProgress(this);
    }

    Stop stop() {
        return stop;
    }

    Backoff backoff() {
        return backoff;
    }

    RetryCondition condition() {
        return condition;
    }

    RetryListeners listeners() {
        return listeners;
    }

    TimeSource time() {
        return time;
    }

    RandomGenerator random() {
        return random == null ? ThreadLocalRandom.current() : random;
    }

    boolean isRethrowing() {
        return rethrowing;
    }

    /** Whether nobody asks for the time before the first failure. */
    boolean isQuick() {
        return quick;
    }

    RetryCounters counters() {
        return counters;
    }
}
