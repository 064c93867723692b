package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.StartLimit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A virtual thread for each task, at most N at a time: {@code virtual:N}.
 *
 * <p>For tasks that mostly wait. Without a number there is no limit to how many run.
 *
 * {@snippet :
 * try (Pool pool = VirtualPool.builder().limit(500).open()) {
 *     TaskFuture<String> slept = pool.submit(() -> {
 *         Thread.sleep(10);
 *         return "slept";
 *     });
 *     System.out.println(slept.join());
 * }
 * }
 */
public final class VirtualPool extends AbstractPool {
    private final StartLimit<Submission<?>> limit;
    /** The tasks that run or are about to run, by their threads. */
    private final Map<Thread, Submission<?>> running = new ConcurrentHashMap<>();
    private final Thread.Builder.OfVirtual threads;

    private VirtualPool(Builder settings) {
        super(settings, settings.limit);
        limit = new StartLimit<>(
                settings.limit, this::start, Submission::isQueued,
                (unstarted, why) -> unstarted.settle(null, why, false));
        threads = Thread.ofVirtual().name(name()); // without numbers, which cost more than a short task
        opened();
    }

    /**
     * Returns a builder whose default is no limit.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        limit.add(submission);
    }

    private void start(Submission<?> submission) {
        Thread thread = threads.unstarted(() -> {
            try {
                submission.runKnown();
            } finally {
                running.remove(Thread.currentThread());
                limit.ended();
            }
        });
        running.put(thread, submission);
        try {
            Backend.start(thread);
        } catch (Throwable e) { // no thread to be had
            running.remove(thread);
            throw e;
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        List<Submission<?>> held = new ArrayList<>(limit.waiting());
        held.addAll(running.values());
        return held;
    }

    @Override
    protected void forget(Submission<?> submission) {
        if (!limit.isNone()) {
            sweep(limit.waiting());
        }
    }

    /** Returns the task for which a thread was started, or null. For each thread that waits, to note it takes room. */
    @SuppressWarnings("NullAway") // see OpenPools: a pool that is being constructed has no map yet
    @Nullable Submission<?> taskOf(Thread thread) {
        return running == null ? null : running.get(thread);
    }

    @Override
    protected boolean onWorker() {
        return running.containsKey(Thread.currentThread());
    }

    @Override
    protected void releaseWorkers() {
        workersReleased();
    }

    @Override
    protected int aliveWorkers() {
        return isTerminated() ? 0 : running.size(); // the last thread may be about to end, and runs no task
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ZERO; // items of a chunk would wait one after another instead of at the same time
    }

    /** Settings of a {@link VirtualPool}. */
    public static final class Builder extends PoolBuilder<Builder> {
        private int limit = Integer.MAX_VALUE;

        private Builder() {
            super("virtual");
        }

        /**
         * Sets how many tasks may run at a time. In a plan: the number after the colon.
         *
         * @param tasks 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder limit(int tasks) {
            limit = atLeast("limit", tasks, 1);
            return this;
        }

        @Override
        protected void planArgument(String count) {
            limit(number("limit", count));
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public VirtualPool open() {
            return new VirtualPool(this);
        }
    }

    /** Registers {@code virtual}. */
    public static final class Provider implements PoolProvider {
        /** For the service loader. */
        public Provider() {}

        @Override
        public String kind() {
            return "virtual";
        }

        @Override
        public String syntax() {
            return "virtual[:N]";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
