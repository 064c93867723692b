package dev.sennit;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.WaitLock;
import dev.sennit.internal.view.OpenThings;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks repeatedly, each by its own {@link Schedule}.
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
 * <p>The tasks run on a pool - virtual threads by default - so a slow run delays no other task. There is never more
 * than one run of a task at a time. A failed run is reported, and the next run follows the schedule. Tasks can be added
 * and removed at any time, even by a running task.
 *
 * <h2>Clocks</h2>
 *
 * <p>Due times are kept in monotonic time. For schedules by the wall clock, the worker compares the two clocks once a
 * second; when the wall clock has been set, it computes the due times of these schedules, and only these, anew. So a
 * jump of an hour makes no task run in a burst, or wait for an hour.
 *
 * <p>The worker does not keep the JVM alive. It follows the idea of futurist's {@code PeriodicWorker}.
 */
public final class PeriodicWorker implements AutoCloseable {
    private static final long LOOK_AT_CLOCK_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** More than the clocks drift apart between two checks while the wall clock is adjusted gradually. */
    private static final long CLOCK_WAS_SET_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** The worker whose task, schedule or failure hook the thread runs. */
    private static final ThreadLocal<@Nullable PeriodicWorker> INSIDE = new ThreadLocal<>();

    private enum State {
        STOPPED,
        RUNNING,
        CLOSED
    }

    private final String name;
    private final AbstractPool pool;
    private final boolean ownsPool;
    private final TimeSource time;
    private final BiConsumer<? super PeriodicTask, ? super Throwable> onFailure;
    private final boolean stopsWhenEmpty;
    /** Its place among those that can be looked at. */
    private final OpenThings.Entry<Object> entry;

    private final WaitLock lock = new WaitLock();
    /** A task is due earlier, or the state has changed. */
    private final WaitLock.Condition changed = lock.newCondition();
    /** The loop, or a run, has ended. */
    private final WaitLock.Condition ended = lock.newCondition();

    // All fields below are guarded by lock.
    private final Map<String, PeriodicTask> tasks = new LinkedHashMap<>();
    private State state = State.STOPPED;
    private boolean hasChanged;
    /** The thread that waits until a task is due, or null. */
    private @Nullable Thread loop;
    private int runsUnderWay;
    /** User code to call after the lock is released: calls of schedules, reports of failures. */
    private final List<Runnable> afterUnlock = new ArrayList<>();
    /** Tasks whose schedule could not be called, as the clock failed: the next {@link #step} calls it. */
    private final Set<PeriodicTask> notScheduled = new LinkedHashSet<>();
    /** Wall clock minus monotonic clock, in nanoseconds, at the last check. */
    private long clockDistance;

    private PeriodicWorker(Builder settings) {
        name = settings.name;
        time = settings.time;
        clockDistance = measureClockDistance();
        onFailure = settings.onFailure;
        stopsWhenEmpty = settings.stopsWhenEmpty;
        ownsPool = settings.pool == null;
        pool = settings.pool != null ? AbstractPool.of(settings.pool) : VirtualPool.builder().name(name).open();
        entry = OpenThings.PERIODIC_WORKERS.add(this);
    }

    /**
     * Returns a builder with the defaults: virtual threads, the system's clocks, and failures in the log.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns its name.
     *
     * @return the name it was built with
     */
    public String name() {
        return name;
    }

    // ---- tasks ----

    /**
     * Adds a task. Its schedule counts from now, or from {@link #start}.
     *
     * @param taskName the name of the task in errors and the table; unique in this worker
     * @param schedule when to run it
     * @param action the action; serializable if the pool's tasks leave this JVM
     * @return the task
     * @throws IllegalArgumentException if there is already a task of that name
     * @throws IllegalStateException if this worker is closed
     */
    public PeriodicTask add(String taskName, Schedule schedule, Action action) {
        return add(taskName, schedule, (Runnable) action);
    }

    /**
     * Adds a runnable as a task, as {@link #add(String, Schedule, Action)} does.
     *
     * @param taskName the name of the task in errors and the table; unique in this worker
     * @param schedule when to run it
     * @param action the action; serializable if the pool's tasks leave this JVM
     * @return the task
     * @throws IllegalArgumentException if there is already a task of that name
     * @throws IllegalStateException if this worker is closed
     */
    public PeriodicTask add(String taskName, Schedule schedule, Runnable action) {
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
     * Returns the tasks, in the order they were added.
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
            task.notDue();
            notScheduled.remove(task);
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
            task.notDue();
            notScheduled.remove(task);
            if (enabled && state == State.RUNNING && !task.running && !task.removed) {
                scheduleFirst(task);
            }
        } finally {
            unlock();
        }
    }

    PeriodicStatistics statistics(PeriodicTask task) {
        long now = time.nanoTime();
        lock.lock();
        try {
            Duration nextIn = task.isDue ? Duration.ofNanos(Math.max(0, task.dueNanos - now)) : null;
            return task.snapshot(nextIn);
        } finally {
            unlock();
        }
    }

    // ---- life ----

    /**
     * Starts to run tasks. May be called again after {@link #stop}; schedules then count anew.
     *
     * @throws IllegalStateException if this worker runs, or is closed
     */
    public void start() {
        begin(true);
    }

    /**
     * Starts as {@link #start} does, but without a thread: the caller has to call {@link #step}. For tests with a clock
     * of their own, {@code dev.sennit.testing.VirtualClock}, and a pool {@code inline}: then all tasks run in the
     * calling thread.
     *
     * @throws IllegalStateException as for {@link #start}
     */
    public void begin() {
        begin(false);
    }

    private void begin(boolean withThread) {
        long distance = measureClockDistance();
        lock.lock();
        try {
            ensureNotClosed();
            if (state == State.RUNNING || loop != null) {
                throw new IllegalStateException("periodic worker " + name
                        + (state == State.RUNNING ? " runs already" : " has not stopped yet; call awaitStopped first"));
            }
            if (withThread) {
                loop = startedClock(); // first, as there may be no thread available; the thread waits for the lock
            }
            state = State.RUNNING;
            clockDistance = distance;
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

    private Thread startedClock() {
        // A virtual thread would wait for a carrier, and tasks may hold all carriers. In a test schedule all are
        // virtual.
        Thread.Builder threads = Thread.currentThread().isVirtual() ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
        return Backend.start(threads.name(name + "-clock").unstarted(this::loop));
    }

    /** Stops: begins no more runs. Those under way go on; {@link #awaitStopped} waits for them. */
    public void stop() {
        lock.lock();
        try {
            if (state == State.RUNNING) {
                state = State.STOPPED;
                tasks.values().forEach(PeriodicTask::notDue);
                notScheduled.clear();
                signalChange();
            }
        } finally {
            unlock();
        }
    }

    /**
     * Returns whether tasks are run when they are due.
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
     * Waits until this worker has stopped - by {@link #stop}, or because it is {@linkplain Builder#stopWhenEmpty
     * empty} - and no run goes on.
     *
     * @param timeout how long to wait at most
     * @return false when the time elapsed first
     * @throws InterruptedException if the calling thread is interrupted before or during the wait
     * @throws IllegalStateException if called by one of this worker's tasks, schedules or its failure hook, which would
     *     wait for itself
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

    /** Resets all figures to zero; the schedules of tasks that do not run count anew. */
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
     * Stops, waits for the runs under way, and closes the pool if it is this worker's own. An interrupt does not end
     * the wait; if the pool is this worker's own, the interrupt cancels the runs. The interrupt status is set
     * afterwards.
     *
     * @throws IllegalStateException if called by one of this worker's tasks, schedules or its failure hook, which would
     *     wait for itself; the worker has stopped
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
        entry.remove();
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
            throw new IllegalStateException(what + "() of periodic worker " + name
                    + " called by one of its own tasks, schedules or its failure hook,"
                    + " which would wait for itself; call stop() there");
        }
    }

    /** Releases the lock, and then calls the user code that was put off until then. */
    private void unlock() {
        List<Runnable> later = List.of();
        if (lock.getHoldCount() == 1 && !afterUnlock.isEmpty()) {
            later = List.copyOf(afterUnlock);
            afterUnlock.clear();
        }
        lock.unlock();
        for (Runnable one : later) {
            try {
                one.run();
            } catch (RuntimeException | Error e) { // must not harm other tasks
                Uncaught.log("periodic worker " + name + " could not go on with a task", e);
            }
        }
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
                long wait = stepOrWait();
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
            stop(); // only this worker knows the thread, so the interrupt means stop
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

    /** Runs a step; if the clock fails, waits a little and goes on. */
    private long stepOrWait() {
        try {
            return step();
        } catch (RuntimeException | Error e) {
            clockFailed(e);
            return LOOK_AT_CLOCK_NANOS;
        }
    }

    private void clockFailed(Throwable failure) {
        Uncaught.log("clock of periodic worker " + name + " failed; it is asked again", failure);
    }

    /**
     * Begins the runs that are due.
     *
     * @return nanoseconds until the next run may be due, unless tasks change
     * @throws RuntimeException if the {@link TimeSource} throws it; then no run has begun
     */
    public long step() {
        boolean anyByWallClock = lookAtClocks();
        long now = time.nanoTime();
        List<PeriodicTask> due = new ArrayList<>();
        long wait = Long.MAX_VALUE;
        lock.lock();
        try {
            if (state != State.RUNNING) {
                return wait;
            }
            for (PeriodicTask task : tasks.values()) {
                long left = task.dueNanos - now;
                if (task.isDue && left <= 0) {
                    due.add(task);
                } else if (task.isDue) {
                    wait = Math.min(wait, left);
                }
            }
            due.sort(Comparator.comparingLong(task -> task.dueNanos - due.getFirst().dueNanos));
            for (PeriodicTask task : due) {
                task.notDue();
                task.running = true;
                task.startedNanos = now; // the run itself sets it again
                runsUnderWay++;
            }
            if (anyByWallClock || !notScheduled.isEmpty() || time != TimeSource.system()) {
                wait = Math.min(wait, LOOK_AT_CLOCK_NANOS);
            }
        } finally {
            unlock();
        }
        for (PeriodicTask task : due) {
            try {
                run(task);
            } catch (RuntimeException | Error e) { // the other due tasks are counted as running, so they have to run
                ended(task, e);
            }
        }
        return wait;
    }

    /**
     * Checks whether the wall clock was set, and whether failed clocks work; returns whether a task uses the wall
     * clock.
     */
    private boolean lookAtClocks() {
        long distance = measureClockDistance();
        lock.lock();
        try {
            if (state != State.RUNNING) {
                return false;
            }
            notScheduled.forEach(task -> schedule(task, null));
            notScheduled.clear();
            boolean wasSet = Math.abs(distance - clockDistance) > CLOCK_WAS_SET_NANOS;
            boolean any = false;
            if (wasSet) {
                clockDistance = distance;
            }
            for (PeriodicTask task : tasks()) {
                if (task.dueAt != null) {
                    any = true;
                    if (wasSet && task.isDue) {
                        schedule(task, null);
                    }
                }
            }
            return any;
        } finally {
            unlock();
        }
    }

    private long measureClockDistance() {
        Instant now = time.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - time.nanoTime();
    }

    private void scheduleFirst(PeriodicTask task) {
        task.hasRun = false;
        schedule(task, null);
    }

    /**
     * Arranges a call of the task's schedule after the lock is released. With the lock.
     *
     * @param nowNanos the moment from which the schedule counts, or null for the moment of the call. After a run it is
     *     the end of the run: else the time between end and call would add up, run by run
     */
    private void schedule(PeriodicTask task, @Nullable Long nowNanos) {
        long asked = task.notDue();
        afterUnlock.add(() -> ask(task, asked, nowNanos));
    }

    /**
     * Calls the schedule and stores the due time, unless another call was arranged since. If it throws, the task fails.
     */
    private void ask(PeriodicTask task, long asked, @Nullable Long nowNanos) {
        long now;
        Instant wall;
        try {
            now = nowNanos != null ? nowNanos : time.nanoTime();
            wall = time.now();
        } catch (RuntimeException | Error e) {
            clockFailed(e);
            askAgain(task, asked);
            return;
        }
        Schedule.@Nullable Due due = null;
        Throwable failure = null;
        Schedule.Timing timing = timing(task, now, wall);
        try {
            due = Objects.requireNonNull(inside(() -> task.schedule().next(timing)), "the schedule returned null");
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        lock.lock();
        try {
            if (!task.isAsked(asked)) {
                return;
            }
            if (due != null) {
                task.isDue(due, timing.now(), now);
                signalChange();
            } else {
                fail(task, Objects.requireNonNull(failure));
            }
        } catch (RuntimeException e) { // a due time out of range, for example
            fail(task, e);
        } finally {
            unlock();
        }
    }

    private void askAgain(PeriodicTask task, long asked) {
        lock.lock();
        try {
            if (task.isAsked(asked)) {
                notScheduled.add(task);
            }
        } finally {
            unlock();
        }
    }

    private Schedule.Timing timing(PeriodicTask task, long now, Instant wall) {
        lock.lock();
        try {
            return task.timing(now, wall);
        } finally {
            unlock();
        }
    }

    /** With the lock. */
    private void fail(PeriodicTask task, Throwable failure) {
        task.figures.failed(failure);
        task.removed = true;
        task.notDue();
        tasks.remove(task.name(), task);
        afterUnlock.add(() -> report(task, failure));
        stopIfEmpty();
    }

    private void run(PeriodicTask task) {
        TaskFuture<@Nullable Void> future;
        try {
            boolean travels = pool.copiesTasks();
            Action here = () -> runHere(task);
            future = pool.submit(travels ? task.action() : here, TaskOptions.named(task.name()));
        } catch (RuntimeException | Error e) {
            ended(task, e);
            return;
        }
        future.onDone(done -> ended(task, failureOf(done)));
    }

    private void runHere(PeriodicTask task) throws Exception {
        PeriodicWorker around = INSIDE.get();
        INSIDE.set(this);
        try {
            noteStart(task);
            RunnableTask.perform(task.action());
        } finally {
            INSIDE.set(around);
        }
    }

    /**
     * Calls user code, and notes this worker meanwhile: the code must not wait for the worker, which waits for the
     * call.
     */
    private <T extends @Nullable Object> T inside(Supplier<T> call) {
        PeriodicWorker around = INSIDE.get();
        INSIDE.set(this);
        try {
            return call.get();
        } finally {
            INSIDE.set(around);
        }
    }

    private void noteStart(PeriodicTask task) {
        try {
            task.startedNanos = time.nanoTime(); // read after the run has ended
        } catch (RuntimeException | Error e) {
            clockFailed(e); // the start stays that of step()
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
        long now;
        try {
            now = time.nanoTime();
        } catch (RuntimeException | Error e) {
            clockFailed(e);
            now = task.startedNanos;
        }
        lock.lock();
        try {
            runsUnderWay--;
            task.ran(now, reported);
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
            this.<@Nullable Void>inside(() -> {
                onFailure.accept(task, failure);
                return null;
            });
        } catch (RuntimeException | Error e) {
            Uncaught.log("failure hook of periodic worker " + name + " failed", e);
        }
    }

    // ---- looking ----

    /**
     * Returns all tasks and their figures as a table for human readers.
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
        private BiConsumer<? super PeriodicTask, ? super Throwable> onFailure = (task, failure) -> System.getLogger(
                "dev.sennit").log(Level.ERROR, "periodic task " + task.name() + " failed", failure);

        private Builder() {}

        /**
         * Sets the worker's name in errors and thread names.
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
         * Sets the pool that runs the tasks; it is not closed with the worker. With {@code inline} the tasks run in the
         * worker's own thread, one after another.
         *
         * @param newPool the pool
         * @return this
         */
        public Builder pool(Pool newPool) {
            pool = Objects.requireNonNull(newPool, "pool");
            return this;
        }

        /**
         * Sets another clock, for tests. The worker reads it at least once a second.
         *
         * @param source the clock
         * @return this
         */
        public Builder time(TimeSource source) {
            time = Objects.requireNonNull(source, "source");
            return this;
        }

        /**
         * Sets a hook for failed runs, which replaces the log.
         *
         * @param hook gets the task and the failure
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
         * Creates the worker, which is not started yet.
         *
         * @return the worker
         */
        public PeriodicWorker open() {
            return new PeriodicWorker(this);
        }
    }
}
