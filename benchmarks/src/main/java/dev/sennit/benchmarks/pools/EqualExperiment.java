package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.List;

/** 200 equal checks: how near two workers come to twice the speed when the work divides well. */
public final class EqualExperiment implements Experiment {
    private static final String INLINE = "inline";
    private static final String THREADS = "threads:2";
    private static final String PROCESSES = "processes:2";
    private static final double AIM = 1.95;

    @Override
    public Report run(Bench bench) throws Exception {
        try (Pool inline = Pools.open(INLINE);
                Pool threads = Pools.open(THREADS);
                Pool processes = Pools.open(PROCESSES)) {
            InlineExperiment.warm(bench, inline, threads, processes);
            var report = new Report();
            Comparison large = compare(bench, Primes.SMALLEST, bench.size(7, 1), inline, threads, processes);
            report.add("200 checks of the smallest prime of the 20, workers warm", large.table())
                    .aim(large, THREADS, INLINE, AIM)
                    .aim(large, PROCESSES, INLINE, AIM);
            Comparison small = compare(bench, Primes.MIDDLING, bench.size(11, 1), inline, threads, processes);
            return report.add("200 checks that take a quarter of that", small.table());
        }
    }

    private static Comparison compare(Bench bench, long number, int rounds, Pool inline, Pool threads, Pool processes)
            throws Exception {
        List<Long> numbers = Primes.equalNumbers(bench, number);
        int warmups = bench.size(5, 1);
        var contest = new Rounds()
                .add(INLINE, warmups, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(inline, numbers)))
                .add(THREADS, warmups, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(threads, numbers)))
                .add(PROCESSES, warmups, rounds,
                        () -> Bench.timed(() -> InlineExperiment.submitAll(processes, numbers)))
                .add(
                        PROCESSES + ", map",
                        warmups,
                        rounds,
                        () -> Bench.timed(() -> processes.map(Primes::isPrime, numbers)));
        return new Comparison(contest.run()).time(numbers.size() + " checks").against(INLINE);
    }
}
