package dev.sennit;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Throwables;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The progress of a call of a {@link Retry}, for the code that makes the attempts: {@link Retry#call} in the calling
 * thread, a pool in any thread.
 *
 * <pre>
 * beforeAttempt -> (attempt) -> afterAttempt -> a wait: (wait) -> beforeAttempt ...
 *                                            -> null: over; failure() says how
 * </pre>
 *
 * <p>Neither waits nor locks. For one thread at a time: the hand-over to another thread needs a happens-before edge.
 */
final class RetryProgress {
    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    private final Retry retry;
    private final AttemptLog log = new AttemptLog();
    private int number = 1;
    private Duration waited = Duration.ZERO;
    private boolean clockRuns;
    /** When the first attempt began or, if the time is not needed before, ended. */
    private long clockStart;

    private @Nullable Throwable failure;

    RetryProgress(Retry retry) {
        this.retry = retry;
    }

    /** Called when an attempt begins, in this thread, after the wait. */
    void beforeAttempt() {
        if (number == 1) {
            if (!retry.isQuick()) {
                startClock();
            }
        } else {
            retry.counters().waited(waited);
        }
        retry.listeners().attemptBegins(number);
    }

    /**
     * Called when an attempt has ended.
     *
     * @return how long to wait before the next attempt, or null if the call is over: then it ends with {@link #failure}
     *     or, if that is null, with the value
     */
    @Nullable Duration afterAttempt(@Nullable Object value, @Nullable Throwable thrown) {
        var attempt = new Attempt(number, waited, value, thrown);
        retry.counters().attempted();
        if (!clockRuns) {
            startClock();
        }
        retry.listeners().attemptEnded(attempt);
        Duration wait;
        try {
            if (!wantsAnother(attempt)) {
                if (thrown == null) {
                    retry.counters().succeeded();
                } else {
                    failure = end(thrown);
                }
                return null;
            }
            wait = bounded(retry.backoff().waitAfter(attempt, retry.random()));
            if (retry.stop().stops(attempt, elapsed(), wait)) {
                failure = exhausted(attempt);
                return null;
            }
        } catch (Throwable e) { // from the condition, the backoff or the stop
            log.add(attempt);
            failure = end(e);
            return null;
        }
        log.add(attempt);
        retry.listeners().waitBegins(attempt, wait);
        waited = wait;
        number = Math.min(number, Integer.MAX_VALUE - 1) + 1;
        return wait;
    }

    /** Returns the failure that ends the call; null while it goes on, and if it ends with a value. */
    @Nullable Throwable failure() {
        return failure;
    }

    /**
     * Ends the call with a failure that the condition does not decide, such as an interrupt of the wait; returns it.
     */
    <E extends Throwable> E end(E cause) {
        log.suppressIn(cause);
        retry.counters().failed();
        return cause;
    }

    private boolean wantsAnother(Attempt attempt) {
        Throwable thrown = attempt.failure();
        if (thrown instanceof Error || thrown instanceof InterruptedException) {
            return false;
        }
        return thrown instanceof TryAgainException || retry.condition().test(attempt);
    }

    private Throwable exhausted(Attempt last) {
        Throwable thrown = last.failure();
        Throwable ending;
        if (thrown != null && retry.isRethrowing()) {
            log.suppressIn(thrown);
            ending = thrown;
        } else {
            log.add(last);
            ending = new RetryExhaustedException(exhaustedText(last), thrown, number, log.kept());
        }
        retry.counters().exhausted();
        return ending;
    }

    private String exhaustedText(Attempt last) {
        String count = number == 1 ? "1 attempt" : number + " attempts";
        String time = "";
        if (!retry.isQuick()) {
            time = " in " + Durations.text(elapsed());
        } else if (number > 1) {
            time = ", " + Durations.text(elapsed()) + " after the first had failed";
        }
        Throwable thrown = last.failure();
        String why = thrown != null ? Throwables.text(thrown) : "the condition did not accept the value";
        return "gave up after " + count + time + ": " + why;
    }

    private void startClock() {
        clockRuns = true;
        clockStart = retry.time().nanoTime();
    }

    private Duration elapsed() {
        return Duration.ofNanos(Math.max(0, retry.time().nanoTime() - clockStart));
    }

    private static Duration bounded(Duration wait) {
        if (Objects.requireNonNull(wait, "the backoff returned null").isNegative()) {
            return Duration.ZERO;
        }
        return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }
}
