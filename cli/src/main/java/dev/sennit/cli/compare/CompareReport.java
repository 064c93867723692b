package dev.sennit.cli.compare;

import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.Table;
import dev.sennit.cli.command.Terminal;
import dev.sennit.internal.text.JsonLine;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The results of a comparison, as a table or as lines of JSON. */
final class CompareReport {
    private final String workload;
    private final List<Measurement> measurements;
    private final List<Cost> costs;
    private final double inlineSeconds;

    CompareReport(String workload, List<Measurement> measurements) {
        this.workload = workload;
        this.measurements = measurements;
        this.costs = Cost.of(measurements);
        this.inlineSeconds =
                Cost.inline(measurements).map(Measurement::wallSeconds).orElse(Double.NaN);
    }

    List<String> text(Terminal terminal) {
        var table = new Table("plan", "workers", "wall", "speed-up", "CPU", "peak memory");
        for (Measurement each : measurements) {
            if (each.failed()) {
                table.add(each.plan(), each.workersText(), String.valueOf(each.failure()));
            } else {
                table.add(
                        each.plan(),
                        each.workersText(),
                        Figures.duration(each.wallSeconds()),
                        speedUp(each).map(Figures::times).orElse("-"),
                        Figures.percent(each.cpuPercent()),
                        each.peakBytes() == 0 ? "-" : Figures.bytes(each.peakBytes()));
            }
        }
        List<String> lines = new ArrayList<>();
        lines.add(workload + ": medians of " + rounds() + ", on "
                + Figures.count(Runtime.getRuntime().availableProcessors(), "processor", "processors"));
        List<String> rows = table.lines();
        lines.add(terminal.bold(rows.getFirst()));
        for (int i = 1; i < rows.size(); i++) {
            lines.add(measurements.get(i - 1).failed() ? terminal.red(rows.get(i)) : rows.get(i));
        }
        if (!costs.isEmpty()) {
            lines.add("COST, the fewest workers that beat inline: "
                    + costs.stream().map(Cost::text).collect(Collectors.joining(", ")));
        }
        return lines;
    }

    List<String> json() {
        List<String> lines = new ArrayList<>();
        for (Measurement each : measurements) {
            lines.add(new JsonLine()
                    .put("workload", workload)
                    .put("plan", each.plan())
                    .put("kind", each.kind())
                    .put("workers", each.workers())
                    .put("rounds", each.rounds())
                    .put("wallSeconds", each.wallSeconds())
                    .put("speedUp", speedUp(each).orElse(null))
                    .put("cpuPercent", each.cpuPercent())
                    .put("peakBytes", each.peakBytes() == 0 ? null : each.peakBytes())
                    .put("failure", each.failure())
                    .toString());
        }
        for (Cost cost : costs) {
            lines.add(new JsonLine()
                    .put("workload", workload)
                    .put("kind", cost.kind())
                    .put("beatsInline", cost.cheapest() != null)
                    .put("cost", cost.cheapest() == null ? null : cost.cheapest().workers())
                    .put("measuredUpTo", cost.most().workers())
                    .toString());
        }
        return lines;
    }

    private String rounds() {
        var rounds = measurements.stream()
                .filter(each -> !each.failed())
                .mapToInt(Measurement::rounds)
                .summaryStatistics();
        return Figures.count(rounds.getCount() == 0 ? 0 : rounds.getMin(), "round", "rounds")
                + (rounds.getMax() > rounds.getMin() ? " or more" : "");
    }

    private Optional<Double> speedUp(Measurement each) {
        double ratio = inlineSeconds / each.wallSeconds();
        return Double.isNaN(ratio) || each.failed() ? Optional.empty() : Optional.of(ratio);
    }
}
