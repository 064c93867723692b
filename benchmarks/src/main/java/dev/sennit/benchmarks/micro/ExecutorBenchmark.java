package dev.sennit.benchmarks.micro;

import dev.sennit.Pools;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Tasks that do nothing, on pools and on the JDK's executors. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Benchmark)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class ExecutorBenchmark {
    private static final int TASKS = 10_000;

    /** A plan, or a factory method of {@link Executors}. */
    @Param({"inline", "threads:2", "newFixedThreadPool", "virtual", "newVirtualThreadPerTaskExecutor"})
    public String on = "inline";

    private ExecutorService executor = Pools.open("inline");

    /** Opens it. */
    @Setup(Level.Trial)
    public void open() {
        executor.close();
        executor = switch (on) {
            case "newFixedThreadPool" -> Executors.newFixedThreadPool(2);
            case "newVirtualThreadPerTaskExecutor" -> Executors.newVirtualThreadPerTaskExecutor();
            default -> Pools.open(on);
        };
    }

    /** Closes it. */
    @TearDown(Level.Trial)
    public void close() {
        executor.close();
    }

    /** One task, waited for. */
    @Benchmark
    public Integer submitAndGet() throws Exception {
        return executor.submit(() -> 1).get();
    }

    /** One task of many that are waited for together. */
    @Benchmark
    @OperationsPerInvocation(TASKS)
    public int submitManyAndGet() throws Exception {
        List<Future<Integer>> futures = new ArrayList<>(TASKS);
        for (int i = 0; i < TASKS; i++) {
            int number = i;
            futures.add(executor.submit(() -> number));
        }
        int sum = 0;
        for (var future : futures) {
            sum += future.get();
        }
        return sum;
    }
}
