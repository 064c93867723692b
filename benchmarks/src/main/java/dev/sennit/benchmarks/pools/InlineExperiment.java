package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.ArrayList;
import java.util.List;

/**
 * What the contract costs when nothing runs at the same time: 20 prime checks in a plain loop, and on {@code inline}.
 */
public final class InlineExperiment implements Experiment {
    private static final String LOOP = "hand-written loop";
    private static final String SUBMIT = "inline, submit";
    private static final String MAP = "inline, map";
    private static final double ALLOWED = 1.02;

    @Override
    public Report run(Bench bench) throws Exception {
        List<Long> numbers = Primes.numbers(bench);
        int rounds = bench.size(21, 1);
        try (Pool pool = Pools.open("inline")) {
            var comparison = new Comparison(new Rounds()
                    .add(LOOP, 2, rounds, () -> Bench.timed(() -> loop(numbers)))
                    .add(SUBMIT, 2, rounds, () -> Bench.timed(() -> submitAll(pool, numbers)))
                    .add(MAP, 2, rounds, () -> Bench.timed(() -> pool.map(Primes::isPrime, numbers)))
                    .run())
                    .time("20 primes")
                    .against(LOOP);
            var report = new Report().add("20 prime checks, one after another", comparison.table());
            for (String contestant : List.of(SUBMIT, MAP)) {
                double paired = comparison.pairedTimes(contestant, LOOP);
                double ofMedians = 1 / comparison.ratio(contestant, LOOP);
                report.aim(
                        contestant + " within 2 % of the " + LOOP,
                        Figures.percentAbove(ofMedians) + " by the ratio of medians, " + Figures.percentAbove(paired)
                                + " by the median of " + rounds + " ratios of neighbours",
                        ofMedians <= ALLOWED);
            }
            return report;
        }
    }

    static List<Boolean> loop(List<Long> numbers) {
        List<Boolean> results = new ArrayList<>();
        for (long number : numbers) {
            results.add(Primes.isPrime(number));
        }
        return results;
    }

    /** Has the code compiled that every task passes, on both sides of a pool: tasks that do nothing, enough of them. */
    static void warm(Bench bench, Pool... pools) throws Exception {
        for (Pool pool : pools) {
            List<TaskFuture<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < bench.size(40_000, 10); i++) {
                int number = i;
                futures.add(pool.submit(() -> number));
            }
            for (var future : futures) {
                future.get();
            }
        }
    }

    /** Submits a check for each number, then waits for all. */
    static List<Boolean> submitAll(Pool pool, List<Long> numbers) throws Exception {
        List<TaskFuture<Boolean>> futures = new ArrayList<>();
        for (long number : numbers) {
            futures.add(pool.submit(() -> Primes.isPrime(number)));
        }
        List<Boolean> results = new ArrayList<>();
        for (var future : futures) {
            results.add(future.get());
        }
        return results;
    }
}
