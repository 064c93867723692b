package dev.sennit.process;

import dev.sennit.AbstractPool;
import dev.sennit.Action;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.PoolProvider;
import dev.sennit.Submission;
import dev.sennit.TaskOptions;
import dev.sennit.WorkerStartException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Management;
import dev.sennit.internal.Sizes;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.process.WorkerJvm.Standing;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
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
 * on another, and fails with the fifth that dies so; the others do not notice, and a new worker takes its place. A worker
 * notices the end of this JVM, even by {@code kill -9}, and goes too.
 *
 * <p>Workers leave the signals {@code INT}, {@code TERM} and {@code HUP} to this JVM: Ctrl-C and {@code systemctl stop} send them to all
 * processes of a program, which may want to end its tasks first. A shutdown hook that closes the pool does that.
 *
 * <h2>How long workers serve, and how many there are</h2>
 *
 * <p>A worker can be replaced after so many tasks ({@link Builder#maxTasks}), at an age ({@link Builder#maxAge}) or with so
 * much memory ({@link Builder#maxMemory}): the old one serves until the new one is ready, and ends what it had begun. A pool
 * can have fewer workers while there is little to do ({@link Builder#minWorkers}), and more that wait beside it ({@link
 * Builder#spares}) to take the place of one that dies.
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
 * {@link dev.sennit.RemoteTaskException} with its text and stack trace, and so does one whose own methods fail; a value of
 * another class fails the task with a
 * {@link dev.sennit.TaskSerializationException} that says what to allow.
 */
public final class ProcessPool extends AbstractPool {
    /*
     * Who has which place. A slot keeps a worker in it, whatever that is needed for; what a worker is, is decided when it is
     * ready (workerUp): it serves, if fewer serve than are wanted; else it takes the place of the one that is outgoing; else it
     * is a spare. There are as many slots as workers are wanted, and spares, and one more while there is an outgoing one.
     * A worker that retires is not counted on any more, and neither is its slot: it does what it was handed, is asked to end by
     * whoever finds it with nothing to do (nextFor, retire), and is buried. Then its slot goes, or starts another worker if
     * that is needed (awaitTurnToStart). So a death, a replacement, growth and shrinking are one mechanism.
     */

    /** So many failed starts in a row, one of each slot at least, with no worker up, and the pool gives up. */
    private static final int STARTS_BEFORE_GIVING_UP = 3;

    private static final int KILLS_BEFORE_GIVING_UP = 100;

    private static final long SHORTEST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final Builder settings;
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

    private ProcessPool(Builder settings) {
        super(settings, settings.workers);
        this.settings = settings.copy(); // the builder may be used for another
        this.allowed = settings.newAllowList();
        this.arguments = WorkerCommand.arguments(settings);
        this.log = new WorkerLog(name());
        this.archive = settings.archive ? WorkerArchive.forWorkers(arguments, settings.limits()) : null;
        if (settings.initializer != null) {
            initializer = new Initializer(settings.initializer, allowed);
        } else {
            initializer = settings.spares > 0 ? Initializer.firstTask() : null;
        }
        wanted = settings.least();
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
                BackgroundExecutor.execute(() -> worker.slot().stop(remote, worker));
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
                + (settings.spares > 0 ? ", " + ready + " spare" : "")
                + (settings.usesSharedMemory() ? ", over shared memory]" : ", over sockets]");
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
                grows = wanted < settings.workers && backlog.size() > wanted - workersUp;
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

    /** Has a worker that is nobody else's run a task; waits for nobody. */
    static void handOver(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (worker.takesAtOnce(submission.message())) {
            worker.slot().run(submission, worker);
            return;
        }
        // submit() does not wait for the worker to read
        var sender = new Thread(null, () -> worker.slot().run(submission, worker), "sennit-sender", 0, false);
        sender.setDaemon(true);
        try {
            Backend.start(sender);
        } catch (Throwable e) { // no thread to be had: it does wait, as nobody else has the worker
            worker.slot().run(submission, worker);
        }
    }

    /** The next task for a worker that is free; null when there is none, and it is then idle. */
    @Nullable RemoteSubmission<?> nextFor(WorkerJvm worker) {
        synchronized (lock) {
            if (worker.standing() == Standing.RETIRED) {
                worker.standAs(Standing.DRAINED);
            }
            if (worker.standing() != Standing.SERVING || worker.isCondemned() || worker.isExhausted()) {
                return null; // one that is exhausted retires with replaceSpent
            }
            RemoteSubmission<?> next = backlog.pollFirst();
            for (var each = slots.iterator(); next == null && each.hasNext(); ) {
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
     * Moves the next task from the backlog to the tasks ahead of a worker that runs another. The caller then sends the message. A worker that becomes
     * free looks for tasks in both places under the same lock, so it misses none.
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
        return wanted + settings.spares + (outgoing == null ? 0 : 1);
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
     * Sees to it that workers which have served long enough are replaced: at once by spares, else one after the other. One that may
     * do no more task goes at once in any case, and {@link #fillUp} has another started.
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
     * With the lock: whether a worker may go now. One that is busy stays for as long as its task takes, beside its successor;
     * of such there are no more than there are workers, lest long tasks make processes without end.
     */
    private boolean mayRetire(WorkerJvm spent) {
        return leaving < settings.workers || idle.contains(spent);
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
            while (wanted > settings.least() && longest != null && longest.idleNanos() >= settings.idleNanos()) {
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
            looks.add(() -> slot.limitMemory(settings.rss()));
            looks.add(() -> {
                slot.watchMemory(settings.maxMemory());
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
        return new WorkerJvm(
                settings, archive == null ? arguments : archive.addTo(arguments), name, slot, settings.lifespan(number));
    }

    /** A worker that gets no tasks of this pool. */
    WorkerJvm newWorker(String jvmOption) throws IOException {
        List<String> all = new ArrayList<>(arguments);
        all.addFirst(jvmOption);
        String name = name() + "-archive";
        return new WorkerJvm(
                settings, all, name, new WorkerSlot(this, name), new Lifespan(Lifespan.ENDLESS, Lifespan.ENDLESS));
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
            } else if (spares.size() < settings.spares) {
                ready.standAs(Standing.SPARE);
                spares.addLast(ready);
            } else {
                ready.standAs(Standing.DRAINED);
                leaving++;
            }
            is = ready.standing();
        }
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
        return is;
    }

    void workerDown(WorkerJvm dead) {
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
            if (!dead.endWasIntended()) {
                workersLost++;
            }
            lock.notifyAll();
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
                    failedStarts + " workers of pool " + name() + " in a row could not be started; the last: " + why, cause);
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
        return settings.grace;
    }

    Builder settings() {
        return settings;
    }

    @Nullable Initializer initializer() {
        return initializer;
    }

    void addCpuTime(long nanos) {
        cpuNanos.add(nanos);
    }

    /** Settings of a {@link ProcessPool}. */
    public static final class Builder extends PoolBuilder<Builder> implements Cloneable {
        static final long NO_LIMIT = Long.MAX_VALUE;
        private static final String VARIABLE = "env.";
        private static final int ALL = Integer.MAX_VALUE;

        private int workers = Runtime.getRuntime().availableProcessors();
        private int min = ALL;
        private Duration idle = Duration.ofSeconds(60);
        private int spares;
        private long maxTasks = NO_LIMIT;
        private long strictMaxTasks = NO_LIMIT;
        private @Nullable Duration maxAge;
        private long maxMemory = NO_LIMIT;
        private @Nullable String heap;
        private @Nullable String direct;
        private @Nullable String metaspace;
        private long rss = NO_LIMIT;
        private @Nullable Action initializer;
        private Map<String, String> environment = Map.of();
        private @Nullable File directory;
        private boolean archive = true;
        private Duration grace = Duration.ofMillis(200);
        private WorkerOutput output = WorkerOutput.LINES;
        private @Nullable LineListener listener;
        private List<String> allowed = new ArrayList<>();
        private List<String> jvmOptions = List.of();
        private List<Path> classPath = List.of();
        private WorkerTransport transport = WorkerTransport.AUTO;
        private boolean agents;
        private boolean properties;
        private boolean debug;

        private Builder() {
            super("processes");
        }

        /** As it is now: lists and maps are replaced, not changed. */
        private Builder copy() {
            try {
                return (Builder) clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
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
         * How many workers stay when there is nothing to do; the default is all. The pool starts with so many. More are
         * started when tasks wait, up to {@link #workers}, and those let go again that have had nothing to do for the {@link
         * #idle idle time}. In a plan: {@code min=2}.
         *
         * @param count 0 or more, and not more than there are workers
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder minWorkers(int count) {
            min = atLeast("min", count, 0);
            return this;
        }

        /**
         * How long a worker has nothing to do before it is let go, if there are more than {@link #minWorkers} says; the
         * default is 60 s. In a plan: {@code idle=5s}.
         *
         * @param time more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder idle(Duration time) {
            idle = positive("idle", time);
            return this;
        }

        /**
         * How many workers wait beside the pool, started and initialized, to take at once the place of one that dies, is
         * killed or has served long enough; the default is none. Another is then started in the background. They count
         * neither as workers nor in {@link dev.sennit.PoolStatistics#workers()}. In a plan: {@code spares=1}.
         *
         * @param count 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder spares(int count) {
            spares = atLeast("spares", count, 0);
            return this;
        }

        /**
         * After how many tasks a worker is replaced; by default it is not. In a plan: {@code max-tasks=1000}.
         *
         * <p>The old worker goes on until the new one is ready, and then ends when it has done what it had begun; so no task
         * waits or fails for it, and a worker may do some tasks more than that. No more are at the end of their last tasks than
         * there are workers: with long tasks a pool may have twice as many processes, and run as many tasks, for as long as
         * those take; {@link #strictMaxTasks} is without exceptions. One is replaced after another, and each is
         * given a tenth more or less, so that they do not all go at once. When no successor can be started, the old one stays
         * until one can. {@link dev.sennit.PoolStatistics#workersRecycled()} counts them.
         *
         * @param count 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder maxTasks(int count) {
            maxTasks = atLeast("max-tasks", count, 1);
            return this;
        }

        /**
         * How many tasks a worker gets at most, for tasks that must not share a process with many others: one that leaks, or changes
         * what others see. By default there is no such limit. In a plan: {@code strict-max-tasks=1}.
         *
         * <p>Other than with {@link #maxTasks}, no worker ever gets one more, and none is sent a task before it has ended the
         * one it has. A worker that has done its number ends, and another is started in its place; tasks wait until that one is ready, or
         * a {@linkplain #spares spare} takes the place at once. A chunk of a {@code map} is one task; {@link Pool#chunksOf
         * chunksOf(1)} makes one of each item. A task that was cancelled counts if its worker had been sent it; the initializer
         * does not. If no other worker can be started, waiting tasks fail as they do when the pool opens.
         *
         * @param count 1 or more
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder strictMaxTasks(int count) {
            strictMaxTasks = atLeast("strict-max-tasks", count, 1);
            return this;
        }

        /**
         * How old a worker gets before it is replaced, as with {@link #maxTasks}, whether it is busy or idle; by default it is
         * not. In a plan: {@code max-age=1h}.
         *
         * @param age more than zero
         * @return this
         * @throws IllegalArgumentException if it is not
         */
        public Builder maxAge(Duration age) {
            maxAge = positive("max-age", age);
            return this;
        }

        /**
         * With how much resident memory a worker is replaced, as with {@link #maxTasks}, whether it is busy or idle: its task
         * comes to its end, other than with {@link #rss}, which counts the same. Each worker is looked at four times a second.
         * On Linux alone; by default there is no limit. In a plan: {@code max-memory=500m}.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder maxMemory(String size) {
            maxMemory = Sizes.parse("max-memory", size);
            return this;
        }

        private static Duration positive(String what, Duration time) {
            if (!time.isPositive()) {
                throw new IllegalArgumentException(what + " must be > 0, was " + time);
            }
            return time;
        }

        /**
         * The most heap memory a worker may use. One that needs more ends, and its task fails with a {@link
         * WorkerCrashedException} that says so. In a plan: {@code heap=256m}.
         *
         * <p>The default is a share of the memory that the machine, or the container, has: half of it divided by the number of
         * workers and spares, and no more than the quarter that a JVM takes by itself; some 126 MB at least, as the JVM has it. So all
         * workers together leave half to this JVM and everything else. What limits this JVM's own heap is not taken over: {@code
         * -Xmx} or a percentage would hold for each worker anew. {@link #jvmOptions} may say {@code -Xmx} too.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder heap(String size) {
            Sizes.parse("heap", size);
            heap = size;
            return this;
        }

        /**
         * The most memory that a worker's direct buffers may take together; the default is what the heap may. A task that
         * asks for more fails with the JVM's {@link OutOfMemoryError}, and its worker goes on, unless that cannot send its
         * answer without. In a plan: {@code direct=64m}.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder direct(String size) {
            Sizes.parse("direct", size);
            direct = size;
            return this;
        }

        /**
         * The most memory that a worker's classes may take; by default there is no limit. A worker that needs more ends, and
         * its task fails with a {@link WorkerCrashedException} that says so. In a plan: {@code metaspace=64m}.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder metaspace(String size) {
            Sizes.parse("metaspace", size);
            metaspace = size;
            return this;
        }

        /**
         * The most resident memory that a worker may use, whatever for: heap, buffers, threads, native libraries, and shared
         * memory that it has touched; not the pages of files it has mapped. A worker that has more while it runs a task, or
         * its initializer, is killed, and the task fails with a {@link WorkerCrashedException} that says so. On Linux alone;
         * by default there is no limit. In a plan: {@code rss=1g}.
         *
         * <p>Each worker that runs something is looked at every 50 ms, and every 10 ms once one has used half of what it may;
         * so a task that is quick can have more for that long. The limit is the worker's, not the task's: what earlier tasks
         * left behind counts. A worker that has done nothing takes some 30 to 50 MB.
         *
         * @param size a number of bytes, or with {@code k}, {@code m}, {@code g}
         * @return this
         * @throws IllegalArgumentException if it is not such a number
         */
        public Builder rss(String size) {
            rss = Sizes.parse("rss", size);
            return this;
        }

        /**
         * Environment variables of the workers, added to this JVM's own; what has the same name is replaced. In a plan: {@code
         * env.NAME=value}, for each.
         *
         * @param variables names and values
         * @return this
         * @throws IllegalArgumentException if a name is empty or has a {@code =}
         */
        public Builder environment(Map<String, String> variables) {
            for (var variable : variables.entrySet()) {
                String name = variable.getKey();
                String value = Objects.requireNonNull(variable.getValue(), name);
                if (name.isEmpty() || name.contains("=") || (name + value).indexOf('\0') >= 0) {
                    throw new IllegalArgumentException(
                            "environment variable must have a name without = and no NUL, was \"" + name + "\"");
                }
            }
            environment = new HashMap<>(environment);
            environment.putAll(variables);
            return this;
        }

        /**
         * The workers' working directory; the default is this JVM's. Relative paths that tasks use start there. In a plan:
         * {@code dir=/srv/data}.
         *
         * @param folder a folder that exists
         * @return this
         * @throws IllegalArgumentException if it does not
         */
        public Builder directory(Path folder) {
            if (!Files.isDirectory(folder)) {
                throw new IllegalArgumentException("directory must be a folder that exists, was " + folder);
            }
            directory = folder.toAbsolutePath().toFile();
            return this;
        }

        /**
         * What each worker does before its first task: load a model, open a connection. It travels as a task does, once to
         * each worker that starts, and has no time limit; tasks wait until it has returned.
         *
         * <p>A worker whose initializer throws, or that ends in it - it exits, crashes or is killed - is replaced. When it never
         * succeeds - three times in a row, in each worker at least once, and no worker is up - all tasks that wait or come later fail with a {@link
         * WorkerStartException}; its cause is what the initializer threw in the worker, or a {@link WorkerCrashedException}.
         *
         * @param action what to do
         * @return this
         */
        public Builder initializer(Action action) {
            initializer = Objects.requireNonNull(action, "action");
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
         * <p>Without it these come home: plain values of the JDK, Kotlin and Scala; what lies in a folder of classes, as a program's own do
         * while it is developed; what lies in the jar of a task, or of an object that was sent with one; and exceptions of any jar that do
         * nothing when they are read. All else is refused, and the message says what to allow.
         *
         * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
         * @return this
         */
        public Builder allow(String... patterns) {
            AllowList.ensurePatterns(patterns);
            allowed = new ArrayList<>(allowed);
            allowed.addAll(Arrays.asList(patterns));
            return this;
        }

        /**
         * Options for the workers' JVMs, after those that Sennit sets, and so instead of them: workers have the serial collector, which
         * starts quickest and needs least, unless {@code -XX:+UseG1GC} or its like names another. In a plan: {@code
         * jvm=-XX:+UseZGC,-Xss4m}; a comma is part of an option unless a hyphen follows, as in {@code
         * jvm=-Xlog:gc,safepoint,-Xss4m}.
         *
         * @param options one option each
         * @return this
         */
        public Builder jvmOptions(String... options) {
            jvmOptions = List.of(options);
            return this;
        }

        /** Options hold commas themselves; but none begins with another letter. */
        private static String[] optionsIn(String value) {
            if (!value.startsWith("-")) {
                throw new IllegalArgumentException("jvm must be options such as -Xss4m, was \"" + value + "\"");
            }
            return value.split(",(?=-)");
        }

        private static boolean inherits(String option, String word) {
            return switch (word) {
                case "inherit" -> true;
                case "none" -> false;
                default -> throw new IllegalArgumentException(option + " must be inherit or none, was \"" + word + "\"");
            };
        }

        /**
         * Whether workers get the agents that this JVM was started with: {@code -javaagent}, {@code -agentpath} and {@code -agentlib},
         * also from {@code JAVA_TOOL_OPTIONS}; by default they do not. For coverage, tracing and profilers. In a plan: {@code
         * agents=inherit}.
         *
         * <p>A debugger is not taken over, as its port is taken: see {@link #debug(boolean)}. Neither is an agent that was attached to
         * this JVM later. An agent that writes a file, or opens a port, has to be able to do so several times.
         *
         * {@snippet :
         * import dev.sennit.process.ProcessPool;
         *
         * ProcessPool pool = ProcessPool.builder().inheritAgents(true).open();
         * }
         *
         * @param wanted true for the same agents
         * @return this
         */
        public Builder inheritAgents(boolean wanted) {
            agents = wanted;
            return this;
        }

        /**
         * Whether workers get all system properties that this JVM has when the pool opens, with those that were set by {@link
         * System#setProperty}; by default they get those of its command line alone. What each JVM sets for itself, such as {@code
         * java.home} and {@code user.dir}, stays its own. In a plan: {@code properties=inherit}.
         *
         * <p>The default time zone and locale need no such wish: where they were set at run time ({@link
         * java.util.TimeZone#setDefault}, {@link java.util.Locale#setDefault(java.util.Locale)}), workers have them as they are when the
         * pool opens, unless {@link #environment} has {@code TZ}, {@code LANG} or {@code LC_...}.
         *
         * {@snippet :
         * import dev.sennit.process.ProcessPool;
         *
         * System.setProperty("app.stage", "test");
         * ProcessPool pool = ProcessPool.builder().inheritProperties(true).open();
         * }
         *
         * @param wanted true for all properties
         * @return this
         */
        public Builder inheritProperties(boolean wanted) {
            properties = wanted;
            return this;
        }

        /**
         * Whether a debugger can be attached to each worker; by default it cannot. Each worker listens at a free port of this machine
         * alone, and says at which, so that with {@link WorkerOutput#LINES} its name stands before: {@code [pool-worker-1] Listening for
         * transport dt_socket at address: 40123}. In a plan: {@code debug=on}.
         *
         * <p>Whoever can reach that port may run any code in the worker. A task that stands at a breakpoint is over its time limit like
         * any other.
         *
         * {@snippet :
         * import dev.sennit.process.ProcessPool;
         *
         * ProcessPool pool = ProcessPool.builder().workers(1).debug(true).open();
         * }
         *
         * @param wanted true for a port
         * @return this
         */
        public Builder debug(boolean wanted) {
            debug = wanted;
            return this;
        }

        private void debug(String word) {
            switch (word) {
                case "on" -> debug(true);
                case "off" -> debug(false);
                default -> throw new IllegalArgumentException("debug must be on or off, was \"" + word + "\"");
            }
        }

        /**
         * The workers' class path; the default is this JVM's own class path and modules. It has to hold this library. Classes of
         * tasks that are not on it are borrowed from this JVM, with their resources.
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
                WorkerTransport.ensureSharedMemory();
            }
            transport = Objects.requireNonNull(way, "way");
            return this;
        }

        /**
         * Whether workers start with an archive of the JDK's classes (AppCDS); by default they do, which saves a quarter of
         * their start. In a plan: {@code archive=off}.
         *
         * <p>A pool that is open for some seconds makes one in the background, for itself and later programs with the same
         * JDK and options: some 13 MB in {@code $XDG_CACHE_HOME/sennit} or {@code ~/.cache/sennit}, or the folder that the
         * system property {@code sennit.cache} names; none if that is empty. Where it cannot be made there is none. One that is
         * not used for a month is deleted.
         *
         * @param wanted false for none
         * @return this
         */
        public Builder archive(boolean wanted) {
            archive = wanted;
            return this;
        }

        private void archive(String word) {
            switch (word) {
                case "on" -> archive(true);
                case "off" -> archive(false);
                default -> throw new IllegalArgumentException("archive must be on or off, was \"" + word + "\"");
            }
        }

        @Override
        protected Map<String, Consumer<String>> planOptions() {
            Map<String, Consumer<String>> options = super.planOptions();
            options.put("heap", this::heap);
            options.put("direct", this::direct);
            options.put("metaspace", this::metaspace);
            options.put("rss", this::rss);
            options.put("min", value -> minWorkers(number("min", value)));
            options.put("idle", value -> idle(Durations.parse("idle", value)));
            options.put("spares", value -> spares(number("spares", value)));
            options.put("max-tasks", value -> maxTasks(number("max-tasks", value)));
            options.put("strict-max-tasks", value -> strictMaxTasks(number("strict-max-tasks", value)));
            options.put("max-age", value -> maxAge(Durations.parse("max-age", value)));
            options.put("max-memory", this::maxMemory);
            options.put("dir", value -> directory(Path.of(value)));
            options.put(VARIABLE + "NAME", value -> planOption(VARIABLE + "NAME", value)); // so that messages list it
            options.put("archive", this::archive);
            options.put("grace", value -> grace(Durations.parse("grace", value)));
            options.put("output", value -> output(WorkerOutput.parse(value)));
            options.put("allow", value -> allow(value.split(",")));
            options.put("transport", value -> transport(WorkerTransport.parse(value)));
            options.put("jvm", value -> jvmOptions(optionsIn(value)));
            options.put("agents", value -> inheritAgents(inherits("agents", value)));
            options.put("properties", value -> inheritProperties(inherits("properties", value)));
            options.put("debug", this::debug);
            return options;
        }

        @Override
        protected boolean planOption(String option, String value) {
            if (!option.startsWith(VARIABLE)) {
                return super.planOption(option, value);
            }
            environment(Map.of(option.substring(VARIABLE.length()), value));
            return true;
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
         * @throws IllegalArgumentException if more workers are to stay than there may be, or the ports of debuggers would be told to nobody
         * @throws dev.sennit.TaskSerializationException if the initializer cannot travel
         * @throws WorkerStartException if there are not threads enough to serve the workers; none is left. Or if no worker could start here, as
         *     this runtime image has no launcher, or its temporary folder is not writable
         * @throws UnsupportedOperationException if resident memory is limited, and this system does not tell how much it is
         */
        @Override
        public ProcessPool open() {
            if (min != ALL && min > workers) {
                throw new IllegalArgumentException("min must be <= workers, was " + min + " with " + workers + " workers");
            }
            if ((rss != NO_LIMIT || maxMemory != NO_LIMIT) && !LinuxProcess.tellsMemory()) {
                throw new UnsupportedOperationException((rss != NO_LIMIT ? "rss" : "max-memory")
                        + " needs Linux, whose /proc tells how much memory a process uses; here, limit heap, direct and"
                        + " metaspace instead");
            }
            if (debug && output == WorkerOutput.DISCARD) {
                throw new IllegalArgumentException("debug needs output=lines or inherit, was discard: workers say there at which port they listen");
            }
            WorkerCommand.ensureLauncher();
            String obstacle = MeetingFolder.obstacle();
            if (obstacle != null) {
                throw new WorkerStartException(obstacle, null);
            }
            var pool = new ProcessPool(this);
            transport.tellIfSlower();
            try {
                WorkerPools.opened(pool);
                if (rss != NO_LIMIT || maxMemory != NO_LIMIT || maxAge != null || least() < workers) {
                    Backend.start(new WorkerWatch(pool.name(), pool.settings, pool.closing, pool::looks));
                }
                pool.openSlots();
            } catch (Throwable e) {
                pool.shutdownNow();
                throw new WorkerStartException(
                        "pool " + pool.name() + " with " + workers + " workers could not be opened: " + e.getMessage(), e);
            }
            return pool;
        }

        boolean inheritsAgents() {
            return agents;
        }

        boolean inheritsProperties() {
            return properties;
        }

        boolean isToBeDebugged() {
            return debug;
        }

        /** How many share the memory. */
        long processes() {
            return (long) workers + spares;
        }

        /** How many workers stay. */
        int least() {
            return Math.min(min, workers);
        }

        long idleNanos() {
            return Timers.nanos(idle);
        }

        long rss() {
            return rss;
        }

        long maxMemory() {
            return maxMemory;
        }

        long maxAgeNanos() {
            return maxAge == null ? NO_LIMIT : Timers.nanos(maxAge);
        }

        long strictMaxTasks() {
            return strictMaxTasks;
        }

        /** Of the worker with that number. */
        Lifespan lifespan(long worker) {
            return Lifespan.of(maxTasks, maxAgeNanos(), worker);
        }

        Map<String, String> environment() {
            return environment;
        }

        @Nullable File directory() {
            return directory;
        }

        MemoryLimits limits() {
            return new MemoryLimits(heap, direct, metaspace);
        }

        WorkerOutput output() {
            return output;
        }

        /** Whether a worker that waits may use its processor for that. */
        boolean leavesProcessors() {
            return workers < Runtime.getRuntime().availableProcessors();
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

        AllowList newAllowList() {
            return AllowList.forWorkers(allowed);
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
