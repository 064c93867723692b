package dev.sennit.process;

import dev.sennit.AbstractPool;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolProvider;
import dev.sennit.Submission;
import dev.sennit.TaskOptions;
import dev.sennit.WorkerStartException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Management;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.process.WorkerJvm.Standing;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
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
 * <p>The task that it ran fails with a {@link WorkerCrashedException}; one that it had been handed but had not begun
 * runs on another, and fails with the fifth that dies so; the others do not notice, and a new worker takes its place. A
 * worker notices the end of this JVM, even by {@code kill -9}, and goes too.
 *
 * <p>Workers leave the signals {@code INT}, {@code TERM} and {@code HUP} to this JVM: Ctrl-C and {@code systemctl stop}
 * send them to all processes of a program, which may want to end its tasks first. A shutdown hook that closes the pool
 * does that.
 *
 * <h2>How long workers serve, and how many there are</h2>
 *
 * <p>A worker can be replaced after so many tasks ({@link Builder#maxTasks}), at an age ({@link Builder#maxAge}) or
 * with so much memory ({@link Builder#maxMemory}): the old one serves until the new one is ready, and ends what it had
 * begun. A pool can have fewer workers while there is little to do ({@link Builder#minWorkers}), and more that wait
 * beside it ({@link Builder#spares}) to take the place of one that dies.
 *
 * <h2>Ending a task</h2>
 *
 * <p>{@code cancel(true)} and a time limit interrupt the task. If it has not ended after the {@linkplain Builder#grace
 * grace period}, its worker is killed and replaced.
 *
 * <h2>What may come home</h2>
 *
 * <p>Results and exceptions are read behind an allow-list: the JDK's values and exceptions, classes that lie in the
 * same jar or folder as a submitted task's, and what {@link Builder#allow} names. An exception of another class comes
 * as a {@link dev.sennit.RemoteTaskException} with its text and stack trace, and so does one whose own methods fail; a
 * value of another class fails the task with a {@link dev.sennit.TaskSerializationException} that says what to allow.
 */
public final class ProcessPool extends AbstractPool {
    /*
     * Who has which place. A slot keeps a worker in it, whatever that is needed for; what a worker is, is decided when
     * it is ready (workerUp): it serves, if fewer serve than are wanted; else it takes the place of the one that is
     * outgoing; else it is a spare. There are as many slots as workers are wanted, and spares, and one more while there
     * is an outgoing one. A worker that retires is not counted on any more, and neither is its slot: it does what it
     * was handed, is asked to end by whoever finds it with nothing to do (nextFor, retire), and is buried. Then its
     * slot goes, or starts another worker if that is needed (awaitTurnToStart). So a death, a replacement, growth and
     * shrinking are one mechanism.
     */

    /** So many failed starts in a row, one of each slot at least, with no worker up, and the pool gives up. */
    private static final int STARTS_BEFORE_GIVING_UP = 3;

    private static final int KILLS_BEFORE_GIVING_UP = 100;

    private static final long SHORTEST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final WorkerSettings settings;
    private final WorkerPolicy policy;
    private final Duration grace;
    private final WorkerTransport transport;
    private final AllowList allowed;
    private final List<String> arguments;
    private final @Nullable Initializer initializer;
    private final @Nullable WorkerArchive archive;
    /** Changed under lock. Those whose worker has retired are no longer counted on, and go when it has. */
    private final List<WorkerSlot> slots = new CopyOnWriteArrayList<>();
    private final LongAdder cpuNanos = new LongAdder();
    private final WorkerLog log;
    private final CountDownLatch closing = new CountDownLatch(1);

    private final Object lock = new Object();
    /** Guarded by lock. Tasks that wait; empty while a worker is idle. */
    private final Deque<RemoteSubmission<?>> backlog = new ArrayDeque<>();
    /** Guarded by lock. Workers that wait; the one used last is taken first. */
    private final Deque<WorkerJvm> idle = new ArrayDeque<>();
    /** Guarded by lock. Workers that wait beside the pool, to take the place of one that goes. */
    private final Deque<WorkerJvm> spares = new ArrayDeque<>();
    /** Guarded by lock. How many workers are to serve: fewer than there may be while there is little to do. */
    private int wanted;
    /** Guarded by lock. How many serve. */
    private int workersUp;
    /** Guarded by lock. How many have retired and are not buried. */
    private int leaving;
    /** Guarded by lock. How many are starting. */
    private int starting;
    /** Guarded by lock. The worker that serves until its successor is ready. */
    private @Nullable WorkerJvm outgoing;
    /** Guarded by lock. How many were ever started. */
    private long started;
    /** Guarded by lock. */
    private long workersRecycled;
    /** Guarded by lock. Whether {@link #fillUp} will be called again. */
    private boolean fillsUpLater;
    /** Guarded by lock. Whether a worker has ever been. */
    private boolean everUp;
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
    /** Guarded by lock. Those whose thread has not ended. */
    private int slotsLeft;

    private ProcessPool(Builder builder) {
        super(builder, builder.policy().workers());
        settings = builder.workerSettings();
        policy = builder.policy();
        grace = builder.grace();
        transport = builder.transport().resolved();
        allowed = settings.newAllowList();
        arguments = WorkerCommand.arguments(settings);
        log = new WorkerLog(name());
        archive = builder.mayArchive() ? WorkerArchive.forWorkers(arguments, settings.limits()) : null;
        if (builder.initializer() != null) {
            initializer = new Initializer(builder.initializer(), allowed);
        } else {
            initializer = policy.spares() > 0 ? Initializer.firstTask() : null;
        }
        wanted = policy.minWorkers();
    }

    private void start() {
        try {
            opened();
            WorkerPools.opened(this);
            if (policy.isTimed()) {
                Backend.start(new WorkerWatch(name(), policy, closing, this::looks));
            }
            openSlots();
        } catch (Throwable e) {
            shutdownNow();
            throw new WorkerStartException(
                    "pool " + name() + " with " + policy.workers() + " workers could not be opened: " + e.getMessage(),
                    e);
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
        String given = options.name();
        EncodedTask message = TaskCodec.encode(
                given == null ? body : new NamedTask<>(body, given), writtenClassOf(body), nameOf(body), allowed);
        return new RemoteSubmission<>(this, body, options, options.onMessage() == null ? message : message.heard());
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
                BackgroundExecutor.execute(() -> worker.slot().stop(remote, worker));
            }
        }
    }

    @Override
    protected void stopRequested(Submission<?> submission) {
        if (submission instanceof RemoteSubmission<?> remote) {
            WorkerJvm worker = remote.worker();
            if (worker != null) {
                worker.requestStop(remote);
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
        if (submission instanceof RemoteSubmission<?> remote && !Thread.currentThread().isVirtual()) {
            WorkerJvm worker = remote.worker();
            if (worker != null) {
                worker.slot().pollFor(remote, worker);
            }
        }
    }

    /** Whether no task waits for a worker; a guess. */
    boolean hasNoBacklog() {
        synchronized (lock) {
            return backlog.isEmpty();
        }
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
        synchronized (lock) {
            lock.notifyAll();
        }
        if (archive != null) {
            archive.stop();
        }
        // Not here: this may be any thread, and an interrupt would close the channel that is being written to.
        BackgroundExecutor.execute(() -> slots.forEach(WorkerSlot::close));
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
    protected long workersRecycled() {
        synchronized (lock) {
            return workersRecycled;
        }
    }

    @Override
    protected List<Long> workerPids() {
        List<Long> pids = new ArrayList<>();
        for (WorkerSlot slot : slots) {
            WorkerJvm worker = slot.worker();
            if (worker != null) {
                pids.add(worker.pid());
            }
        }
        return pids;
    }

    @Override
    protected Optional<Duration> cpuTime() {
        return Management.isThere() ? Optional.of(Duration.ofNanos(cpuNanos.sum())) : Optional.empty();
    }

    @Override
    protected boolean copiesTasks() {
        return true;
    }

    @Override
    protected Duration chunkTime() {
        return Duration.ofMillis(200);
    }

    @Override
    public String toString() {
        String state = super.toString();
        int ready;
        synchronized (lock) {
            ready = spares.size();
        }
        return state.substring(0, state.length() - 1)
                + (policy.spares() > 0 ? ", " + ready + " spare" : "")
                + (usesSharedMemory() ? ", over shared memory]" : ", over sockets]");
    }

    // ---- scheduling ----

    /** Gives a task to an idle worker, or puts it at the end of the backlog. */
    void place(RemoteSubmission<?> submission) {
        place(submission, false);
    }

    /** Gives a task that was handed back to an idle worker, or puts it before all that wait. */
    void placeFirst(RemoteSubmission<?> submission) {
        place(submission, true);
    }

    private void place(RemoteSubmission<?> submission, boolean first) {
        WorkerJvm worker = null;
        WorkerStartException noWorkers;
        boolean grows = false;
        synchronized (lock) {
            noWorkers = broken;
            if (noWorkers == null && !stopsEverything()) {
                worker = idle.pollFirst();
                if (worker == null && first) {
                    backlog.addFirst(submission);
                } else if (worker == null) {
                    backlog.addLast(submission);
                }
                grows = wanted < policy.workers() && backlog.size() > wanted - workersUp;
                if (grows) {
                    wanted++;
                    lock.notifyAll();
                }
            }
        }
        if (grows) {
            callUpSpares();
            fillUp();
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

    /** Has a worker that belongs to the caller run a task; does not wait for the worker to read. */
    static void handOver(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (worker.takesAtOnce(submission.message())) {
            worker.slot().run(submission, worker);
            return;
        }
        // submit() must not wait until the worker has read a large task
        var sender = new Thread(null, () -> worker.slot().run(submission, worker), "sennit-sender", 0, false);
        sender.setDaemon(true);
        try {
            Backend.start(sender);
        } catch (Throwable e) { // no thread to be had: this thread waits, as no other thread may use the worker
            worker.slot().run(submission, worker);
        }
    }

    /** Returns the next task for a free worker. Null if there is none: a worker that may get more is then idle. */
    @Nullable RemoteSubmission<?> nextFor(WorkerJvm worker) {
        synchronized (lock) {
            if (worker.standing() == Standing.RETIRED) {
                worker.standAs(Standing.DRAINED);
            }
            if (worker.standing() != Standing.SERVING || worker.isCondemned() || worker.isExhausted()) {
                return null; // one that is exhausted retires with replaceSpent
            }
            RemoteSubmission<?> next = backlog.pollFirst();
            for (var each = slots.iterator(); next == null && each.hasNext();) {
                next = each.next().takeBackAhead(); // a task need not wait behind another while this worker is free
            }
            if (next == null) {
                worker.isIdleNow();
                idle.addFirst(worker);
            }
            return next;
        }
    }

    /**
     * Moves the next task from the backlog to the tasks ahead of a worker that runs another. The caller then sends the
     * message. A worker that becomes free looks for tasks in both places under the same lock, so it misses none.
     *
     * @return null when there is no task, or the worker takes none without making the caller wait
     */
    @Nullable EncodedTask nextAhead(WorkerJvm busy) throws IOException {
        synchronized (lock) {
            for (RemoteSubmission<?> next = backlog.peekFirst(); next != null; next = backlog.peekFirst()) {
                EncodedTask message = next.message(); // once another worker may take the task, it may end there
                boolean isAdded = busy.takesAhead(message) && busy.addAhead(next);
                if (!isAdded && next.isQueued()) {
                    return null;
                }
                backlog.removeFirst(); // added, or dropped before
                if (isAdded) {
                    return message;
                }
            }
            return null;
        }
    }

    // ---- how many workers ----

    /** With the lock. */
    private int slotsWanted() {
        return wanted + policy.spares() + (outgoing == null ? 0 : 1);
    }

    /** Opens slots until there are as many as are wanted. */
    private void openSlots() {
        for (WorkerSlot slot = newSlot(); slot != null; slot = newSlot()) {
            try {
                slot.open();
            } catch (Throwable e) { // no thread to be had
                synchronized (lock) {
                    slots.remove(slot);
                }
                slotGone();
                throw e;
            }
        }
    }

    private @Nullable WorkerSlot newSlot() {
        synchronized (lock) {
            if (isClosing() || broken != null || slots.size() - leaving >= slotsWanted()) {
                return null;
            }
            Set<String> taken = new HashSet<>();
            slots.forEach(slot -> taken.add(slot.name()));
            int number = 1;
            while (taken.contains(name() + "-worker-" + number)) {
                number++;
            }
            var slot = new WorkerSlot(this, name() + "-worker-" + number);
            slots.add(slot);
            slotsLeft++;
            return slot;
        }
    }

    /** Opens slots that are missing, now or, where there are no threads to be had, later. */
    private void fillUp() {
        try {
            openSlots();
        } catch (Throwable e) {
            synchronized (lock) {
                if (fillsUpLater) {
                    return;
                }
                fillsUpLater = true;
            }
            try {
                Timers.after(Duration.ofMillis(LONGEST_PAUSE_MILLIS), this::fillUpAgain);
            } catch (Throwable none) { // not for that either: whoever asks next tries again
                synchronized (lock) {
                    fillsUpLater = false;
                }
            }
        }
    }

    private void fillUpAgain() {
        synchronized (lock) {
            fillsUpLater = false;
        }
        fillUp();
    }

    /**
     * Waits until a slot may start a worker: as many start at once as are missing, and one more.
     *
     * @return false if it has to go: the pool closes, is broken, or has enough slots
     */
    boolean awaitTurnToStart(WorkerSlot slot) {
        synchronized (lock) {
            while (!isClosing() && broken == null) {
                if (slots.size() - leaving > slotsWanted()) {
                    slots.remove(slot);
                    failedSlots.remove(slot);
                    return false;
                }
                if (starting <= wanted - workersUp) {
                    starting++;
                    return true;
                }
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    throw new AssertionError("threads that serve workers cannot be interrupted", e);
                }
            }
            return false;
        }
    }

    void startEnded() {
        synchronized (lock) {
            starting--;
            lock.notifyAll();
        }
    }

    /** With the lock: gives a worker that is ready a place. The caller then gives it tasks. */
    private void enlist(WorkerJvm ready) {
        ready.standAs(Standing.SERVING);
        workersUp++;
    }

    /**
     * With the lock: takes a worker its place, and lets it do what it has begun. The caller then {@linkplain #dismiss
     * dismisses} it.
     *
     * @return the tasks that it had not begun, to be placed, the last first
     */
    private List<RemoteSubmission<?>> retire(WorkerJvm old) {
        boolean hasNothingToDo = idle.remove(old) || (old.isExhausted() && old.current.get() == null);
        old.standAs(hasNothingToDo ? Standing.DRAINED : Standing.RETIRED);
        workersUp--;
        forgiveIfNoneIsUp();
        leaving++;
        workersRecycled++;
        if (outgoing == old) {
            outgoing = null;
        }
        lock.notifyAll();
        return old.takeBackAllAhead();
    }

    /** After {@link #retire}: one that has nothing to do is asked to end, any other is by who hears its last answer. */
    private static void dismiss(WorkerJvm retired) {
        if (retired.standing() == Standing.DRAINED) {
            retired.quit();
        }
    }

    /** Has spares take the places that are free. */
    void callUpSpares() {
        for (WorkerJvm spare = nextSpare(); spare != null; spare = nextSpare()) {
            giveTask(spare);
        }
    }

    private @Nullable WorkerJvm nextSpare() {
        synchronized (lock) {
            WorkerJvm spare = workersUp < wanted ? spares.pollFirst() : null;
            if (spare != null) {
                enlist(spare);
            }
            return spare;
        }
    }

    private void giveTask(WorkerJvm fresh) {
        RemoteSubmission<?> next = nextFor(fresh);
        if (next != null) {
            handOver(next, fresh);
        } else {
            dismiss(fresh); // it may have retired already
        }
    }

    /**
     * Sees to it that workers which have served long enough are replaced: at once by spares, else one after the other.
     * One that may do no more task goes at once in any case, and {@link #fillUp} has another started.
     */
    void replaceSpent() {
        WorkerJvm spent = firstSpent();
        while (spent != null) {
            @Nullable WorkerJvm spare;
            List<RemoteSubmission<?>> waited;
            synchronized (lock) {
                if (spent.standing() != Standing.SERVING || isClosing() || !mayRetire(spent)) {
                    break;
                }
                spare = spares.pollFirst();
                if (spare == null && !spent.isExhausted()) {
                    outgoing = outgoing == null ? spent : outgoing;
                    break;
                }
                if (spare != null) {
                    enlist(spare);
                }
                waited = retire(spent);
            }
            dismiss(spent);
            waited.forEach(this::placeFirst);
            if (spare != null) {
                giveTask(spare);
            }
            spent = firstSpent();
        }
        fillUp();
    }

    /**
     * With the lock: whether a worker may go now. One that is busy stays for as long as its task takes, beside its
     * successor; of such there are no more than there are workers, lest long tasks make processes without end.
     */
    private boolean mayRetire(WorkerJvm spent) {
        return leaving < policy.workers() || idle.contains(spent);
    }

    /** One that may do no more task, else one that is idle, if there is one. */
    private @Nullable WorkerJvm firstSpent() {
        WorkerJvm unoccupied = null;
        WorkerJvm busy = null;
        for (WorkerSlot slot : slots) {
            WorkerJvm worker = slot.worker();
            if (worker != null && worker.isSpent()) {
                if (worker.isExhausted()) {
                    return worker;
                }
                if (worker.current.get() == null) {
                    unoccupied = unoccupied == null ? worker : unoccupied;
                } else {
                    busy = busy == null ? worker : busy;
                }
            }
        }
        return unoccupied != null ? unoccupied : busy;
    }

    /** Lets workers go that have had nothing to do for long, if there may be fewer. */
    void letIdleGo() {
        List<WorkerJvm> gone = new ArrayList<>();
        synchronized (lock) {
            WorkerJvm longest = idle.peekLast();
            while (wanted > policy.minWorkers() && longest != null && longest.idleNanos() >= policy.idleNanos()) {
                wanted--;
                if (workersUp > wanted) {
                    retire(longest);
                    gone.add(longest);
                    longest = idle.peekLast();
                } else { // one that was to start is not needed
                    lock.notifyAll();
                }
            }
        }
        gone.forEach(ProcessPool::dismiss);
    }

    List<WorkerSlot> slots() {
        return slots;
    }

    /** What its {@link WorkerWatch} does each time. */
    private List<WorkerWatch.Look> looks() {
        List<WorkerWatch.Look> looks = new ArrayList<>();
        for (WorkerSlot slot : slots) {
            looks.add(() -> slot.limitMemory(policy.rss()));
            looks.add(() -> {
                slot.watchMemory(policy.maxMemory());
                return 0;
            });
        }
        looks.add(() -> {
            replaceSpent();
            return 0;
        });
        looks.add(() -> {
            letIdleGo();
            return 0;
        });
        return looks;
    }

    // ---- the life of workers ----

    WorkerJvm newWorker(String name, WorkerSlot slot) throws IOException {
        long number;
        synchronized (lock) {
            number = ++started;
        }
        return new WorkerJvm(archive == null ? arguments : archive.addTo(arguments), name, slot,
                policy.lifespan(number));
    }

    /** A worker that gets no tasks of this pool. */
    WorkerJvm newWorker(String jvmOption) throws IOException {
        List<String> all = new ArrayList<>(arguments);
        all.addFirst(jvmOption);
        String name = name() + "-archive";
        return new WorkerJvm(all, name, new WorkerSlot(this, name), new Lifespan(Lifespan.ENDLESS, Lifespan.ENDLESS));
    }

    @Nullable WorkerArchive archive() {
        return archive;
    }

    /** Asks for leave to make the archive, which holds up the end of the pool until {@link #slotGone}. */
    boolean archiveBegins() {
        synchronized (lock) {
            if (isClosing() || broken != null) {
                return false;
            }
            slotsLeft++;
            return true;
        }
    }

    /** A worker ended before it was ready, by itself; the archive that it started from may be the cause. */
    void jvmDidNotStart(WorkerJvm ended) {
        if (archive != null && ended.hasArchive()) {
            archive.suspect();
        }
    }

    /**
     * A worker is ready: it serves, in a place that is free or that of one that goes; or it is a spare, or not needed.
     *
     * @return what it is; if it serves, the caller gives it its first task
     */
    Standing workerUp(WorkerJvm ready) {
        boolean first;
        WorkerJvm replaced = null;
        List<RemoteSubmission<?>> waited = List.of();
        Standing is;
        synchronized (lock) {
            first = !everUp;
            everUp = true;
            failedStarts = 0;
            failedSlots.clear();
            startsKilled = 0;
            if (workersUp < wanted) {
                enlist(ready);
            } else if (outgoing != null && mayRetire(outgoing)) {
                replaced = outgoing;
                waited = retire(outgoing);
                enlist(ready);
            } else if (spares.size() < policy.spares()) {
                ready.standAs(Standing.SPARE);
                spares.addLast(ready);
            } else {
                ready.standAs(Standing.DRAINED);
                leaving++;
            }
            is = ready.standing();
        }
        try {
            if (archive != null) {
                archive.judge(ready.hasArchive());
                if (first) {
                    archive.makeLater(this);
                }
            }
            if (replaced != null) {
                dismiss(replaced);
                waited.forEach(this::placeFirst);
                replaceSpent(); // the next
            }
        } catch (Throwable e) { // from a callback, or no thread to be had
            // the worker has its standing even so; by now another thread may have called it up, or retired it
        }
        return is;
    }

    /** Returns whether the worker is counted as lost: it was not to end. */
    boolean workerDown(WorkerJvm dead) {
        synchronized (lock) {
            switch (dead.standing()) {
                case SERVING -> {
                    workersUp--;
                    forgiveIfNoneIsUp();
                }
                case SPARE -> spares.remove(dead);
                case RETIRED, DRAINED -> leaving--;
                case STARTING, BURIED -> {}
            }
            dead.standAs(Standing.BURIED);
            idle.remove(dead);
            if (outgoing == dead) {
                outgoing = null;
            }
            boolean isLost = !dead.endWasIntended();
            if (isLost) {
                workersLost++;
            }
            lock.notifyAll();
            return isLost;
        }
    }

    /** With the lock, when a worker has gone: what failed beside it was not missed. */
    private void forgiveIfNoneIsUp() {
        if (workersUp == 0) {
            failedStarts = 0;
            startsKilled = 0;
            failedSlots.clear();
        }
    }

    /** Notes that a start failed. When no slot has a worker, and all of them have failed, the pool gives up. */
    void startFailed(WorkerSlot slot, String why, @Nullable Throwable cause, boolean killed) {
        log.lost(why);
        if (countFailedStart(slot, why, cause, killed) instanceof WorkerStartException end) {
            log.gaveUp(end.getMessage() + "; tasks that wait for a worker fail");
        }
    }

    /** Returns why the pool gives up, if this is when it does. */
    private @Nullable WorkerStartException countFailedStart(
            WorkerSlot slot, String why, @Nullable Throwable cause, boolean killed) {
        synchronized (lock) {
            failedStarts++;
            failedSlots.add(slot);
            startsKilled += killed ? 1 : 0;
            boolean goOn = failedStarts - startsKilled < STARTS_BEFORE_GIVING_UP
                    && startsKilled < KILLS_BEFORE_GIVING_UP;
            if (goOn || workersUp > 0 || failedSlots.size() < slots.size() - leaving || broken != null) {
                return null;
            }
            lock.notifyAll();
            broken = new WorkerStartException(
                    failedStarts + " workers of pool " + name() + " in a row could not be started; the last: " + why,
                    cause);
            return broken;
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
        synchronized (lock) {
            int failed = failedStarts - startsKilled;
            long pause = Math.min(LONGEST_PAUSE_MILLIS, SHORTEST_PAUSE_MILLIS << Math.min(failed, 10));
            long deadline = Backend.current().nanoTime() + TimeUnit.MILLISECONDS.toNanos(pause);
            long millis = pause;
            // No longer once they are forgiven, as the last worker has gone.
            while (broken == null && !isClosing() && failedStarts - startsKilled >= failed && millis > 0) {
                try {
                    lock.wait(millis);
                } catch (InterruptedException e) {
                    throw new AssertionError("threads that serve workers cannot be interrupted", e);
                }
                millis = TimeUnit.NANOSECONDS.toMillis(deadline - Backend.current().nanoTime());
            }
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
        WorkerPools.closed(this);
        workersReleased();
        log.tellRest();
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

    WorkerLog log() {
        return log;
    }

    Duration grace() {
        return grace;
    }

    WorkerSettings settings() {
        return settings;
    }

    WorkerPolicy policy() {
        return policy;
    }

    boolean usesSharedMemory() {
        return transport == WorkerTransport.SHARED_MEMORY;
    }

    @Nullable Initializer initializer() {
        return initializer;
    }

    void tellStarted(WorkerJvm worker) {
        workerStarted(worker.label());
    }

    void tellEnded(WorkerJvm worker, @Nullable String why) {
        workerEnded(worker.label(), why);
    }

    void addCpuTime(long nanos) {
        cpuNanos.add(nanos);
    }

    /** Settings of a {@link ProcessPool}. */
    public static final class Builder extends ProcessPoolBuilder {
        private Builder() {}

        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Opens the pool; its workers start in the background, and tasks may be submitted at once.
         *
         * @return an open pool
         * @throws IllegalArgumentException if more workers are to stay than there may be, or the ports of debuggers
         *     would be told to nobody
         * @throws dev.sennit.TaskSerializationException if the initializer cannot travel
         * @throws WorkerStartException if there are not threads enough to serve the workers; none is left. Or if no
         *     worker could start here, as this runtime image has no launcher, or its temporary folder is not writable
         * @throws UnsupportedOperationException if resident memory is limited, and this system does not tell how much
         *     it is
         */
        @Override
        public ProcessPool open() {
            ensurePossible();
            WorkerCommand.ensureLauncher();
            String obstacle = MeetingFolder.obstacle();
            if (obstacle != null) {
                throw new WorkerStartException(obstacle, null);
            }
            var pool = new ProcessPool(this);
            transport().tellIfSlower();
            pool.start();
            return pool;
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
