package dev.sennit.benchmarks.processes;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import dev.sennit.process.WorkerCrashedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * {@code kill -9} of the only worker while it runs a task: how soon that task's future fails, and how soon the next
 * task, submitted just before the kill, is served by the replacement.
 */
public final class CrashExperiment implements Experiment {
    private static final String OURS = "processes:1";
    private static final double AIM_SECONDS = 0.020;
    private static final long SLEEP_MILLIS = 60_000;

    @Override
    public Report run(Bench bench) throws Exception {
        int kills = bench.size(50, 1);
        int bound = bench.size(5, 1);
        var table = new MarkdownTable(List.of(
                kills + " kills of the worker", "future fails: p50", "p99", "max", "next task served: p50", "p99",
                "max"));
        try (Pool pool = Pools.open(OURS);
                var executor = Peers.open(bench, Peers.EXECUTOR + ", a new one opened by hand");
                var poolPeer = Peers.open(bench, Peers.POOL + ", killed once")) {
            kill(pool, bench); // loads what the end of a worker needs
            var contest = new Rounds().add(OURS, 1, kills, () -> kill(pool, bench));
            executor.join(contest, 1, kills, "crash-executor");
            Map<String, List<double[]>> measured = contest.run();
            measured.forEach((name, rounds) -> table.add(row(name, rounds)));
            poolPeer.forEach((name, peer) -> table.add(onlyKill(name, measure(peer, bound), bound)));

            double median = of(measured.getOrDefault(OURS, List.of()), 0).median();
            return new Report()
                    .add("kill -9 of a worker that runs a task", table)
                    .aim("a dead worker's future fails within 20 ms", Figures.time(median), median <= AIM_SECONDS)
                    .paragraph("A killed ProcessPoolExecutor fails every future it holds and takes no more tasks. "
                            + "multiprocessing.Pool replaces the worker and leaves the future open for ever.");
        }
    }

    private static double[] measure(Peer peer, int bound) {
        try {
            return peer.measure("crash-pool " + bound);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static List<String> row(String name, List<double[]> rounds) {
        List<String> cells = new ArrayList<>(List.of(name));
        for (int figure = 0; figure < 2; figure++) {
            Samples samples = of(rounds, figure);
            for (double seconds : List.of(samples.median(), samples.percentile(99), samples.most())) {
                cells.add(Figures.time(seconds));
            }
        }
        return cells;
    }

    private static List<String> onlyKill(String name, double[] seconds, int bound) {
        List<String> cells = new ArrayList<>(List.of(name));
        for (double one : seconds) {
            cells.addAll(List.of(one < 0 ? "never (not in " + bound + " s)" : Figures.time(one), "", ""));
        }
        return cells;
    }

    private static Samples of(List<double[]> rounds, int figure) {
        return new Samples(rounds.stream().mapToDouble(round -> round[figure]).toArray());
    }

    private static double[] kill(Pool pool, Bench bench) throws Exception {
        Path begun = bench.newFile("begun");
        TaskFuture<Long> victim = pool.submit(beginAndSleep(begun.toString()));
        while (!Files.exists(begun)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        ProcessHandle worker =
                ProcessHandle.of(Long.parseLong(Files.readString(begun))).orElseThrow();
        TaskFuture<Long> behind = pool.submit(() -> ProcessHandle.current().pid());
        long killed = System.nanoTime();
        worker.destroyForcibly();
        double failed = failure(victim, killed);
        long servedBy = behind.get();
        double served = Bench.secondsSince(killed);
        if (servedBy == worker.pid()) {
            throw new IllegalStateException("the next task was served by the worker that was killed");
        }
        return new double[] {failed, served};
    }

    private static double failure(TaskFuture<Long> victim, long killed) throws InterruptedException {
        try {
            victim.get();
            throw new IllegalStateException("the task of a killed worker returned");
        } catch (ExecutionException e) {
            double seconds = Bench.secondsSince(killed);
            if (e.getCause() instanceof WorkerCrashedException) {
                return seconds;
            }
            throw new IllegalStateException("the task of a killed worker failed in another way", e);
        }
    }

    private static dev.sennit.Task<Long> beginAndSleep(String mark) {
        return () -> {
            Path part = Path.of(mark + ".part");
            Files.writeString(part, Long.toString(ProcessHandle.current().pid()));
            Files.move(part, Path.of(mark), StandardCopyOption.ATOMIC_MOVE);
            Thread.sleep(SLEEP_MILLIS);
            return 0L;
        };
    }
}
