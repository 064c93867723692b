package dev.sennit.cli.compare;

import org.jspecify.annotations.Nullable;

/**
 * The measurement of a plan in a comparison.
 *
 * @param plan the plan as it was written
 * @param kind the kind of pool, the plan's first word
 * @param workers how many tasks can run at once, or null for no limit
 * @param rounds how often it was measured
 * @param wallSeconds the median time of a round, or NaN
 * @param cpuPercent processor time of this process and the plan's workers, over all rounds, as percent of one core, or
 *     NaN
 * @param peakBytes the largest resident memory seen in a round, of this process and the plan's workers together, or 0
 * @param failure why it is out of the comparison, or null
 */
record Measurement(
        String plan,
        String kind,
        @Nullable Integer workers,
        int rounds,
        double wallSeconds,
        double cpuPercent,
        long peakBytes,
        @Nullable String failure) {

    boolean inline() {
        return kind.equals(Comparison.INLINE);
    }

    boolean failed() {
        return failure != null;
    }

    String workersText() {
        return workers == null ? "no limit" : workers.toString();
    }
}
