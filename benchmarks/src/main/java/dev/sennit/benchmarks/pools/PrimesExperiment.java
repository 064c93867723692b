package dev.sennit.benchmarks.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.List;

/** The 20 prime checks of uneven size on every kind of pool, and on Python's. */
public final class PrimesExperiment implements Experiment {
    private static final String LOOP = "hand-written loop";
    private static final String INLINE = "inline";
    private static final String THREADS = "threads:2";
    private static final String PROCESSES = "processes:2";
    private static final String SEQUENTIAL = "Python, sequential";
    private static final double AIM = 1.76;

    @Override
    public Report run(Bench bench) throws Exception {
        List<Long> numbers = Primes.numbers(bench);
        int rounds = bench.size(9, 1);
        try (Pool inline = Pools.open(INLINE);
                Pool threads = Pools.open(THREADS);
                Pool processes = Pools.open(PROCESSES);
                var peers = Peers.open(
                        bench, SEQUENTIAL, "Python, ThreadPoolExecutor", Peers.EXECUTOR, Peers.POOL)) {
            InlineExperiment.warm(bench, inline, threads, processes);
            var contest = new Rounds()
                    .add(LOOP, 2, rounds, () -> Bench.timed(() -> InlineExperiment.loop(numbers)))
                    .add(INLINE, 2, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(inline, numbers)))
                    .add(THREADS, 2, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(threads, numbers)))
                    .add(THREADS + ", map", 2, rounds, () -> Bench.timed(() -> threads.map(Primes::isPrime, numbers)))
                    .add(PROCESSES, 2, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(processes, numbers)))
                    .add(
                            PROCESSES + ", map",
                            2,
                            rounds,
                            () -> Bench.timed(() -> processes.map(Primes::isPrime, numbers)));
            peers.join(contest, 0, bench.size(3, 1), Primes.request(numbers)); // nothing in them warms up
            var comparison = new Comparison(contest.run())
                    .time("20 primes")
                    .against(INLINE)
                    .against(SEQUENTIAL);
            return new Report()
                    .add("20 prime checks of uneven size, workers warm", comparison.table())
                    .aim(comparison, THREADS, INLINE, AIM)
                    .aim(comparison, PROCESSES, INLINE, AIM);
        }
    }
}
