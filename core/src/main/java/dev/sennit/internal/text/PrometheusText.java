package dev.sennit.internal.text;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;

/**
 * Writes metrics in the text format of Prometheus, version 0.0.4: families of samples, each with its help and type.
 *
 * <p>See the <a href="https://prometheus.io/docs/instrumenting/exposition_formats/">specification</a>.
 */
public final class PrometheusText {
    /** Its media type. */
    public static final String MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    /** What the samples of a family are. */
    public enum Type {
        /** A sum that grows, and begins at 0 again when what it is of does. */
        COUNTER,
        /** A number that goes up and down. */
        GAUGE,
        /** Quantiles, with a sum and a count. */
        SUMMARY,
        /** Cumulative buckets, with a sum and a count. */
        HISTOGRAM
    }

    private final StringBuilder text = new StringBuilder();
    private String family = "";

    /** Creates an empty text. */
    public PrometheusText() {}

    /**
     * Begins a family, to which the next samples belong.
     *
     * @param name its name
     * @param type what its samples are
     * @param help a sentence
     */
    public void family(String name, Type type, String help) {
        family = name;
        text.append("# HELP ").append(name).append(' ').append(escaped(help, false)).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type.name().toLowerCase(Locale.ROOT)).append('\n');
    }

    /**
     * Adds a sample.
     *
     * @param value its value
     * @param labels names and values, in turn; no two samples of a family have the same
     */
    public void sample(BigDecimal value, String... labels) {
        add("", value, labels);
    }

    /**
     * Adds a bucket of a histogram.
     *
     * @param count how many values are in it and in those before
     * @param labels names and values, in turn, with {@code le}
     */
    public void bucket(long count, String... labels) {
        add("_bucket", BigDecimal.valueOf(count), labels);
    }

    /**
     * Adds the sum and the count of a summary or a histogram, behind its quantiles or buckets.
     *
     * @param sum of all values
     * @param count how many there were
     * @param labels names and values, in turn
     */
    public void sumAndCount(BigDecimal sum, long count, String... labels) {
        add("_sum", sum, labels);
        add("_count", BigDecimal.valueOf(count), labels);
    }

    private void add(String suffix, BigDecimal value, String... labels) {
        text.append(family).append(suffix);
        for (int i = 0; i < labels.length; i += 2) {
            text.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
            text.append(escaped(labels[i + 1], true)).append('"');
        }
        text.append(labels.length > 0 ? "} " : " ").append(value.toPlainString()).append('\n');
    }

    /**
     * Returns a duration in seconds.
     *
     * @param duration any
     * @return the exact number
     */
    public static BigDecimal seconds(Duration duration) {
        BigDecimal seconds = BigDecimal.valueOf(duration.getSeconds()).add(BigDecimal.valueOf(duration.getNano(), 9));
        return seconds.signum() == 0 ? BigDecimal.ZERO : seconds.stripTrailingZeros();
    }

    private static String escaped(String value, boolean isQuoted) {
        String escaped = value.replace("\\", "\\\\").replace("\n", "\\n");
        return isQuoted ? escaped.replace("\"", "\\\"") : escaped;
    }

    /** Returns what was written. */
    @Override
    public String toString() {
        return text.toString();
    }
}
