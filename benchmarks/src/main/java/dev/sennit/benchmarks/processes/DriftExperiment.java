package dev.sennit.benchmarks.processes;

import dev.sennit.PeriodicWorker;
import dev.sennit.Schedule;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** How far periodic runs stray from their beat, beside futurist's. */
public final class DriftExperiment implements Experiment {
    private static final Duration PERIOD = Duration.ofMillis(5);

    @Override
    public Report run(Bench bench) throws Exception {
        int runs = bench.size(1_000, 20);
        int rounds = bench.size(3, 1);
        String request = " " + runs + " " + PERIOD.toNanos() / 1_000;
        try (var lastStarted = Peers.open(bench, "futurist, last_started");
                var lastFinished = Peers.open(bench, "futurist, last_finished");
                var aligned = Peers.open(bench, "futurist, aligned_last_finished")) {
            var contest = new Rounds()
                    .add("fixedRate", 1, rounds, () -> beat(Schedule.fixedRate(PERIOD), runs))
                    .add("aligned", 1, rounds, () -> beat(Schedule.aligned(PERIOD), runs))
                    .add("afterStart", 1, rounds, () -> beat(Schedule.afterStart(PERIOD), runs))
                    .add("afterEnd", 1, rounds, () -> beat(Schedule.afterEnd(PERIOD), runs));
            lastStarted.join(contest, 0, rounds, "drift-last_started" + request);
            lastFinished.join(contest, 0, rounds, "drift-last_finished" + request);
            aligned.join(contest, 0, rounds, "drift-aligned_last_finished" + request);
            var table = new MarkdownTable(List.of(
                    runs + " runs, every 5 ms", "too late in the end", "min - max", "spacing: p50", "p1", "p99"));
            contest.run().forEach((name, measured) -> table.add(row(name, measured)));
            return new Report()
                    .add("Periodic runs that do nothing", table)
                    .paragraph(
                            "How much later the last run begins than the first and the period say. `fixedRate` and "
                                    + "`aligned` keep the beat; the others count from the run before, and add up what "
                                    + "each is late. In futurist, `aligned` is aligned to the clock's full periods and "
                                    + "leaves out those that it is late for.");
        }
    }

    private static List<String> row(String name, List<double[]> measured) {
        Samples drift = column(measured, 0);
        List<String> cells = new ArrayList<>(List.of(
                name,
                Figures.time(drift.median()),
                Figures.time(drift.least()) + " - " + Figures.time(drift.most())));
        for (int figure = 1; figure <= 3; figure++) {
            cells.add(Figures.time(column(measured, figure).median()));
        }
        return cells;
    }

    private static Samples column(List<double[]> measured, int figure) {
        return new Samples(measured.stream().mapToDouble(round -> round[figure]).toArray());
    }

    private static double[] beat(Schedule schedule, int runs) throws InterruptedException {
        long[] starts = new long[runs];
        var count = new AtomicInteger();
        var over = new CountDownLatch(1);
        try (var worker = PeriodicWorker.builder().open()) {
            worker.add("beat", schedule, () -> {
                int number = count.getAndIncrement();
                if (number < runs) {
                    starts[number] = System.nanoTime();
                }
                if (number == runs - 1) {
                    over.countDown();
                }
            });
            worker.start();
            over.await();
        }
        return figures(starts);
    }

    /** How much too late the last one was; then the spacing's median, first and 99th percentile; in seconds. */
    static double[] figures(long... starts) {
        int gaps = starts.length - 1;
        double[] spacing = new double[gaps];
        Arrays.setAll(spacing, i -> (starts[i + 1] - starts[i]) / 1e9);
        double wanted = gaps * (PERIOD.toNanos() / 1e9);
        var samples = new Samples(spacing);
        return new double[] {
            (starts[gaps] - starts[0]) / (double) TimeUnit.SECONDS.toNanos(1) - wanted,
            samples.median(),
            samples.percentile(1),
            samples.percentile(99)
        };
    }
}
