package dev.sennit.benchmarks.coroutines;

import com.sun.management.OperatingSystemMXBean;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;

/** A million coroutines woken by one latch: the first time in a process, and later. */
public final class WakeExperiment implements Experiment {
    private static final int MOST = 1_000_000;
    private static final int STEP = 100_000;
    /** Of a JVM that is not told otherwise, a quarter is its heap; a parked coroutine takes less than 2 KB of that. */
    private static final long MACHINE_BYTES_FOR_EACH = 4 * 2048;

    private static final List<String> OPTIONS = List.of("-XX:+UseParallelGC");
    private static final int TIMES = 3;
    /** Woken before all the others: what follows a wait is then compiled with what begins it. */
    private static final int FEW = 1_000;

    private static final double AIM = 1;

    @Override
    public Report run(Bench bench) throws Exception {
        int count = bench.size(asManyAsFit(), 1_000);
        int rounds = bench.size(3, 1);
        var contest = new Rounds();
        for (FreshPeer peer : FreshPeer.all(bench, OPTIONS)) {
            String wake = peer.request("wake") + " ";
            String all = wake + count + " " + TIMES;
            contest.add(peer.name(), 0, rounds, () -> peer.measure(all));
            if (peer.name().equals(FreshPeer.LOOP)) {
                contest.add(peer.name() + ", after " + FEW, 0, rounds, () -> peer.measure(all, wake + FEW + " 1"));
            }
        }
        Map<String, List<double[]>> measured = contest.run();
        var cold = compared(measured, 0);
        var warm = compared(measured, TIMES - 1);
        return new Report()
                .add(count + " parked on one latch that is opened, the first time in a process", cold.table())
                .aim(cold, FreshPeer.LOOP, FreshPeer.ASYNCIO, AIM)
                .add("The third time", warm.table())
                .aim(warm, FreshPeer.LOOP, FreshPeer.ASYNCIO, AIM);
    }

    private static Comparison compared(Map<String, List<double[]>> measured, int time) {
        return new Comparison(measured).sample("each", time).against(FreshPeer.ASYNCIO).against(FreshPeer.UVLOOP)
                .against(FreshPeer.KOTLIN);
    }

    private static int asManyAsFit() {
        long bytes = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
        long steps = Math.clamp(bytes / MACHINE_BYTES_FOR_EACH / STEP, 1, MOST / STEP);
        return (int) steps * STEP;
    }
}
