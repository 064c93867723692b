package dev.sennit.benchmarks.micro;

import dev.sennit.Retry;
import dev.sennit.Stop;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a retry costs a call that needs none, and one that does, beside the bare call. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Benchmark)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RetryBenchmark {
    private final Retry retry = Retry.attempts(5);
    private final Retry limited = Retry.until(Stop.afterAttempts(5).or(Stop.beforeTime(Duration.ofSeconds(10))));
    private final Failure failure = new Failure();
    private int number;

    /** Not a constant to the compiler. */
    private Callable<Integer> task = () -> number;

    /** Without a stack trace, which would cost more than all the rest. */
    private static final class Failure extends Exception {
        private static final long serialVersionUID = 1L;

        Failure() {
            super("failed", null, false, false);
        }
    }

    /** The call alone. */
    @Benchmark
    public Integer bare() throws Exception {
        return task.call();
    }

    /** With a bound on the attempts. */
    @Benchmark
    public Integer succeedsAtOnce() throws Exception {
        return retry.call(task::call);
    }

    /** With a bound on the time as well, so that the clock is read. */
    @Benchmark
    public Integer succeedsAtOnceInTime() throws Exception {
        return limited.call(task::call);
    }

    /** One failure, no wait. */
    @Benchmark
    public Integer succeedsAtTheSecondAttempt() throws Exception {
        number = 0;
        return retry.call(() -> {
            if (number++ == 0) {
                throw failure;
            }
            return task.call();
        });
    }
}
