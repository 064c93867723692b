package dev.sennit.benchmarks.coroutines;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Machine;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.util.List;
import java.util.Map;

/** Bytes that a coroutine takes while it waits. */
public final class ParkedExperiment implements Experiment {
    private static final List<String> OPTIONS = List.of("-XX:+UseCompactObjectHeaders", "-Djdk.trackAllThreads=false");
    private static final double AIM = 0.75;

    @Override
    public Report run(Bench bench) throws Exception {
        int count = bench.size(100_000, 1_000);
        int rounds = bench.size(5, 1);
        var contest = new Rounds();
        for (FreshPeer peer : FreshPeer.all(bench, OPTIONS)) {
            contest.add(peer.name(), 0, rounds, () -> peer.measure(peer.request("parked") + " " + count));
        }
        Map<String, List<double[]>> measured = contest.run();
        var live = new Comparison(measured).bytes("in use", 0).against(FreshPeer.ASYNCIO).against(FreshPeer.UVLOOP)
                .against(FreshPeer.KOTLIN);
        var report = new Report().add(count + " parked on one latch: memory in use, for each", live.table());
        if (live.has(FreshPeer.ASYNCIO)) {
            double times = 1 / live.ratio(FreshPeer.LOOP, FreshPeer.ASYNCIO);
            report.aim(
                    FreshPeer.LOOP + " <= " + AIM + " times that of " + FreshPeer.ASYNCIO,
                    Figures.ratio(times) + " times",
                    times <= AIM);
        }
        if (Machine.tellsMemory()) {
            var others = new Comparison(measured).bytes("the process grew by", 1).bytes("in use, the first time", 2);
            report.add("The same, resident, and when the code is cold", others.table());
        }
        return report;
    }
}
