package dev.sennit;

import dev.sennit.internal.Durations;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks again and again, each by its own {@link Schedule}.
 *
 * {@snippet :
 * try (PeriodicWorker worker = PeriodicWorker.builder().open()) {
 *     var ticks = new java.util.concurrent.CountDownLatch(3);
 *     worker.add("tick", Schedule.fixedRate(java.time.Duration.ofMillis(10)), ticks::countDown);
 *     worker.start();
 *     ticks.await();
 *     System.out.print(worker.toTable());
 * }
 * }
 *
 * <p>The runs take place on a pool - virtual threads, unless another is given - so a slow one delays no other task; of one
 * task, there is never more than one run at a time. A run that fails is reported, and the next comes by schedule. Tasks can
 * be added and removed at any time, also by a running one.
 *
 * <h2>Clocks</h2>
 *
 * <p>Due times are kept in the time that only goes forward. For schedules of the wall clock, the distance between the two
 * clocks is looked at once a second; when somebody has set the wall clock, these schedules - and only these - are asked
 * again. So a jump of an hour makes no task run in a burst, or wait for an hour.
 *
 * <p>The worker does not keep the JVM alive. It follows the idea of futurist's {@code PeriodicWorker}.
 */
public final class PeriodicWorker implements AutoCloseable {
    private static final long LOOK_AT_CLOCK_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** More than clocks that are adjusted gently drift apart between two looks. */
    private static final long CLOCK_WAS_SET_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** Which worker's task the thread runs. */
    private static final ThreadLocal<@Nullable PeriodicWorker> INSIDE = new ThreadLocal<>();

    private enum State {
        STOPPED,
        RUNNING,
        CLOSED
    }

    private final String name;
    private final Pool pool;
    private final boolean ownsPool;
    private final TimeSource time;
    private final BiConsumer<? super PeriodicTask, ? super Throwable> onFailure;
    private final boolean stopsWhenEmpty;

    private final ReentrantLock lock = new ReentrantLock();
    /** Something is due earlier, or the state is another. */
    private final Condition changed = lock.newCondition();
    /** The loop or a run has ended. */
    private final Condition ended = lock.newCondition();

    // All below is guarded by lock.
    private final Map<String, PeriodicTask> tasks = new LinkedHashMap<>();
    private State state = State.STOPPED;
    private boolean hasChanged;
    /** The thread that waits for what is due; null while there is none. */
    private @Nullable Thread loop;
    private int runsUnderWay;
    /** Failures that the hook has not been told yet. */
    private final List<Runnable> toReport = new ArrayList<>();
    /** Wall clock less monotonic clock, in nanoseconds, at the last look. */
    private long clockDistance;

    private PeriodicWorker(Builder settings) {
        name = settings.name;
        ownsPool = settings.pool == null;
        pool = settings.pool != null ? settings.pool : VirtualPool.builder().name(name).open();
        time = settings.time;
        onFailure = settings.onFailure;
        stopsWhenEmpty = settings.stopsWhenEmpty;
        clockDistance = measureClockDistance();
    }

    /**
     * Starts with virtual threads, the system's clocks, and failures in the log.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    // ---- tasks ----

    /**
     * Adds a task; its schedule counts from now, or from {@link #start}.
     *
     * @param taskName what errors and the table call it; one of a kind in this worker
     * @param schedule when to run it
     * @param action what to run; serializable if the pool's tasks have to travel
     * @return the task, to look at and to remove
     * @throws IllegalArgumentException if there is a task of that name
     * @throws IllegalStateException if this worker is closed
     */
    public PeriodicTask add(String taskName, Schedule schedule, Action action) {
        var task = new PeriodicTask(this, taskName, schedule, action);
        lock.lock();
        try {
            ensureNotClosed();
            if (tasks.putIfAbsent(taskName, task) != null) {
                throw new IllegalArgumentException(
                        "periodic worker " + name + " has a task " + taskName + " already; remove it first");
            }
            if (state == State.RUNNING) {
                scheduleFirst(task);
            }
        } finally {
            unlock();
        }
        return task;
    }

    /**
     * The tasks there are, in the order they were added.
     *
     * @return a snapshot
     */
    public List<PeriodicTask> tasks() {
        lock.lock();
        try {
            return List.copyOf(tasks.values());
        } finally {
            unlock();
        }
    }

    void remove(PeriodicTask task) {
        lock.lock();
        try {
            task.removed = true;
            task.isDue = false;
            if (tasks.remove(task.name(), task)) {
                stopIfEmpty();
            }
        } finally {
            unlock();
        }
    }

    void enable(PeriodicTask task, boolean enabled) {
        lock.lock();
        try {
            if (task.enabled == enabled) {
                return;
            }
            task.enabled = enabled;
            task.isDue = false;
            if (enabled && state == State.RUNNING && !task.running && !task.removed) {
                scheduleFirst(task);
            }
        } finally {
            unlock();
        }
    }

    PeriodicStatistics statistics(PeriodicTask task) {
        lock.lock();
        try {
            Duration nextIn =
                    task.isDue ? Duration.ofNanos(Math.max(0, task.dueNanos - time.nanoTime())) : null;
            return task.snapshot(nextIn);
        } finally {
            unlock();
        }
    }

    // ---- life ----

    /**
     * Begins to run tasks. May be called again after {@link #stop}; schedules then count anew.
     *
     * @throws IllegalStateException if it runs, or is closed
     */
    public void start() {
        begin();
        lock.lock();
        try {
            // A virtual one would wait for a carrier, and tasks may hold all of them; but in a schedule all threads are virtual.
            Thread.Builder clock = Thread.currentThread().isVirtual() ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
            loop = clock.name(name + "-clock").start(this::loop);
        } finally {
            unlock();
        }
    }

    /**
     * As {@link #start}, but without a thread: whoever calls this calls {@link #step} as well. For tests with a clock of their
     * own, {@code dev.sennit.testing.VirtualClock}, and a pool {@code inline}: then all takes place in the calling thread.
     *
     * @throws IllegalStateException as for {@link #start}
     */
    public void begin() {
        lock.lock();
        try {
            ensureNotClosed();
            if (state == State.RUNNING || loop != null) {
                throw new IllegalStateException("periodic worker " + name
                        + (state == State.RUNNING ? " runs already" : " has not stopped yet; call awaitStopped first"));
            }
            state = State.RUNNING;
            clockDistance = measureClockDistance();
            for (PeriodicTask task : tasks()) {
                if (task.enabled && !task.running) {
                    scheduleFirst(task);
                }
            }
            stopIfEmpty();
        } finally {
            unlock();
        }
    }

    /** Begins no more runs. Those under way go on; {@link #awaitStopped} waits for them. */
    public void stop() {
        lock.lock();
        try {
            if (state == State.RUNNING) {
                state = State.STOPPED;
                tasks.values().forEach(task -> task.isDue = false);
                signalChange();
            }
        } finally {
            unlock();
        }
    }

    /**
     * Whether tasks are run when they are due.
     *
     * @return true between {@link #start} and {@link #stop}
     */
    public boolean isRunning() {
        lock.lock();
        try {
            return state == State.RUNNING;
        } finally {
            unlock();
        }
    }

    /**
     * Waits until this worker has stopped - somebody stops it, or it is {@linkplain Builder#stopWhenEmpty empty} - and no run
     * goes on.
     *
     * @param timeout the longest to wait
     * @return false when the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     * @throws IllegalStateException if called by one of this worker's tasks, which would wait for itself
     */
    public boolean awaitStopped(Duration timeout) throws InterruptedException {
        ensureNotInside("awaitStopped");
        long left = TimeUnit.NANOSECONDS.convert(timeout);
        lock.lockInterruptibly();
        try {
            while (state == State.RUNNING || loop != null || runsUnderWay > 0) {
                if (left <= 0) {
                    return false;
                }
                left = ended.awaitNanos(left);
            }
            return true;
        } finally {
            unlock();
        }
    }

    /** Sets all figures to zero; the schedules of tasks that do not run count anew. */
    public void reset() {
        lock.lock();
        try {
            for (PeriodicTask task : tasks()) {
                task.forgetFigures();
                if (state == State.RUNNING && task.enabled && !task.running) {
                    scheduleFirst(task);
                }
            }
        } finally {
            unlock();
        }
    }

    /**
     * Stops, waits for the runs under way, and closes the pool if it is this worker's own. An interrupt does not end the wait;
     * it cancels the runs if the pool is its own, and its status is set afterwards.
     *
     * @throws IllegalStateException if called by one of this worker's tasks, which would wait for itself; it has stopped
     */
    @Override
    public void close() {
        stop();
        ensureNotInside("close");
        boolean interrupted = false;
        while (true) {
            try {
                if (awaitStopped(Duration.ofSeconds(Long.MAX_VALUE))) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true;
                if (ownsPool) {
                    pool.shutdownNow();
                }
            }
        }
        lock.lock();
        try {
            state = State.CLOSED;
            signalChange();
        } finally {
            unlock();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (ownsPool) {
            pool.close();
        }
    }

    private void ensureNotClosed() {
        if (state == State.CLOSED) {
            throw new IllegalStateException("periodic worker " + name + " is closed");
        }
    }

    private void ensureNotInside(String what) {
        if (INSIDE.get() == this) {
            throw new IllegalStateException(what + "() of periodic worker " + name + " called by one of its own tasks");
        }
    }

    /** Unlocks, and then calls the failure hook where that was put off: it is not to be called with the lock held. */
    private void unlock() {
        List<Runnable> reports = List.of();
        if (lock.getHoldCount() == 1 && !toReport.isEmpty()) {
            reports = List.copyOf(toReport);
            toReport.clear();
        }
        lock.unlock();
        reports.forEach(Runnable::run);
    }

    private void stopIfEmpty() {
        if (stopsWhenEmpty && tasks.isEmpty()) {
            stop();
        }
    }

    private void signalChange() {
        hasChanged = true;
        changed.signalAll();
        ended.signalAll();
    }

    // ---- the engine ----

    private void loop() {
        try {
            while (true) {
                long wait = step();
                lock.lockInterruptibly();
                try {
                    if (state != State.RUNNING) {
                        return;
                    }
                    if (!hasChanged) {
                        changed.awaitNanos(wait);
                    }
                    hasChanged = false;
                } finally {
                    unlock();
                }
            }
        } catch (InterruptedException e) {
            stop(); // nobody else knows this thread
        } finally {
            lock.lock();
            try {
                loop = null;
                ended.signalAll();
            } finally {
                unlock();
            }
        }
    }

    /**
     * Begins what is due.
     *
     * @return how many nanoseconds until something may be due, unless something changes
     */
    public long step() {
        List<PeriodicTask> due = new ArrayList<>();
        long wait = Long.MAX_VALUE;
        lock.lock();
        try {
            if (state != State.RUNNING) {
                return wait;
            }
            boolean anyByWallClock = lookAtClocks();
            long now = time.nanoTime();
            for (PeriodicTask task : tasks.values()) {
                if (!task.isDue) {
                    continue;
                }
                long left = task.dueNanos - now;
                if (left <= 0) {
                    task.isDue = false;
                    task.running = true;
                    task.startedNanos = now; // until the run itself says better
                    runsUnderWay++;
                    due.add(task);
                } else {
                    wait = Math.min(wait, left);
                }
            }
            if (anyByWallClock || time != TimeSource.system()) {
                wait = Math.min(wait, LOOK_AT_CLOCK_NANOS);
            }
        } finally {
            unlock();
        }
        due.sort(Comparator.comparingLong(task -> task.dueNanos - due.getFirst().dueNanos));
        due.forEach(this::run);
        return wait;
    }

    /** Notices when the wall clock has been set; returns whether anybody cares. */
    private boolean lookAtClocks() {
        long distance = measureClockDistance();
        boolean wasSet = Math.abs(distance - clockDistance) > CLOCK_WAS_SET_NANOS;
        boolean any = false;
        if (wasSet) {
            clockDistance = distance;
        }
        for (PeriodicTask task : tasks()) {
            if (task.dueAt != null) {
                any = true;
                if (wasSet && task.isDue) {
                    schedule(task, time.nanoTime());
                }
            }
        }
        return any;
    }

    private long measureClockDistance() {
        Instant now = time.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - time.nanoTime();
    }

    private void scheduleFirst(PeriodicTask task) {
        task.hasRun = false;
        schedule(task, time.nanoTime());
    }

    /**
     * Asks the schedule, and remembers what it says; one that fails ends its task.
     *
     * @param nowNanos one moment for the question and the answer: what passes between two would add up, run by run
     */
    private void schedule(PeriodicTask task, long nowNanos) {
        try {
            Schedule.Timing timing = task.timing(nowNanos, time.now());
            Schedule.Due due = Objects.requireNonNull(task.schedule().next(timing), "the schedule returned null");
            task.isDue(due, timing.now(), nowNanos);
        } catch (RuntimeException | Error e) {
            task.figures.failed(e);
            task.removed = true;
            task.isDue = false;
            tasks.remove(task.name(), task);
            toReport.add(() -> report(task, e));
            stopIfEmpty();
            return;
        }
        signalChange();
    }

    private void run(PeriodicTask task) {
        TaskFuture<@Nullable Void> future;
        try {
            boolean travels = pool instanceof AbstractPool known && known.copiesTasks();
            Action action = travels ? task.action() : () -> runHere(task);
            future = pool.submit(action, TaskOptions.named(task.name()));
        } catch (RuntimeException | Error e) {
            ended(task, e);
            return;
        }
        future.onDone(done -> ended(task, failureOf(done)));
    }

    private void runHere(PeriodicTask task) {
        PeriodicWorker around = INSIDE.get();
        INSIDE.set(this);
        try {
            task.startedNanos = time.nanoTime(); // read after the run has ended
            task.action().run();
        } finally {
            INSIDE.set(around);
        }
    }

    private static @Nullable Throwable failureOf(TaskFuture<?> done) {
        return switch (done.state()) {
            case FAILED -> done.exceptionNow();
            case CANCELLED -> new CancellationException(done.name() + " was cancelled");
            default -> null;
        };
    }

    private void ended(PeriodicTask task, @Nullable Throwable failure) {
        Throwable reported = failure instanceof StopPeriodicException ? null : failure;
        if (reported != null) {
            report(task, reported);
        }
        lock.lock();
        try {
            long now = time.nanoTime();
            task.ran(now, reported);
            runsUnderWay--;
            if (failure instanceof StopPeriodicException) {
                task.askedToStop = true;
                remove(task);
            } else if (state == State.RUNNING && task.enabled && !task.removed) {
                schedule(task, now);
            }
            ended.signalAll();
        } finally {
            unlock();
        }
    }

    private void report(PeriodicTask task, Throwable failure) {
        try {
            onFailure.accept(task, failure);
        } catch (RuntimeException | Error e) {
            System.getLogger("dev.sennit").log(Level.ERROR, "failure hook of periodic worker " + name + " failed", e);
        }
    }

    // ---- looking ----

    /**
     * All tasks and their figures, for people.
     *
     * @return lines of columns, with a heading
     */
    public String toTable() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("task", "runs", "failed", "missed", "mean run", "mean late", "next"));
        for (PeriodicTask task : tasks()) {
            PeriodicStatistics seen = task.statistics();
            rows.add(List.of(
                    task.name(),
                    String.valueOf(seen.runs()),
                    String.valueOf(seen.failures()),
                    String.valueOf(seen.missed()),
                    Durations.text(seen.averageRunTime()),
                    Durations.text(seen.averageLateness()),
                    next(seen)));
        }
        int[] widths = new int[rows.getFirst().size()];
        rows.forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        var table = new StringBuilder();
        for (List<String> row : rows) {
            var line = new StringBuilder(String.format(Locale.ROOT, "%-" + widths[0] + "s", row.getFirst()));
            for (int i = 1; i < widths.length; i++) {
                line.append(String.format(Locale.ROOT, "  %" + widths[i] + "s", row.get(i)));
            }
            table.append(line.toString().stripTrailing()).append('\n');
        }
        return table.toString();
    }

    private static String next(PeriodicStatistics seen) {
        if (seen.running()) {
            return "running";
        }
        if (!seen.enabled()) {
            return "disabled";
        }
        return seen.nextIn() == null ? "-" : "in " + Durations.text(seen.nextIn());
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "PeriodicWorker[" + name + ", " + state + ", " + tasks.size() + " tasks]";
        } finally {
            unlock();
        }
    }

    /** Settings of a {@link PeriodicWorker}. */
    public static final class Builder {
        private String name = "periodic";
        private @Nullable Pool pool;
        private TimeSource time = TimeSource.system();
        private boolean stopsWhenEmpty;
        private BiConsumer<? super PeriodicTask, ? super Throwable> onFailure = (task, failure) ->
                System.getLogger("dev.sennit").log(Level.ERROR, "periodic task " + task.name() + " failed", failure);

        private Builder() {}

        /**
         * What errors and threads call it.
         *
         * @param newName the name
         * @return this
         */
        public Builder name(String newName) {
            if (newName.isBlank()) {
                throw new IllegalArgumentException("name must not be blank");
            }
            name = newName;
            return this;
        }

        /**
         * Where the runs take place; it is not closed with the worker. With {@code inline} they take place in the worker's
         * own thread, one after another.
         *
         * @param newPool the pool
         * @return this
         */
        public Builder pool(Pool newPool) {
            pool = Objects.requireNonNull(newPool, "pool");
            return this;
        }

        /**
         * Another clock, for tests. It is looked at once a second at least.
         *
         * @param source the clock
         * @return this
         */
        public Builder time(TimeSource source) {
            time = Objects.requireNonNull(source, "source");
            return this;
        }

        /**
         * What is called when a run has failed, instead of the log.
         *
         * @param hook gets the task, and what was thrown
         * @return this
         */
        public Builder onFailure(BiConsumer<? super PeriodicTask, ? super Throwable> hook) {
            onFailure = Objects.requireNonNull(hook, "hook");
            return this;
        }

        /**
         * Stops the worker when its last task is removed.
         *
         * @return this
         */
        public Builder stopWhenEmpty() {
            stopsWhenEmpty = true;
            return this;
        }

        /**
         * Makes the worker, which has yet to be started.
         *
         * @return the worker
         */
        public PeriodicWorker open() {
            return new PeriodicWorker(this);
        }
    }
}
