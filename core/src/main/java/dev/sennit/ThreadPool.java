package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Management;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A pool of platform threads: {@code threads:N}, or {@code threads:MIN-MAX}.
 *
 * <p>For computing tasks, with as many threads as processors. Threads are daemons, and are started as tasks come. The
 * threads of a pool with a fixed number stay until it is closed; between {@code MIN} and {@code MAX} threads are
 * started when tasks would wait, and end when they are idle.
 *
 * {@snippet :
 * try (Pool pool = ThreadPool.builder().workers(4).backlog(1000).whenFull(BacklogPolicy.REJECT).open()) {
 *     pool.submit(() -> System.out.println(Thread.currentThread().getName()));
 * }
 * }
 *
 * {@snippet :
 * try (Pool pool = ThreadPool.builder().workers(1, 20).idle(java.time.Duration.ofSeconds(5)).open()) {
 *     pool.submit(() -> System.out.println("in a pool that grows and shrinks"));
 * }
 * }
 *
 * <h2>Growing and shrinking</h2>
 *
 * <p>The load is the number of tasks that wait or run. The pool starts a thread for a submitted task when there are
 * fewer than {@code MIN} threads, or when the load is above {@link Builder#growAt} times the number of threads. A
 * thread that was idle for the {@link Builder#idle idle time} ends when there are more than {@code MIN} threads, and
 * the load is below {@link Builder#shrinkAt} times the number of threads. A submitted task is never left without a
 * thread.
 */
public final class ThreadPool extends AbstractPool {
    private static final long FOREVER = Long.MAX_VALUE;

    private final WorkQueue queue;
    private final Set<Worker> alive = ConcurrentHashMap.newKeySet();
    private final WorkerCount count;
    private final long idleNanos;
    private final @Nullable Action initializer;
    private final boolean priorities;
    /** Numbers the threads' names. */
    private final AtomicInteger named = new AtomicInteger();
    /**
     * Ends a thread that takes it. Put into the queue when the pool has ended, and put back by each thread that takes
     * it.
     */
    private final Submission<?> goHome = new Submission<@Nullable Void>(this, () -> null, TaskOptions.NONE);
    private final LongAdder cpuNanosOfTheGone = new LongAdder();
    private volatile boolean over;
    private volatile @Nullable WorkerStartException broken;

    private ThreadPool(Builder settings) {
        super(settings, settings.max);
        count = new WorkerCount(settings.min, settings.max, settings.growAt, settings.shrinkAt);
        queue = new WorkQueue(settings.priorities ? new PriorityTasks() : new ConcurrentLinkedQueue<>(),
                count.changes());
        idleNanos = count.changes() ? Timers.nanos(settings.idle) : FOREVER;
        initializer = settings.initializer;
        priorities = settings.priorities;
        opened();
    }

    /**
     * Returns a builder whose default is a thread for each processor.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        if (broken != null) {
            submission.settle(null, broken, false);
            return;
        }
        if (count.changes()) {
            count.taskCame();
            countsAsLoad(submission);
        }
        queue.add(submission);
        if (count.startsOne()) {
            startWorker();
        }
        WorkerStartException unusable = broken;
        if (unusable != null) { // the task may have entered the queue after the queue was cleared
            failWhatWaits(unusable, () -> true);
        }
    }

    @Override
    protected void loadEnded() {
        count.taskEnded();
    }

    private void startWorker() {
        var worker = new Worker(name() + "-worker-" + named.incrementAndGet());
        alive.add(worker);
        try {
            Backend.start(worker);
        } catch (Throwable e) {
            alive.remove(worker);
            boolean wasTheOnlyOne = count.oneIsGone() == 0;
            if (wasTheOnlyOne) { // no thread would ever run the waiting tasks, those of other submitters included
                failWhatWaits(e, () -> count.threads() == 0);
            }
            releasedIfAllAreHome();
            if (wasTheOnlyOne) {
                throw e;
            }
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        List<Submission<?>> held = new ArrayList<>(queue.waiting());
        held.removeIf(one -> one == goHome); // not a task: to cancel it would count out a task that was never admitted
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
        queue.forgetOne();
    }

    @Override
    protected boolean ordersByPriority() {
        return priorities;
    }

    @Override
    protected boolean onWorker() {
        return Thread.currentThread() instanceof Worker worker && worker.pool() == this;
    }

    @Override
    protected void releaseWorkers() {
        over = true;
        queue.add(goHome);
        releasedIfAllAreHome();
    }

    private void releasedIfAllAreHome() {
        if (over && count.threads() == 0 && alive.isEmpty()) { // not alive: it has told of its end
            workersReleased();
        }
    }

    @Override
    protected int aliveWorkers() {
        // A thread that is about to end, and runs no task any more, may have been replaced.
        return isTerminated() ? 0 : Math.min(alive.size(), workers());
    }

    @Override
    protected Optional<Duration> cpuTime() {
        if (!Management.isThere()) {
            return Optional.empty();
        }
        long nanos = cpuNanosOfTheGone.sum();
        for (Worker worker : alive) {
            nanos += Management.cpuNanos(worker);
        }
        return Optional.of(Duration.ofNanos(nanos));
    }

    /** Returns what the tasks are told. */
    private String breakDown(Throwable failure) {
        String why = "initializer of pool " + name() + " failed: " + Throwables.text(failure);
        var unusable = new WorkerStartException(why, failure);
        broken = unusable;
        failWhatWaits(unusable, () -> true);
        return why;
    }

    private void failWhatWaits(Throwable why, BooleanSupplier isWithoutThreads) {
        while (isWithoutThreads.getAsBoolean()) {
            Submission<?> next = queue.poll();
            if (next == null) {
                return;
            }
            if (next == goHome) {
                queue.add(goHome);
                return;
            }
            next.settle(null, why, false);
        }
    }

    private static final VarHandle CURRENT = currentHandle();

    private static VarHandle currentHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(Worker.class, "current", Submission.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final class Worker extends Thread implements ObservedRun.WatchedThread {
        /** The task that it runs, or null. Written by this thread. */
        private volatile @Nullable Submission<?> current;

        /** Its name; that of the thread, which a task may change. */
        private final String workerName;
        /** Only this thread. Why its initializer failed, or null. */
        private @Nullable String failure;

        private final ObservedRun.Watch watch = new ObservedRun.Watch();

        Worker(String name) {
            super(name);
            workerName = name;
            setDaemon(true);
        }

        @Override
        public ObservedRun.Watch watch() {
            return watch;
        }

        ThreadPool pool() {
            return ThreadPool.this;
        }

        @Override
        public void run() {
            boolean countedOut = false;
            try {
                workerStarted(workerName);
                if (initialized()) {
                    countedOut = runTasks();
                }
            } finally {
                cpuNanosOfTheGone.add(Management.cpuNanos(this));
                workerEnded(workerName, failure);
                alive.remove(this);
                if (!countedOut) {
                    count.oneIsGone();
                }
                releasedIfAllAreHome();
            }
        }

        private boolean initialized() {
            if (initializer == null) {
                return true;
            }
            try {
                initializer.perform();
                return true;
            } catch (Throwable e) { // an Error too fails the initializer
                failure = breakDown(e);
                return false;
            } finally {
                Thread.interrupted();
            }
        }

        private void run(Submission<?> task) {
            current = task;
            try {
                task.run();
            } catch (Throwable e) { // out of memory, for example; other tasks wait for this thread
                Uncaught.log("end of " + task + " failed", e);
            } finally {
                CURRENT.setRelease(this, null); // a reader that still sees the task finds that it has ended
                Thread.interrupted(); // an interrupt that the task sent to itself must not reach the next task
            }
        }

        /** Runs tasks until the thread has to end; returns true if it has counted itself out already. */
        private boolean runTasks() {
            while (true) {
                Submission<?> next = queue.take(idleNanos);
                if (next == goHome) {
                    queue.add(goHome);
                    return false;
                }
                if (next != null) {
                    run(next);
                } else if (count.endsOne(queue::isEmpty)) {
                    return true;
                }
            }
        }
    }

    /** Settings of a {@link ThreadPool}. */
    public static final class Builder extends PoolBuilder<Builder> {
        private int min = Runtime.getRuntime().availableProcessors();
        private int max = min;
        private Duration idle = Duration.ofSeconds(60);
        private double growAt = 1;
        private double shrinkAt = 1;
        private boolean priorities;
        private @Nullable Action initializer;

        private Builder() {
            super("threads");
        }

        /**
         * Sets the number of threads. In a plan: the number after the colon.
         *
         * @param count 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder workers(int count) {
            min = atLeast("workers", count, 1);
            max = count;
            return this;
        }

        /**
         * Sets the least and the greatest number of threads. In a plan: two numbers after the colon, as in
         * {@code threads:2-8}.
         *
         * @param atLeast 0 or more
         * @param atMost 1 or more, and not less than the other
         * @return this
         * @throws IllegalArgumentException if a number is out of bounds
         */
        public Builder workers(int atLeast, int atMost) {
            min = atLeast("least number of workers", atLeast, 0);
            max = atLeast("greatest number of workers", atMost, Math.max(1, atLeast));
            return this;
        }

        /**
         * Sets how long a surplus thread waits for a task before it ends; the default is 60 s. In a plan:
         * {@code idle=5s}.
         *
         * @param time more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder idle(Duration time) {
            if (!time.isPositive()) {
                throw new IllegalArgumentException("idle must be > 0, was " + time);
            }
            idle = time;
            return this;
        }

        /**
         * Sets the number of tasks per thread above which another thread is started; the default is 1: as soon as a
         * task would wait. With 3, two tasks may wait for each running task. In a plan: {@code grow=3}.
         *
         * @param tasksPerThread 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder growAt(double tasksPerThread) {
            if (!(tasksPerThread >= 1)) {
                throw new IllegalArgumentException("grow must be >= 1, was " + tasksPerThread);
            }
            growAt = tasksPerThread;
            return this;
        }

        /**
         * Sets the number of tasks per thread below which an idle thread may end; the default is 1. With 0.5, half of
         * the threads have to be idle. In a plan: {@code shrink=0.5}.
         *
         * @param tasksPerThread above 0, at most 1
         * @return this
         * @throws IllegalArgumentException if it is out of bounds
         */
        public Builder shrinkAt(double tasksPerThread) {
            if (!(tasksPerThread > 0 && tasksPerThread <= 1)) {
                throw new IllegalArgumentException("shrink must be > 0 and <= 1, was " + tasksPerThread);
            }
            shrinkAt = tasksPerThread;
            return this;
        }

        /**
         * Orders waiting tasks by {@link TaskOptions#priority} instead of by arrival. In a plan:
         * {@code order=priority}.
         *
         * @return this
         */
        public Builder byPriority() {
            priorities = true;
            return this;
        }

        /**
         * Sets an action that each thread performs before its first task. If it fails, all waiting and later tasks fail
         * with a {@link WorkerStartException}.
         *
         * @param action the action
         * @return this
         */
        public Builder initializer(Action action) {
            initializer = Objects.requireNonNull(action, "action");
            return this;
        }

        @Override
        protected Map<String, Consumer<String>> planOptions() {
            Map<String, Consumer<String>> options = super.planOptions();
            options.put("order", this::order);
            options.put("idle", value -> idle(Durations.parse("idle", value)));
            options.put("grow", value -> growAt(ratio("grow", value)));
            options.put("shrink", value -> shrinkAt(ratio("shrink", value)));
            return options;
        }

        private void order(String word) {
            switch (word) {
                case "priority" -> priorities = true;
                case "arrival" -> priorities = false;
                default ->
                    throw new IllegalArgumentException("order must be arrival or priority, was \"" + word + "\"");
            }
        }

        private static double ratio(String what, String text) {
            try {
                return Double.parseDouble(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(what + " must be a number, was \"" + text + "\"", e);
            }
        }

        @Override
        protected void planArgument(String count) {
            int dash = count.indexOf('-', 1);
            if (dash < 0) {
                workers(number("workers", count));
            } else {
                workers(
                        number("least number of workers", count.substring(0, dash)),
                        number("greatest number of workers", count.substring(dash + 1)));
            }
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
            return "threads[:N|:MIN-MAX]";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
