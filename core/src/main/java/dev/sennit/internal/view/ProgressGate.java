package dev.sennit.internal.view;

import dev.sennit.internal.Backend;
import org.jspecify.annotations.Nullable;

/**
 * Lets few of many reports of progress through: the first, then one in each period, and at the end the last. For one
 * thread at a time.
 */
public final class ProgressGate {
    /** How often the work of one task is told of, in nanoseconds. */
    public static final long PERIOD_NANOS = 100_000_000;

    /** The greatest length of a message; the rest is cut off. */
    public static final int LONGEST_MESSAGE = 200;

    /** The total of work whose end is not known. */
    public static final long NO_TOTAL = -1;

    private final long periodNanos;
    private boolean hasTold;
    /** Only once it has told. */
    private long toldAt;
    private @Nullable Report held;

    /**
     * How far some work has come.
     *
     * @param done 0 or more
     * @param total not less than done, or {@link #NO_TOTAL}
     * @param message short
     */
    public record Report(long done, long total, String message) {
        /** Returns a report whose parts are within their bounds: a total that is less than what is done is none. */
        public static Report of(long done, long total, String message) {
            String text = message.length() <= LONGEST_MESSAGE ? message : message.substring(0, LONGEST_MESSAGE);
            return new Report(done, total < done ? NO_TOTAL : total, text);
        }
    }

    /** Creates a gate for the work of one task. */
    public ProgressGate() {
        this(PERIOD_NANOS);
    }

    /** Creates a gate with another period, in nanoseconds. */
    public ProgressGate(long periodNanos) {
        this.periodNanos = periodNanos;
    }

    /** Returns the report if it is to be told now; else keeps it, in the place of the one before. */
    public @Nullable Report pass(Report next) {
        long now = Backend.current().nanoTime();
        if (hasTold && now - toldAt < periodNanos) {
            held = next;
            return null;
        }
        hasTold = true;
        toldAt = now;
        held = null;
        return next;
    }

    /** Keeps a report, in the place of the one before. */
    public void hold(Report next) {
        held = next;
    }

    /** Ends the work: returns the last report, if it has not been told. The next report is the first of other work. */
    public @Nullable Report end() {
        Report last = held;
        held = null;
        hasTold = false;
        return last;
    }
}
