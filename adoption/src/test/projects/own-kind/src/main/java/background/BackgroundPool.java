package background;

import dev.sennit.AbstractPool;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.PoolProvider;
import dev.sennit.Submission;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads of the lowest priority, for work that leaves the processors to others: {@code background:N}. */
final class BackgroundPool extends AbstractPool {
    private final Set<Submission<?>> held = ConcurrentHashMap.newKeySet();
    private final Set<Thread> busy = ConcurrentHashMap.newKeySet();
    private final ThreadPoolExecutor threads;

    private BackgroundPool(Builder settings) {
        super(settings, settings.workers);
        var factory = Thread.ofPlatform().daemon().priority(Thread.MIN_PRIORITY).name(name() + "-worker-", 1).factory();
        threads = new ThreadPoolExecutor(workers(), workers(), 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                factory) {
            @Override
            protected void terminated() {
                workersReleased();
            }
        };
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        held.add(submission);
        try {
            threads.execute(() -> run(submission));
        } catch (Throwable e) { // no thread to be had: the task fails with that
            held.remove(submission);
            throw e;
        }
    }

    private void run(Submission<?> submission) {
        busy.add(Thread.currentThread());
        try {
            submission.run(); // nothing is thrown: what the task throws is in its future
        } finally {
            busy.remove(Thread.currentThread());
            held.remove(submission);
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        return List.copyOf(held);
    }

    @Override
    protected void forget(Submission<?> submission) {
        held.remove(submission);
    }

    @Override
    protected boolean onWorker() {
        return busy.contains(Thread.currentThread());
    }

    @Override
    protected void releaseWorkers() {
        threads.shutdown();
    }

    @Override
    protected int aliveWorkers() {
        return isTerminated() ? 0 : threads.getPoolSize();
    }

    static final class Builder extends PoolBuilder<Builder> {
        private int workers = 1;

        Builder() {
            super("background");
        }

        @Override
        protected void planArgument(String count) {
            workers = atLeast("workers", number("workers", count), 1);
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public BackgroundPool open() {
            return new BackgroundPool(this);
        }
    }

    public static final class Provider implements PoolProvider {
        @Override
        public String kind() {
            return "background";
        }

        @Override
        public String syntax() {
            return "background[:N]";
        }

        @Override
        public Pool open(Plan plan) {
            return new Builder().plan(plan).open();
        }
    }
}
