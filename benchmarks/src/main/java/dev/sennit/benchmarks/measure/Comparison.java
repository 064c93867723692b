package dev.sennit.benchmarks.measure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * What rounds of several contestants came to, and the table of it.
 *
 * <p>Of each round one figure is taken - its only sample, or a percentile - and of these figures the median, the least
 * and the most. A ratio is one of medians, and says how many times as fast, or as small, as the other a contestant is.
 */
public final class Comparison {
    private final Map<String, List<double[]>> measured;
    private final List<Column> columns = new ArrayList<>();
    private final List<String> baselines = new ArrayList<>();

    private record Column(String title, ToDoubleFunction<double[]> figure, Scale scale) {}

    /** How a figure is shown. */
    private interface Scale {
        String show(double figure);
    }

    public Comparison(Map<String, List<double[]>> measured) {
        this.measured = new LinkedHashMap<>(measured);
    }

    /** Shows a percentile of each round's samples. */
    public Comparison percentile(String title, double percent) {
        columns.add(new Column(title, round -> new Samples(round).percentile(percent), Figures::time));
        return this;
    }

    /** Shows each round's median. */
    public Comparison time(String title) {
        columns.add(new Column(title, Comparison::middle, Figures::time));
        return this;
    }

    /** Shows one of each round's samples, which are not of one kind. */
    public Comparison sample(String title, int index) {
        columns.add(new Column(title, round -> round[index], Figures::time));
        return this;
    }

    /** Shows one of each round's samples, which is a number of bytes. */
    public Comparison bytes(String title, int index) {
        columns.add(new Column(title, round -> round[index], Figures::bytes));
        return this;
    }

    /** Shows how many a second, of rounds that took so many. */
    public Comparison rate(String title, int count) {
        columns.add(new Column(title, Comparison::middle, seconds -> Figures.rate(count / seconds)));
        return this;
    }

    /** Shows one of each round's samples, which is the time of one, as how many a second. */
    public Comparison rateOf(String title, int index) {
        columns.add(new Column(title, round -> round[index], seconds -> Figures.rate(1 / seconds)));
        return this;
    }

    /** Adds a column that says how many times as fast as that contestant the others are, if it is there. */
    public Comparison against(String baseline) {
        if (measured.containsKey(baseline)) {
            baselines.add(baseline);
        }
        return this;
    }

    public boolean has(String contestant) {
        return measured.containsKey(contestant);
    }

    /** The median of the first column. */
    public double median(String contestant) {
        return figures(contestant, columns.getFirst()).median();
    }

    /** How many times as fast, by the medians of the first column. */
    public double ratio(String contestant, String baseline) {
        return median(baseline) / median(contestant);
    }

    /**
     * How much longer, by the median of the ratios of the two rounds that were run beside each other, and the first
     * column: what the machine does in the long run falls out.
     */
    public double pairedTimes(String contestant, String baseline) {
        List<double[]> own = rounds(contestant);
        List<double[]> others = rounds(baseline);
        ToDoubleFunction<double[]> figure = columns.getFirst().figure();
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < Math.min(own.size(), others.size()); i++) {
            times.add(figure.applyAsDouble(own.get(i)) / figure.applyAsDouble(others.get(i)));
        }
        return new Samples(times).median();
    }

    public MarkdownTable table() {
        List<String> header = new ArrayList<>(List.of(""));
        for (Column column : columns) {
            header.addAll(List.of(column.title(), "min - max"));
        }
        baselines.forEach(baseline -> header.add("x " + baseline));
        var table = new MarkdownTable(header);
        for (String contestant : measured.keySet()) {
            List<String> cells = new ArrayList<>(List.of(contestant));
            for (Column column : columns) {
                Samples figures = figures(contestant, column);
                String one = column.scale().show(figures.least());
                String other = column.scale().show(figures.most());
                boolean isRate = one.endsWith("/s");
                cells.add(column.scale().show(figures.median()));
                cells.add(isRate ? other + " - " + one : one + " - " + other);
            }
            for (String baseline : baselines) {
                cells.add(Figures.ratio(ratio(contestant, baseline)));
            }
            table.add(cells);
        }
        return table;
    }

    private Samples figures(String contestant, Column column) {
        return new Samples(
                rounds(contestant).stream().mapToDouble(column.figure()).toArray());
    }

    private List<double[]> rounds(String contestant) {
        List<double[]> rounds = measured.get(contestant);
        if (rounds == null) {
            throw new IllegalArgumentException("no contestant is called " + contestant);
        }
        return rounds;
    }

    private static double middle(double[] round) {
        return new Samples(round).median();
    }
}
