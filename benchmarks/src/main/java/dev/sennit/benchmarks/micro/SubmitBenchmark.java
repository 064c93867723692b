package dev.sennit.benchmarks.micro;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.observe.TaskEvents;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Submitting a task and waiting for it: before anybody has looked on, after somebody has, and while a stream of events
 * is open that nobody reads, which is what the submitter and the worker pay. With {@code -prof gc}, what is allocated.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Benchmark)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class SubmitBenchmark {
    @Param({"inline", "threads:1"})
    String plan = "";

    @Param({"never", "before", "open"})
    String stream = "";

    private @Nullable Pool pool;
    private @Nullable TaskEvents events;

    /** Opens the pool, and has somebody look on as long as is asked for. */
    @Setup(Level.Trial)
    public void open() {
        if (!stream.equals("never")) {
            events = TaskEvents.open();
        }
        if (stream.equals("before")) {
            close(events);
        }
        pool = Pools.open(plan);
    }

    /** Closes the pool and the stream. */
    @TearDown(Level.Trial)
    public void close() {
        close(pool);
        close(events);
    }

    private static void close(@Nullable AutoCloseable one) {
        if (one != null) {
            try {
                one.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Submitted, run and waited for. */
    @Benchmark
    public Integer submitAndJoin() {
        return Objects.requireNonNull(pool).submit(() -> 1).join();
    }
}
