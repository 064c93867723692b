package dev.sennit;

import dev.sennit.internal.Backend;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A virtual thread for each task, at most N at a time: {@code virtual:N}.
 *
 * <p>For work that waits. Without a number nothing limits how many run.
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
    private final ConcurrentLinkedQueue<Submission<?>> queue = new ConcurrentLinkedQueue<>();
    private final Map<Thread, Submission<?>> running = new ConcurrentHashMap<>();
    /** Slots taken: threads that run or are about to. */
    private final AtomicInteger taken = new AtomicInteger();
    private final Thread.Builder.OfVirtual threads;
    private final boolean limited;

    private VirtualPool(Builder settings) {
        super(settings, settings.limit);
        limited = settings.limit != Integer.MAX_VALUE;
        threads = Thread.ofVirtual().name(name()); // their ids tell them apart: to number a million names costs more than their tasks
    }

    /**
     * Starts with no limit.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        if (limited) {
            queue.add(submission);
            startNext();
        } else {
            start(submission);
        }
    }

    /**
     * Starts waiting tasks while there are free slots. One call is enough for each slot that gets free and for each task that
     * comes, as each thread calls it again when its task has ended; more are started after a thread could not be.
     */
    private void startNext() {
        while (!queue.isEmpty() && takeSlot()) {
            Submission<?> next = pollQueued();
            if (next == null) {
                taken.decrementAndGet(); // another thread took it; look again, as a task may have come since
                continue;
            }
            try {
                start(next);
                return;
            } catch (Throwable e) { // no thread to be had: no thread will run this task, and its slot is free for the next
                taken.decrementAndGet();
                next.settle(null, e, false);
            }
        }
    }

    private boolean takeSlot() {
        for (int seen = taken.get(); seen < workers(); seen = taken.get()) {
            if (taken.compareAndSet(seen, seen + 1)) {
                return true;
            }
        }
        return false;
    }

    private @Nullable Submission<?> pollQueued() {
        Submission<?> next = queue.poll();
        while (next != null && !next.isQueued()) { // cancelled, or run by a thread that waited for it
            next = queue.poll();
        }
        return next;
    }

    private void start(Submission<?> submission) {
        Backend.start(threads.unstarted(() -> {
            Thread self = Thread.currentThread();
            try {
                running.put(self, submission);
                submission.run();
            } finally {
                running.remove(self);
                if (limited) {
                    taken.decrementAndGet();
                    startNext();
                }
            }
        }));
    }

    @Override
    protected Collection<Submission<?>> held() {
        List<Submission<?>> held = new ArrayList<>(queue);
        held.addAll(running.values());
        return held;
    }

    @Override
    protected void forget(Submission<?> submission) {
        if (limited) {
            sweep(queue);
        }
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
        return isTerminated() ? 0 : running.size(); // the last thread is about to end, and runs nothing
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ZERO; // a chunk would make tasks wait one after another that could wait together
    }

    /** Settings of a {@link VirtualPool}. */
    public static final class Builder extends PoolBuilder<Builder> {
        private int limit = Integer.MAX_VALUE;

        private Builder() {
            super("virtual");
        }

        /**
         * How many tasks may run at a time. In a plan: the number after the colon.
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
