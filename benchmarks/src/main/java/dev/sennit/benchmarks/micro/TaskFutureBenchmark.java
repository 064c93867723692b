package dev.sennit.benchmarks.micro;

import dev.sennit.Pool;
import dev.sennit.Pools;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Making and ending a future: a pool's, with its submission and its counts, beside a bare {@link CompletableFuture}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Benchmark)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TaskFutureBenchmark {
    private final Pool pool = Pools.open("inline");

    /** Closes the pool. */
    @TearDown(Level.Trial)
    public void close() {
        pool.close();
    }

    /** Submitted, run and done, in the calling thread. */
    @Benchmark
    public Integer taskFuture() {
        return pool.submit(() -> 1).join();
    }

    /** The same with one callback. */
    @Benchmark
    public Integer taskFutureWithCallback() {
        return pool.submit(() -> 1).thenApply(n -> n + 1).join();
    }

    /** Made and completed. */
    @Benchmark
    public Integer completableFuture() {
        var future = new CompletableFuture<Integer>();
        future.complete(1);
        return future.join();
    }

    /** The same with one callback. */
    @Benchmark
    public Integer completableFutureWithCallback() {
        var future = new CompletableFuture<Integer>();
        future.complete(1);
        return future.thenApply(n -> n + 1).join();
    }
}
