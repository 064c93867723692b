package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;

/**
 * Knows whether the broker answers, and logs one line when that ends and one when it begins again. A broker that fails
 * now and then has such lines every ten seconds at most.
 */
final class Outage {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

    private final String worker;
    private final String broker;
    private final TimeSource time;
    /** Guarded by this. */
    private boolean isAway;
    /** Guarded by this. Whether the line about this outage was logged, and when the last one was. */
    private boolean isTold;

    private long toldAt;
    /** Guarded by this. By the clock, when it was heard of last. */
    private long heardAt;

    Outage(String worker, String broker, TimeSource time) {
        this.worker = worker;
        this.broker = broker;
        this.time = time;
        heardAt = time.nanoTime();
        toldAt = heardAt - BETWEEN_LINES.toNanos();
    }

    /** Notes that an operation has failed. */
    synchronized void failed(RuntimeException failure) {
        isAway = true;
        long now = time.nanoTime();
        if (!isTold && now - toldAt >= BETWEEN_LINES.toNanos()) {
            isTold = true;
            toldAt = now;
            LOG.log(Level.WARNING, worker + " - broker " + broker + " does not answer: " + failure.getMessage()
                    + "; goes on with what it has, and tries again");
            LOG.log(Level.DEBUG, "where", failure);
        }
    }

    /** Notes that the broker has answered. */
    synchronized void worked() {
        long now = time.nanoTime();
        isAway = false;
        if (isTold) {
            isTold = false;
            LOG.log(Level.INFO, worker + " - broker " + broker + " answers again after "
                    + Duration.ofNanos(now - heardAt).toMillis() + " ms");
        }
        heardAt = now;
    }

    /** Returns for how long the broker has not answered; zero if it has when it was asked last. */
    synchronized Duration away() {
        return isAway ? Duration.ofNanos(time.nanoTime() - heardAt) : Duration.ZERO;
    }

    /** Returns how long to wait before the next try, after so many failures in a row. */
    static Duration pauseAfter(int failures) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.clamp(failures - 1, 0, 10));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }
}
