package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Knows whether the broker answers, and logs one line when that ends and one when it begins again. A broker that fails
 * now and then has such lines every ten seconds at most.
 *
 * <p>Some brokers do some calls without their server. So something that has failed has to work again, or all of it has
 * to be out of use for a while: that something else works says nothing of the server.
 */
final class Outage {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** A call that takes longer than this counts as one that is not answered. */
    private static final Duration LONG_CALL = Duration.ofSeconds(1);

    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

    /** What has failed and was not tried again for as long as this counts no more; longer than the longest pause. */
    private static final Duration OUT_OF_USE = Duration.ofSeconds(15);

    /** What a worker has the broker do. */
    enum Call {
        /** It claims tasks. */
        CLAIM,
        /** It renews leases. */
        RENEW,
        /** It tells of ends. */
        END,
        /** It reports. */
        REPORT,
        /** It takes back what others have lost, or looks how long tasks wait. */
        UPKEEP
    }

    private final String worker;
    private final String broker;
    private final TimeSource time;
    /** Guarded by this. What has failed when it was tried last, and when that was. */
    private final Map<Call, Long> failing = new EnumMap<>(Call.class);
    /** Guarded by this. Whether the line about this outage was logged, and when the last one was. */
    private boolean isTold;

    private long toldAt;
    /** Guarded by this. By the clock, when it was heard of last. */
    private long heardAt;
    /** Guarded by this. When the calls began that have not ended. */
    private final List<Question> open = new ArrayList<>();

    /** A call of the broker; each is itself only. */
    private static final class Question {
        final long begunAt;

        Question(long begunAt) {
            this.begunAt = begunAt;
        }
    }

    Outage(String worker, String broker, TimeSource time) {
        this.worker = worker;
        this.broker = broker;
        this.time = time;
        heardAt = time.nanoTime();
        toldAt = heardAt - BETWEEN_LINES.toNanos();
    }

    /** Asks the broker. While the call lasts it counts: one that hangs fails never. */
    <T> T ask(Supplier<T> question) {
        var call = new Question(time.nanoTime());
        synchronized (this) {
            open.add(call);
        }
        try {
            return question.get();
        } finally {
            synchronized (this) {
                open.remove(call);
            }
        }
    }

    /** Notes that an operation has failed. */
    synchronized void failed(Call call, RuntimeException failure) {
        failing.put(call, time.nanoTime());
        if (tell(failure.getMessage() + "; goes on with what it has, and tries again")) {
            LOG.log(Level.DEBUG, "where", failure);
        }
    }

    /** Looks for calls that hang, and tells of them. */
    synchronized void look() {
        Duration longest = longestCall();
        if (longest.compareTo(BETWEEN_LINES) >= 0) {
            tell("a call has been waiting for " + longest.toMillis() + " ms");
        }
    }

    private synchronized boolean tell(String why) {
        long now = time.nanoTime();
        if (isTold || now - toldAt < BETWEEN_LINES.toNanos()) {
            return false;
        }
        isTold = true;
        toldAt = now;
        LOG.log(Level.WARNING, worker + " - broker " + broker + " does not answer: " + why);
        return true;
    }

    private synchronized Duration longestCall() {
        long now = time.nanoTime();
        long longest = 0;
        for (Question each : open) {
            longest = Math.max(longest, now - each.begunAt);
        }
        return Duration.ofNanos(longest);
    }

    /** Notes that an operation has worked. */
    synchronized void worked(Call call) {
        long now = time.nanoTime();
        if (failing.containsKey(call)) { // it needs the server, as it could not do without
            failing.clear();
        }
        failing.values().removeIf(failedAt -> now - failedAt > OUT_OF_USE.toNanos());
        if (!failing.isEmpty() || longestCall().compareTo(BETWEEN_LINES) >= 0) {
            return;
        }
        if (isTold) {
            isTold = false;
            LOG.log(Level.INFO, worker + " - broker " + broker + " answers again after "
                    + Duration.ofNanos(now - heardAt).toMillis() + " ms");
        }
        heardAt = now;
    }

    /**
     * Returns for how long the broker has not answered: since it was heard of last, if it failed when it was asked
     * last, or for as long as a call has been waiting; zero if neither is so.
     */
    synchronized Duration away() {
        Duration away = !failing.isEmpty() ? Duration.ofNanos(time.nanoTime() - heardAt) : Duration.ZERO;
        Duration waiting = longestCall();
        return waiting.compareTo(LONG_CALL) > 0 && waiting.compareTo(away) > 0 ? waiting : away;
    }

    /** Returns how long to wait before the next try, after so many failures in a row. */
    static Duration pauseAfter(int failures) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.clamp(failures - 1, 0, 10));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }
}
