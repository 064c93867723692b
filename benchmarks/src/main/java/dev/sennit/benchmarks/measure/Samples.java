package dev.sennit.benchmarks.measure;

import java.util.Arrays;
import java.util.Collection;

/** Figures of one kind, with their order statistics. */
public final class Samples {
    private final double[] sorted;

    public Samples(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("no samples");
        }
        sorted = values.clone();
        Arrays.sort(sorted);
    }

    public Samples(Collection<Double> values) {
        this(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** The middle one; of an even number the mean of the two in the middle. */
    public double median() {
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** The smallest sample that at least so many percent are not above. */
    public double percentile(double percent) {
        if (percent < 0 || percent > 100) {
            throw new IllegalArgumentException("percent must be from 0 to 100, was " + percent);
        }
        int rank = (int) Math.ceil(sorted.length * percent / 100);
        return sorted[Math.max(0, rank - 1)];
    }

    public double least() {
        return sorted[0];
    }

    public double most() {
        return sorted[sorted.length - 1];
    }

    @Override
    public String toString() {
        return "Samples[" + sorted.length + ", median " + median() + "]";
    }
}
