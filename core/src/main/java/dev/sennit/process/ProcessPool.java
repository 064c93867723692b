package dev.sennit.process;

import dev.sennit.AbstractPool;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.PoolProvider;
import dev.sennit.Submission;
import dev.sennit.TaskOptions;
import dev.sennit.WorkerStartException;
import dev.sennit.internal.Durations;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A pool of worker JVMs on this machine: {@code processes:N}.
 *
 * <p>For tasks that may crash, exhaust memory, or have to be ended whatever they do. A task travels by serialization,
 * its value travels back; what it changes in its copy of captured objects stays there.
 *
 * {@snippet :
 * import dev.sennit.process.ProcessPool;
 *
 * try (ProcessPool pool = ProcessPool.builder().workers(2).heap("256m").open()) {
 *     TaskFuture<Long> pid = pool.submit(() -> ProcessHandle.current().pid());
 *     System.out.println("ran in process " + pid.join());
 * }
 * }
 *
 * <h2>When a worker dies</h2>
 *
 * <p>The task that it ran fails with a {@link WorkerCrashedException}; one that it had been handed but had not begun runs
 * on another; the others do not notice, and a new worker takes its place. A worker notices the end of this JVM, even by
 * {@code kill -9}, and goes too.
 *
 * <h2>Ending a task</h2>
 *
 * <p>{@code cancel(true)} and a time limit interrupt the task. If it has not ended after the {@linkplain Builder#grace
 * grace period}, its worker is killed and replaced.
 *
 * <h2>What may come home</h2>
 *
 * <p>Results and exceptions are read behind an allow-list: the JDK's values and exceptions, classes that lie in the same
 * jar or folder as a submitted task's, and what {@link Builder#allow} names. An exception of another class comes as a
 * {@link dev.sennit.RemoteTaskException} with its text and stack trace; a value of another class fails the task with a
 * {@link dev.sennit.TaskSerializationException} that says what to allow.
 */
public final class ProcessPool extends AbstractPool {
    /** So many failed starts in a row, one of each slot at least, with no worker up, and the pool gives up. */
    private static final int STARTS_BEFORE_GIVING_UP = 3;

    private static final int KILLS_BEFORE_GIVING_UP = 100;

    private static final long SHORTEST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final Builder settings;
    private final AllowList allowed;
    private final List<String> arguments;
    private final List<WorkerSlot> slots = new ArrayList<>();
    private final LongAdder cpuNanos = new LongAdder();
    private final CountDownLatch closing = new CountDownLatch(1);

    private final Object lock = new Object();
    /** Guarded by lock. Tasks that wait; empty while a worker is idle. */
    private final Deque<RemoteSubmission<?>> backlog = new ArrayDeque<>();
    /** Guarded by lock. Workers that wait; the one used last is taken first. */
    private final Deque<WorkerJvm> idle = new ArrayDeque<>();
    /** Guarded by lock. */
    private int workersUp;
    /** Guarded by lock. */
    private long workersLost;
    /** Guarded by lock. Failed starts since one last succeeded. */
    private int failedStarts;
    /** Guarded by lock. Whose they were. */
    private final Set<WorkerSlot> failedSlots = new HashSet<>();
    /** Guarded by lock. Those of them that a signal ended: somebody else's doing, so it takes more of them. */
    private int startsKilled;
    /** Guarded by lock. Why no worker can be started. */
    private @Nullable WorkerStartException broken;
    /** Guarded by lock. */
    private int slotsLeft;

    private ProcessPool(Builder settings) {
        super(settings, settings.workers);
        this.settings = settings;
        this.allowed = new AllowList(settings.allowed);
        this.arguments = WorkerCommand.arguments(settings);
        slotsLeft = settings.workers;
        for (int i = 1; i <= settings.workers; i++) {
            slots.add(new WorkerSlot(this, name() + "-worker-" + i));
        }
    }

    /**
     * Starts with a worker for each processor.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    // ---- what AbstractPool asks for ----

    @Override
    protected <T extends @Nullable Object> Submission<T> newSubmission(Callable<T> body, TaskOptions options) {
        Objects.requireNonNull(options, "options");
        EncodedTask message = TaskCodec.encode(body, writtenClassOf(body), nameOf(body));
        allowed.allowBeside(writtenClassOf(body));
        return new RemoteSubmission<>(this, body, options, message);
    }

    @Override
    protected <T extends @Nullable Object> Submission<T> again(Submission<T> ended) {
        return new RemoteSubmission<>(this, (RemoteSubmission<T>) ended);
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        place((RemoteSubmission<?>) submission);
    }

    @Override
    protected void stop(Submission<?> submission) {
        if (submission instanceof RemoteSubmission<?> remote) {
            super.stop(submission); // it may run in its caller, when the backlog was full
            WorkerJvm worker = remote.worker();
            if (worker != null) {
                // On a thread that nobody can interrupt: an interrupt closes the channel that is being written to.
                Thread.startVirtualThread(() -> worker.slot().stop(remote, worker));
            }
        }
    }

    @Override
    protected void forget(Submission<?> submission) {
        synchronized (lock) {
            sweep(backlog);
        }
    }

    @Override
    protected Collection<RemoteSubmission<?>> held() {
        List<RemoteSubmission<?>> held;
        synchronized (lock) {
            held = new ArrayList<>(backlog);
        }
        for (WorkerSlot slot : slots) {
            held.addAll(slot.held());
        }
        return held;
    }

    @Override
    protected boolean onWorker() {
        return Thread.currentThread() instanceof WorkerSlot.ServingThread thread && thread.slot().pool() == this;
    }

    @Override
    protected void aboutToWait(Submission<?> submission) {
        aboutToWait();
    }

    @Override
    protected void aboutToWait() {
        if (Thread.currentThread() instanceof WorkerSlot.ServingThread thread && thread.slot().pool() == this) {
            thread.slot().relieve();
        }
    }

    @Override
    protected void releaseWorkers() {
        closing.countDown();
        // Not here: this may be any thread, and an interrupt would close the channel that is being written to.
        Thread.startVirtualThread(() -> slots.forEach(WorkerSlot::close));
        finishIfOver();
    }

    @Override
    protected int aliveWorkers() {
        synchronized (lock) {
            return workersUp;
        }
    }

    @Override
    protected long workersLost() {
        synchronized (lock) {
            return workersLost;
        }
    }

    @Override
    protected Optional<Duration> cpuTime() {
        return Optional.of(Duration.ofNanos(cpuNanos.sum()));
    }

    @Override
    protected boolean copiesTasks() {
        return true;
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ofMillis(200);
    }

    // ---- scheduling ----

    /** Gives a task to an idle slot, or puts it at the end of the backlog. */
    void place(RemoteSubmission<?> submission) {
        place(submission, false);
    }

    /** Gives a task that was handed back to an idle slot, or puts it before all that wait. */
    void placeFirst(RemoteSubmission<?> submission) {
        place(submission, true);
    }

    private void place(RemoteSubmission<?> submission, boolean first) {
        WorkerJvm worker = null;
        WorkerStartException noWorkers;
        synchronized (lock) {
            noWorkers = broken;
            if (noWorkers == null && !stopsEverything()) {
                worker = idle.pollFirst();
                if (worker == null && first) {
                    backlog.addFirst(submission);
                } else if (worker == null) {
                    backlog.addLast(submission);
                }
            }
        }
        if (noWorkers != null) {
            submission.settle(null, noWorkers, false);
        } else if (stopsEverything()) {
            submission.cancelNow();
        }
        if (worker != null) {
            handOver(submission, worker);
        }
    }

    private static void handOver(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (worker.takesAtOnce(submission.message())) {
            worker.slot().run(submission, worker);
            return;
        }
        // submit() does not wait for the worker to read
        var sender = new Thread(null, () -> worker.slot().run(submission, worker), "sennit-sender", 0, false);
        sender.setDaemon(true);
        sender.start();
    }

    /** The next task for a worker that is free; null when there is none, and it is then idle. */
    @Nullable RemoteSubmission<?> nextFor(WorkerJvm worker) {
        synchronized (lock) {
            if (worker.isBuried() || worker.isCondemned()) {
                return null;
            }
            RemoteSubmission<?> next = backlog.pollFirst();
            for (int i = 0; next == null && i < slots.size(); i++) {
                next = slots.get(i).takeBackAhead(); // a task need not wait behind another while this worker is free
            }
            if (next == null) {
                idle.addFirst(worker);
            }
            return next;
        }
    }

    /** The next task that may be sent to a worker which does not read while it runs another. */
    @Nullable RemoteSubmission<?> nextAhead(WorkerJvm worker) throws IOException {
        synchronized (lock) {
            RemoteSubmission<?> next = backlog.peekFirst();
            return next != null && worker.takesAhead(next.message()) ? backlog.pollFirst() : null;
        }
    }

    // ---- the life of workers ----

    WorkerJvm newWorker(String name, WorkerSlot slot) throws IOException {
        return new WorkerJvm(settings, arguments, name, slot);
    }

    void workerUp() {
        synchronized (lock) {
            workersUp++;
            failedStarts = 0;
            failedSlots.clear();
            startsKilled = 0;
        }
    }

    void workerDown(WorkerJvm dead) {
        synchronized (lock) {
            dead.markBuried();
            idle.remove(dead);
            workersUp--;
            if (!dead.endWasIntended()) {
                workersLost++;
            }
        }
    }

    /** Notes that a start failed. When no slot has a worker, and all of them have failed, the pool gives up. */
    void startFailed(WorkerSlot slot, String why, @Nullable Throwable cause, boolean killed) {
        synchronized (lock) {
            failedStarts++;
            failedSlots.add(slot);
            startsKilled += killed ? 1 : 0;
            boolean goOn = failedStarts - startsKilled < STARTS_BEFORE_GIVING_UP
                    && startsKilled < KILLS_BEFORE_GIVING_UP;
            if (goOn || workersUp > 0 || failedSlots.size() < slots.size() || broken != null) {
                return;
            }
            broken = new WorkerStartException(
                    failedStarts + " workers of pool " + name() + " in a row could not be started; the last: " + why, cause);
        }
    }

    boolean isBroken() {
        synchronized (lock) {
            return broken != null;
        }
    }

    /** Fails the tasks that wait for a worker, if there will be none. */
    void failWhatWaits() {
        while (true) {
            RemoteSubmission<?> next;
            WorkerStartException why;
            synchronized (lock) {
                why = broken;
                next = why == null ? null : backlog.pollFirst(); // one by one: a callback may wait for another of them
            }
            if (next == null) {
                return;
            }
            next.settle(null, why, false);
        }
    }

    /** After a failed start: waits a while, longer each time. */
    void waitBeforeNextStart() {
        int failed;
        synchronized (lock) {
            if (broken != null) {
                return;
            }
            failed = failedStarts - startsKilled;
        }
        long pause = Math.min(LONGEST_PAUSE_MILLIS, SHORTEST_PAUSE_MILLIS << Math.min(failed, 10));
        try {
            closing.await(pause, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError("threads that serve workers cannot be interrupted", e);
        }
    }

    /** A slot has ended; the last one of a closing pool turns off the light. */
    void slotGone() {
        synchronized (lock) {
            slotsLeft--;
        }
        finishIfOver();
    }

    private void finishIfOver() {
        synchronized (lock) {
            if (slotsLeft > 0 || !isClosing()) {
                return;
            }
        }
        workersReleased();
    }

    boolean isClosing() {
        return closing.getCount() == 0;
    }

    boolean stopsEverything() {
        return isStopping();
    }

    // ---- what slots need to know ----

    AllowList allowed() {
        return allowed;
    }

    Duration grace() {
        return settings.grace;
    }

    String heapLimit() {
        return settings.heap != null ? settings.heap : "the JVM's default";
    }

    void addCpuTime(long nanos) {
        cpuNanos.add(nanos);
    }

    /** Settings of a {@link ProcessPool}. */
    public static final class Builder extends PoolBuilder<Builder> {
        private int workers = Runtime.getRuntime().availableProcessors();
        private @Nullable String heap;
        private Duration grace = Duration.ofMillis(200);
        private WorkerOutput output = WorkerOutput.LINES;
        private @Nullable LineListener listener;
        private List<String> allowed = new ArrayList<>();
        private List<String> jvmOptions = List.of();
        private List<Path> classPath = List.of();
        private WorkerTransport transport = WorkerTransport.AUTO;

        private Builder() {
            super("processes");
        }

        /**
         * How many worker processes. In a plan: the number after the colon.
         *
         * @param count 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder workers(int count) {
            workers = atLeast("workers", count, 1);
            return this;
        }

        /**
         * The most heap memory a worker may use. One that needs more ends, and its task fails with a {@link
         * WorkerCrashedException} that says so. The default is the JVM's: a quarter of the machine's memory. In a plan:
         * {@code heap=256m}.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder heap(String size) {
            if (!size.matches("[1-9][0-9]{0,15}[kKmMgG]?")) {
                throw new IllegalArgumentException("heap must be a size such as 256m or 2g, was \"" + size + "\"");
            }
            heap = size;
            return this;
        }

        /**
         * How long a task that is cancelled, or over its time limit, has to end after the interrupt before its worker is
         * killed; the default is 200 ms. Zero kills at once. In a plan: {@code grace=200ms}.
         *
         * @param period zero or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder grace(Duration period) {
            if (period.isNegative()) {
                throw new IllegalArgumentException("grace must be >= 0, was " + period);
            }
            grace = period;
            return this;
        }

        /**
         * Where the workers' standard output and error go; the default is {@link WorkerOutput#LINES}. In a plan: {@code
         * output=inherit}.
         *
         * @param target where to
         * @return this
         */
        public Builder output(WorkerOutput target) {
            output = Objects.requireNonNull(target, "target");
            return this;
        }

        /**
         * Who gets the lines that workers write. The default prints each after its worker's name.
         *
         * @param newListener called by several threads
         * @return this
         */
        public Builder onLine(LineListener newListener) {
            listener = Objects.requireNonNull(newListener, "listener");
            return output(WorkerOutput.LINES);
        }

        /**
         * Lets values of more classes come home. In a plan: {@code allow=com.acme.Money,org.lib.**}.
         *
         * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
         * @return this
         */
        public Builder allow(String... patterns) {
            for (String pattern : patterns) {
                if (!pattern.matches("[\\w$.]+(\\.\\*\\*?)?")) {
                    throw new IllegalArgumentException(
                            "allow must be a class, package.* or package.**, was \"" + pattern + "\"");
                }
            }
            allowed = new ArrayList<>(allowed);
            allowed.addAll(Arrays.asList(patterns));
            return this;
        }

        /**
         * Options for the workers' JVMs, after those that Sennit sets. In a plan: {@code jvm=-XX:+UseZGC,-Xss4m}.
         *
         * @param options one option each
         * @return this
         */
        public Builder jvmOptions(String... options) {
            jvmOptions = List.of(options);
            return this;
        }

        /**
         * The workers' class path; the default is this JVM's own class path and modules. It has to hold this library and
         * the tasks' classes.
         *
         * @param parts jars and folders
         * @return this
         */
        public Builder classPath(Path... parts) {
            classPath = List.of(parts);
            return this;
        }

        /**
         * How tasks and answers travel; the default is {@link WorkerTransport#AUTO}. In a plan: {@code transport=socket}.
         *
         * @param way which way
         * @return this
         * @throws UnsupportedOperationException if it is {@link WorkerTransport#SHARED_MEMORY}, and that cannot be had here
         */
        public Builder transport(WorkerTransport way) {
            if (way == WorkerTransport.SHARED_MEMORY) {
                SharedMemory.requireLinux();
            }
            transport = Objects.requireNonNull(way, "way");
            return this;
        }

        @Override
        protected Map<String, Consumer<String>> planOptions() {
            Map<String, Consumer<String>> options = super.planOptions();
            options.put("heap", this::heap);
            options.put("grace", value -> grace(Durations.parse("grace", value)));
            options.put("output", value -> output(WorkerOutput.parse(value)));
            options.put("allow", value -> allow(value.split(",")));
            options.put("transport", value -> transport(WorkerTransport.parse(value)));
            options.put("jvm", value -> jvmOptions(value.split(",")));
            return options;
        }

        @Override
        protected void planArgument(String count) {
            workers(number("workers", count));
        }

        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Opens the pool; its workers start in the background, and tasks may be submitted at once.
         *
         * @return an open pool
         */
        @Override
        public ProcessPool open() {
            var pool = new ProcessPool(this);
            pool.slots.forEach(WorkerSlot::open);
            return pool;
        }

        @Nullable String heap() {
            return heap;
        }

        WorkerOutput output() {
            return output;
        }

        boolean usesSharedMemory() {
            return transport.resolved() == WorkerTransport.SHARED_MEMORY;
        }

        LineListener listenerOrDefault() {
            if (output == WorkerOutput.DISCARD) {
                return (worker, error, line) -> {};
            }
            return listener != null
                    ? listener
                    : (worker, error, line) -> (error ? System.err : System.out).println("[" + worker + "] " + line);
        }

        List<String> jvmOptions() {
            return jvmOptions;
        }

        List<Path> classPath() {
            return classPath;
        }
    }

    /** Registers {@code processes}. */
    public static final class Provider implements PoolProvider {
        /** For the service loader. */
        public Provider() {}

        @Override
        public String kind() {
            return "processes";
        }

        @Override
        public String syntax() {
            return "processes[:N]";
        }

        @Override
        public Pool open(Plan plan) {
            return builder().plan(plan).open();
        }
    }
}
