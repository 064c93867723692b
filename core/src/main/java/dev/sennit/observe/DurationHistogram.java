package dev.sennit.observe;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of durations in little memory, for quantiles such as the 99th percentile.
 *
 * {@snippet :
 * var waits = new DurationHistogram();
 * waits.record(Duration.ofMillis(3));
 * waits.record(Duration.ofMillis(5));
 * System.out.println(waits.quantile(0.99).orElseThrow());
 * }
 *
 * <p>Every power of two of nanoseconds is divided into 64 equal parts, and a histogram counts how many durations fell
 * into each (the idea of HdrHistogram). A {@link #quantile} is the middle of such a part: it differs by less than 1 %
 * from the duration that was recorded. {@link #max}, {@link #count} and {@link #total} are exact. Histograms of several
 * pools or JVMs may be {@linkplain #merge merged} without a further error.
 *
 * <p>{@link #record} allocates half a kilobyte for the first duration in a power of two, and otherwise nothing; a
 * histogram takes 30 kB at most.
 *
 * <p>Not safe for use by several threads.
 */
public final class DurationHistogram {
    private static final int PARTS_BITS = 6;
    private static final int PARTS = 1 << PARTS_BITS;
    /** The first row has a part for each nanosecond; row r has the durations from {@code PARTS << r} on. */
    private static final int ROWS = Long.SIZE - 1 - PARTS_BITS;

    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    private final long[] @Nullable [] rows = new long[ROWS][];
    private long count;
    /** Nanoseconds, at most {@link Long#MAX_VALUE}. */
    private long total;
    private long max;

    /** Creates an empty histogram. */
    public DurationHistogram() {}

    /**
     * Counts a duration.
     *
     * @param duration the duration; less than zero counts as zero, and more than 292 years as 292 years
     */
    public void record(Duration duration) {
        long nanos = duration.isNegative()
                ? 0
                : duration.compareTo(LONGEST) >= 0
                        ? Long.MAX_VALUE
                        : duration.toNanos();
        int row = row(nanos);
        rowAt(row)[part(nanos, row)]++;
        count++;
        total = sum(total, nanos);
        max = Math.max(max, nanos);
    }

    private static int row(long nanos) {
        return Math.max(0, Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos | 1) - PARTS_BITS);
    }

    private static int part(long nanos, int row) {
        return (int) (nanos >>> row) - (row == 0 ? 0 : PARTS);
    }

    private long[] rowAt(int index) {
        long[] row = rows[index];
        if (row == null) {
            row = new long[index == 0 ? 2 * PARTS : PARTS];
            rows[index] = row;
        }
        return row;
    }

    private static long sum(long one, long other) {
        long sum = one + other;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }

    /**
     * Adds all that another histogram has counted.
     *
     * @param other a histogram, which is not changed
     */
    public void merge(DurationHistogram other) {
        for (int i = 0; i < ROWS; i++) {
            long[] more = other.rows[i];
            if (more != null) {
                long[] row = rowAt(i);
                for (int part = 0; part < more.length; part++) {
                    row[part] += more[part];
                }
            }
        }
        long added = other.total; // read first, as other may be this
        count += other.count;
        total = sum(total, added);
        max = Math.max(max, other.max);
    }

    /** Returns a histogram of the same durations. */
    DurationHistogram copy() {
        var copy = new DurationHistogram();
        copy.merge(this);
        return copy;
    }

    /**
     * Returns how many durations were recorded.
     *
     * @return the count
     */
    public long count() {
        return count;
    }

    /**
     * Returns the sum of all durations.
     *
     * @return the sum, 292 years at most
     */
    public Duration total() {
        return Duration.ofNanos(total);
    }

    /**
     * Returns the longest duration.
     *
     * @return the longest; empty if none was recorded
     */
    public Optional<Duration> max() {
        return count == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(max));
    }

    /**
     * Returns the duration that a given part of all durations does not exceed.
     *
     * @param part above 0 and up to 1, such as 0.5 for the median and 0.99 for the 99th percentile
     * @return the duration, at most 1 % off; empty if none was recorded
     * @throws IllegalArgumentException if {@code part} is not in this range
     */
    public Optional<Duration> quantile(double part) {
        if (!(part > 0 && part <= 1)) {
            throw new IllegalArgumentException("part must be > 0 and <= 1, was " + part);
        }
        if (count == 0) {
            return Optional.empty();
        }
        long left = Math.max(1, (long) Math.ceil(part * count));
        for (int i = 0; i < ROWS; i++) {
            long[] row = rows[i];
            for (int j = 0; row != null && j < row.length; j++) {
                left -= row[j];
                if (left <= 0) {
                    return Optional.of(Duration.ofNanos(Math.min(middle(i, j), max)));
                }
            }
        }
        return Optional.of(Duration.ofNanos(max)); // the product was rounded up
    }

    private static long middle(int row, int part) {
        return row == 0 ? part : ((long) (part + PARTS) << row) + (1L << row) / 2;
    }

    @Override
    public String toString() {
        return "DurationHistogram[" + count + ", max " + max + " ns]";
    }
}
