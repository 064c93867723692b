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
 * Repeats a call until it succeeds: a {@link Stop} decides when to give up, a {@link Backoff} how long to wait, a
 * {@link RetryCondition} which failures are worth another attempt.
 *
 * {@snippet :
 * Retry retry = Retry.attempts(5)
 *         .waiting(Backoff.exponential(java.time.Duration.ofMillis(100)).fullJitter())
 *         .when(RetryCondition.onException(java.io.IOException.class));
 * System.out.println(retry.call(() -> "answer"));
 * }
 *
 * <p>Create a retry once and share it: it is immutable but for its {@link #statistics}, and any number of threads,
 * platform or virtual, may use it at once. Each method that changes a setting returns a new retry, with figures of its
 * own.
 *
 * <p><b>How a call ends</b>
 * <ul>
 *   <li>With the first value that the condition does not reject.
 *   <li>With {@link RetryExhaustedException} when the stop gives up; if {@link #rethrowing}, with the last failure
 *       itself.
 *   <li>With a failure that the condition does not cover, or an {@link Error}, as it is and at once.
 *   <li>With {@link InterruptedException} at once if the body throws it or the thread is interrupted before or during a
 *       wait. The first attempt is made in any case.
 *   <li>With an exception of the stop, the backoff or the condition.
 * </ul>
 *
 * <p>The failures of earlier attempts are in {@link RetryExhaustedException#attempts} or suppressed in the exception
 * thrown: the first 4 and the last 12, if there are more than 16.
 *
 * <p>Callbacks run in the calling thread, in the order they were added. The exception of a callback is logged, and
 * changes nothing.
 */
public final class Retry {
    private final Stop stop;
    private final Backoff backoff;
    private final RetryCondition condition;
    private final RetryListeners listeners;
    private final TimeSource time;
    /** Null for the thread-local generator. */
    private final @Nullable RandomGenerator random;

    private final boolean rethrowing;
    /**
     * Whether a call that succeeds at once needs no progress: no listener, stop or condition needs the time or the
     * value.
     */
    private final boolean quick;

    private final RetryCounters counters = new RetryCounters();

    /**
     * The body of a call: a {@link Callable} that declares its exceptions, so that {@link #call} throws no others.
     *
     * @param <T> the type of the value
     * @param <X> the type of its exceptions; {@link RuntimeException} for a lambda that throws no checked exception
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
     * A {@link Body} without a value.
     *
     * @param <X> the type of its exceptions
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
     * Creates a retry that gives up after a number of attempts. By default it retries after any exception, and does not
     * wait.
     *
     * @param attempts how many attempts, the first included
     * @return a retry
     * @throws IllegalArgumentException if it is less than 1
     */
    public static Retry attempts(int attempts) {
        return until(Stop.afterAttempts(attempts));
    }

    /**
     * Creates a retry that never gives up. By default it retries after any exception, and does not wait.
     *
     * @return a retry
     */
    public static Retry forever() {
        return until(Stop.never());
    }

    /**
     * Creates a retry that gives up when a stop decides so. By default it retries after any exception, and does not
     * wait.
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
     * Returns this retry with another backoff.
     *
     * @param newBackoff how long to wait between attempts
     * @return the new retry
     */
    public Retry waiting(Backoff newBackoff) {
        Objects.requireNonNull(newBackoff, "backoff");
        return new Retry(stop, newBackoff, condition, listeners, time, random, rethrowing);
    }

    /**
     * Returns this retry with another condition, which replaces the present condition.
     *
     * @param newCondition decides which failures and values are worth another attempt
     * @return the new retry
     */
    public Retry when(RetryCondition newCondition) {
        Objects.requireNonNull(newCondition, "condition");
        return new Retry(stop, backoff, newCondition, listeners, time, random, rethrowing);
    }

    /**
     * Returns this retry with one more callback, called before each attempt.
     *
     * @param callback gets the number, from 1, of the attempt
     * @return the new retry
     */
    public Retry beforeAttempt(IntConsumer callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.beforeAttempt(callback));
    }

    /**
     * Returns this retry with one more callback, called after each attempt, whether it succeeded or not.
     *
     * @param callback gets the attempt
     * @return the new retry
     */
    public Retry afterAttempt(Consumer<? super Attempt> callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.afterAttempt(callback));
    }

    /**
     * Returns this retry with one more callback, called before each wait between attempts.
     *
     * @param callback gets the attempt before the wait, and the length of the wait
     * @return the new retry
     */
    public Retry beforeWait(BiConsumer<? super Attempt, ? super Duration> callback) {
        Objects.requireNonNull(callback, "callback");
        return with(listeners.beforeWait(callback));
    }

    private Retry with(RetryListeners newListeners) {
        return new Retry(stop, backoff, condition, newListeners, time, random, rethrowing);
    }

    /**
     * Returns this retry with another clock, such as a clock that a test controls.
     *
     * @param newTime reads the time and waits
     * @return the new retry
     */
    public Retry time(TimeSource newTime) {
        Objects.requireNonNull(newTime, "time");
        return new Retry(stop, backoff, condition, listeners, newTime, random, rethrowing);
    }

    /**
     * Returns this retry with a random generator of its own, so that a seed makes the jitter reproducible.
     *
     * @param newRandom the generator for random waits, used by one thread at a time
     * @return the new retry
     */
    public Retry random(RandomGenerator newRandom) {
        Objects.requireNonNull(newRandom, "random");
        return new Retry(stop, backoff, condition, listeners, time, new OneAtATime(newRandom), rethrowing);
    }

    /** A generator with a lock, as most generators are not thread-safe. */
    private record OneAtATime(RandomGenerator generator) implements RandomGenerator {
        @Override
        public synchronized long nextLong() {
            return generator.nextLong();
        }
    }

    /**
     * Returns this retry, but it throws the last failure itself when it gives up, with the earlier failures suppressed.
     * If the last attempt returned a value, there is no failure, and it throws {@link RetryExhaustedException} even so.
     *
     * @return the new retry
     */
    public Retry rethrowing() {
        return new Retry(stop, backoff, condition, listeners, time, random, true);
    }

    /**
     * Calls a body until it succeeds. For a {@link Callable}, pass {@code callable::call}.
     *
     * @param body the body, called in the calling thread
     * @param <T> the type of the value
     * @param <X> the type of the body's exceptions
     * @return the first value that the condition does not reject
     * @throws X if the body threw it and the condition does not cover it, or this is {@link #rethrowing}
     * @throws RetryExhaustedException if the stop gave up
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
     * @param block the block, called in the calling thread
     * @param <X> the type of the block's exceptions
     * @throws X if the block threw it and the condition does not cover it, or this is {@link #rethrowing}
     * @throws RetryExhaustedException if the stop gave up
     * @throws InterruptedException if the block threw it, or the thread is interrupted when it is about to wait or
     *     waits
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
     * Returns a callable that calls another callable until that succeeds.
     *
     * @param task called in the thread that calls the returned callable
     * @param <T> the type of the value
     * @return the callable
     */
    public <T extends @Nullable Object> Callable<T> wrap(Callable<? extends T> task) {
        Objects.requireNonNull(task, "task");
        return () -> this.<T, Exception>call(task::call);
    }

    /**
     * Returns the figures of this retry, without those of retries that it was derived from or that were derived from
     * it.
     *
     * @return an immutable snapshot
     */
    public RetryStatistics statistics() {
        return counters.snapshot();
    }

    @Override
    public String toString() {
        RetryStatistics seen = statistics();
        return "Retry[" + seen.calls() + " calls, " + seen.attempts() + " attempts, " + seen.succeeded()
                + " succeeded, "
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

    /** Waits before the next attempt, or throws the failure that ends the call; returns false if the value ends it. */
    @SuppressWarnings("unchecked") // a checked failure was thrown by the body; an Error may be thrown in any case
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

    // ---- for callers that make the attempts themselves ----

    /** Begins a call whose attempts the caller makes. */
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

    /** Returns whether the time is not needed before the first failure. */
    boolean isQuick() {
        return quick;
    }

    RetryCounters counters() {
        return counters;
    }
}
