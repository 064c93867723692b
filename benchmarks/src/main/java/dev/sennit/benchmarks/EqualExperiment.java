package dev.sennit.benchmarks;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.List;

/** 200 equal checks: how near two workers come to twice the speed when the work divides well. */
final class EqualExperiment implements Experiment {
    private static final String INLINE = "inline";
    private static final String THREADS = "threads:2";
    private static final String PROCESSES = "processes:2";
    private static final double AIM = 1.95;

    @Override
    public Report run(Bench bench) throws Exception {
        List<Long> numbers = Primes.equalNumbers(bench);
        int rounds = bench.size(11, 2);
        int warmups = bench.size(12, 1);
        try (Pool inline = Pools.open(INLINE);
                Pool threads = Pools.open(THREADS);
                Pool processes = Pools.open(PROCESSES)) {
            InlineExperiment.warm(bench, inline, threads, processes);
            var contest = new Rounds();
            for (Pool pool : List.of(inline, threads, processes)) {
                String name = pool == inline ? INLINE : pool == threads ? THREADS : PROCESSES;
                contest.add(name, warmups, rounds, () -> Bench.timed(() -> InlineExperiment.submitAll(pool, numbers)));
            }
            contest.add(
                    PROCESSES + ", map", warmups, rounds, () -> Bench.timed(() -> processes.map(Primes::isPrime, numbers)));
            var comparison = new Comparison(contest.run())
                    .time(numbers.size() + " checks")
                    .against(INLINE);
            return new Report()
                    .add(numbers.size() + " equal prime checks, workers warm", comparison.table())
                    .aim(comparison, THREADS, INLINE, AIM)
                    .aim(comparison, PROCESSES, INLINE, AIM);
        }
    }
}
