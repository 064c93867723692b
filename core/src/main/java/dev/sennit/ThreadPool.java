package dev.sennit;

import dev.sennit.internal.ThreadTimes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A pool of platform threads: {@code threads:N}.
 *
 * <p>For work that computes, with as many threads as processors. Threads are started as tasks come, stay until the pool
 * is closed, and are daemons.
 *
 * {@snippet :
 * try (Pool pool = ThreadPool.builder().workers(4).backlog(1000).whenFull(BacklogPolicy.REJECT).open()) {
 *     pool.submit(() -> System.out.println(Thread.currentThread().getName()));
 * }
 * }
 */
public final class ThreadPool extends AbstractPool {
    private final LinkedBlockingQueue<Submission<?>> queue = new LinkedBlockingQueue<>();
    private final Set<Worker> alive = ConcurrentHashMap.newKeySet();
    /** Threads started, or about to be. */
    private final AtomicInteger started = new AtomicInteger();
    /** Put into the queue once for each worker when the pool has ended: whoever takes it goes home. */
    private final Submission<?> goHome = new Submission<@Nullable Void>(this, () -> null, TaskOptions.NONE);
    private final AtomicInteger notYetHome = new AtomicInteger();
    private final LongAdder cpuNanosOfTheGone = new LongAdder();

    private ThreadPool(Builder settings) {
        super(settings, settings.workers);
    }

    /**
     * Starts with a thread for each processor.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        queue.add(submission);
        for (int seen = started.get(); seen < workers(); seen = started.get()) {
            if (started.compareAndSet(seen, seen + 1)) {
                startWorker(seen + 1);
                return;
            }
        }
    }

    private void startWorker(int number) {
        var worker = new Worker(name() + "-worker-" + number);
        alive.add(worker);
        try {
            worker.start();
        } catch (Throwable e) {
            alive.remove(worker);
            started.decrementAndGet();
            if (alive.isEmpty()) {
                throw e; // nobody would ever run it
            }
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        List<Submission<?>> held = new ArrayList<>(queue);
        held.removeIf(one -> one == goHome); // no task: whoever cancelled it would count out one that never came in
        for (Worker worker : alive) {
            Submission<?> current = worker.current;
            if (current != null) {
                held.add(current);
            }
        }
        return held;
    }

    @Override
    protected void forget(Submission<?> submission) {
        sweep(queue);
    }

    @Override
    protected boolean onWorker() {
        return Thread.currentThread() instanceof Worker worker && worker.pool() == this;
    }

    @Override
    protected void releaseWorkers() {
        int home = started.get();
        if (home == 0) {
            workersReleased();
            return;
        }
        notYetHome.set(home);
        for (int i = 0; i < home; i++) {
            queue.add(goHome);
        }
    }

    @Override
    protected int aliveWorkers() {
        return alive.size();
    }

    @Override
    protected Optional<Duration> cpuTime() {
        long nanos = cpuNanosOfTheGone.sum();
        for (Worker worker : alive) {
            nanos += ThreadTimes.cpuNanos(worker);
        }
        return Optional.of(Duration.ofNanos(nanos));
    }

    private final class Worker extends Thread {
        /** What it runs; written by this thread. */
        private volatile @Nullable Submission<?> current;

        Worker(String name) {
            super(name);
            setDaemon(true);
        }

        ThreadPool pool() {
            return ThreadPool.this;
        }

        @Override
        public void run() {
            try {
                while (true) {
                    Submission<?> next = takeUninterruptibly();
                    if (next == goHome) {
                        return;
                    }
                    current = next;
                    next.run();
                    current = null;
                    Thread.interrupted(); // one that the task set on itself is not the next task's
                }
            } finally {
                cpuNanosOfTheGone.add(ThreadTimes.cpuNanos(this));
                alive.remove(this);
                if (notYetHome.decrementAndGet() == 0) {
                    workersReleased();
                }
            }
        }

        private Submission<?> takeUninterruptibly() {
            while (true) {
                try {
                    return queue.take();
                } catch (InterruptedException e) {
                    // nobody but a task interrupts a worker, and that task is over
                }
            }
        }
    }

    /** Settings of a {@link ThreadPool}. */
    public static final class Builder extends PoolBuilder<Builder> {
        private int workers = Runtime.getRuntime().availableProcessors();

        private Builder() {
            super("threads");
        }

        /**
         * How many threads. In a plan: the number after the colon.
         *
         * @param count 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder workers(int count) {
            workers = atLeast("workers", count, 1);
            return this;
        }

        @Override
        protected void planArgument(String count) {
            workers(number("workers", count));
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public ThreadPool open() {
            return new ThreadPool(this);
        }
    }

    /** Registers {@code threads}. */
    public static final class Provider implements PoolProvider {
        /** For the service loader. */
        public Provider() {}

        @Override
        public String kind() {
            return "threads";
        }

        @Override
        public String syntax() {
            return "threads[:N]";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
