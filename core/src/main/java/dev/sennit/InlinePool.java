package dev.sennit;

import dev.sennit.internal.Management;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The sequential baseline: {@code submit} runs the task in the calling thread and returns a future that is done.
 *
 * <p>With it a program can be debugged without concurrency, and its speed compared, without a change of its code.
 * Several threads may use the pool; each runs its own tasks.
 */
public final class InlinePool extends AbstractPool {
    /** How many nested submissions of this pool each thread runs. */
    private final Map<Thread, AtomicInteger> callers = new ConcurrentHashMap<>();
    private final LongAdder cpuNanos = new LongAdder();

    private InlinePool(Builder settings) {
        super(settings, 1);
        opened();
    }

    /**
     * Opens an inline pool.
     *
     * @return an open pool
     */
    public static InlinePool open() {
        return new Builder().open();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        Thread caller = Thread.currentThread();
        AtomicInteger depth = callers.computeIfAbsent(caller, thread -> new AtomicInteger());
        boolean outermost = depth.getAndIncrement() == 0;
        long before = outermost ? cpuNow() : 0;
        try {
            runInCaller(submission);
        } finally {
            if (outermost) {
                callers.remove(caller);
                cpuNanos.add(cpuNow() - before);
            } else {
                depth.getAndDecrement();
            }
        }
    }

    /** Returns the processor time of the thread; 0 on virtual threads, where the JDK cannot tell it. */
    private static long cpuNow() {
        return Management.cpuNanos(Thread.currentThread());
    }

    @Override
    protected Collection<Submission<?>> held() {
        return java.util.List.of();
    }

    @Override
    protected boolean runsInCaller() {
        return true;
    }

    @Override
    protected boolean onWorker() {
        return callers.containsKey(Thread.currentThread());
    }

    @Override
    protected void releaseWorkers() {
        workersReleased();
    }

    @Override
    protected int aliveWorkers() {
        return 1;
    }

    @Override
    protected Optional<Duration> cpuTime() {
        return Management.isThere() ? Optional.of(Duration.ofNanos(cpuNanos.sum())) : Optional.empty();
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ZERO;
    }

    private static final class Builder extends PoolBuilder<Builder> {
        Builder() {
            super("inline");
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        protected Map<String, java.util.function.Consumer<String>> planOptions() {
            Map<String, java.util.function.Consumer<String>> options = super.planOptions();
            options.keySet().removeAll(List.of("backlog", "full")); // no task ever waits
            return options;
        }

        @Override
        protected boolean planOption(String option, String value) {
            if (option.equals("backlog") || option.equals("full")) {
                throw new IllegalArgumentException(
                        "inline takes no " + option + ": a task runs inside of submit, and none waits");
            }
            return super.planOption(option, value);
        }

        @Override
        protected void planArgument(String count) {
            throw new IllegalArgumentException("inline takes no number of workers, was \"" + count + "\"");
        }

        @Override
        public InlinePool open() {
            return new InlinePool(this);
        }
    }

    /** Registers {@code inline}. */
    public static final class Provider implements PoolProvider {
        /** For the service loader. */
        public Provider() {}

        @Override
        public String kind() {
            return "inline";
        }

        @Override
        public String syntax() {
            return "inline";
        }

        @Override
        public Pool open(Plan plan) {
            return new Builder().plan(plan).open();
        }
    }
}
