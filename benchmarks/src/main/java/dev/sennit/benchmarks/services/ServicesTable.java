package dev.sennit.benchmarks.services;

import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Samples;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleFunction;
import org.jspecify.annotations.Nullable;

/** The table of {@link ServicesExperiment}: a figure a row, beside the peer's and the aim. */
final class ServicesTable {
    private static final String NONE = "-";
    private static final int P99 = 99;

    private final double neverSeconds;
    private final List<String> peers;
    private final List<Row> rows = new ArrayList<>();

    /** What a row is judged by. */
    private interface Aim {
        boolean isMet(Samples ours);
    }

    /** A figure; its aim is added to it. */
    final class Row {
        private final String figure;
        private final Samples ours;
        /** By the names of peers; not of all. */
        private final Map<String, Samples> theirs;
        private final DoubleFunction<String> unit;
        private String aim = NONE;
        private @Nullable Aim judge;

        private Row(String figure, Samples ours, Map<String, Samples> theirs, DoubleFunction<String> unit) {
            this.figure = figure;
            this.ours = ours;
            this.theirs = theirs;
            this.unit = unit;
        }

        void aim(double median, double p99) {
            aim = unit.apply(median) + " / " + unit.apply(p99);
            judge = samples -> samples.median() <= median && samples.percentile(P99) <= p99;
        }

        void aimOfMedian(double median) {
            aim = "p50 < " + unit.apply(median);
            judge = samples -> samples.median() < median;
        }

        void aimOfAll(double most) {
            aim = "all <= " + unit.apply(most);
            judge = samples -> samples.most() <= most;
        }

        private List<String> cells() {
            List<String> cells = new ArrayList<>(List.of(figure));
            add(cells, ours);
            for (String peer : peers) {
                Samples samples = theirs.get(peer);
                if (samples == null) {
                    cells.addAll(List.of(NONE, NONE, NONE));
                } else {
                    add(cells, samples);
                    double ratio = samples.median() / ours.median();
                    cells.add(Double.isFinite(ratio) && ratio > 0 ? Figures.ratio(ratio) : NONE);
                }
            }
            cells.add(aim);
            cells.add(judge == null ? NONE : judge.isMet(ours) ? "met" : "**not met**");
            return cells;
        }

        private void add(List<String> cells, Samples samples) {
            cells.add(text(samples.median()));
            cells.add(text(samples.percentile(P99)));
        }

        private String text(double value) {
            return Double.isInfinite(value)
                    ? "never (not in " + Math.round(neverSeconds) + " s)"
                    : unit.apply(value);
        }
    }

    /**
     * Makes an empty one.
     *
     * @param neverSeconds how long was waited for what has not happened
     * @param peers their names
     */
    ServicesTable(double neverSeconds, List<String> peers) {
        this.neverSeconds = neverSeconds;
        this.peers = List.copyOf(peers);
    }

    /** Adds a row of times. */
    Row row(String figure, Samples ours, Map<String, Samples> theirs) {
        return add(new Row(figure, ours, theirs, Figures::time));
    }

    /** Adds a row of memory. */
    void memory(String figure, Samples ours, Map<String, Samples> theirs) {
        add(new Row(figure, ours, theirs, Figures::bytes));
    }

    private Row add(Row row) {
        rows.add(row);
        return row;
    }

    Report addTo(Report report) {
        List<String> header = new ArrayList<>(List.of("", "Sennit, p50", "p99"));
        for (String peer : peers) {
            header.addAll(List.of(peer + ", p50", "p99", "x " + peer));
        }
        header.addAll(List.of("aim, p50 / p99", ""));
        var table = new MarkdownTable(header);
        rows.forEach(row -> table.add(row.cells()));
        return report.add("Services", table);
    }
}
