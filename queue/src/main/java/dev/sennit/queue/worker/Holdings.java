package dev.sennit.queue.worker;

import dev.sennit.Pool;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskSerializationException;
import dev.sennit.TimeSource;
import dev.sennit.WorkerStartException;
import dev.sennit.process.ProcessPool;
import dev.sennit.queue.StopReason;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.Token;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The tasks that a worker has, from the claim until the broker knows of their end: the hard class of the package.
 *
 * <p><b>Places.</b> A task occupies a place from when it is given to the pool until its run is over, which may be later
 * than its future: a run that is stopped has to heed the interrupt first, or its process has to be killed. Until then
 * its lease is renewed and the broker is told nothing, so that no other run of the task begins beside it. On a pool of
 * this JVM a run may heed nothing; after a grace period the broker is told, and the place stays occupied: the run is
 * {@link #stuck}.
 *
 * <p><b>Ahead.</b> While runs are short, a few more tasks are claimed than there are places; they wait here, not in the
 * pool, so that it is known that they have not begun. Whoever frees a place gives the next one to the pool.
 *
 * <p><b>One way out.</b> {@link #end} moves a task to ENDED and hands its end to {@link Ends}, once; {@link #told} lets
 * it go. A task whose lease was lost goes at once.
 *
 * <p><b>Locks.</b> {@code lock} guards the fields here. No pool, broker or future is called while it is held.
 */
final class Holdings implements Leases.Holder, Ends.Listener, HeldTask.Listener {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How many tasks wait here at most. */
    private static final int MOST_AHEAD = 256;
    /** No more is claimed ahead while the arguments of what was claimed ahead have more bytes than this. */
    private static final long MOST_BYTES_AHEAD = 4_000_000;
    /** Runs that take longer in all than this for each place are not claimed ahead. */
    private static final double AHEAD_NANOS = 10_000_000;
    /** What waits for longer here is given back, as another worker may have a place. */
    static final Duration LONGEST_AHEAD = Duration.ofMillis(200);
    /** For how long nothing is claimed ahead after a task that may run once only had no place. */
    private static final long NOT_AHEAD_NANOS = 60_000_000_000L;
    /** How long the kill of a worker process may take until its place counts as lost. */
    private static final Duration LONGEST_KILL = Duration.ofMinutes(1);
    /** Set while the thread gives tasks to the pool: a pool that runs them in it would go in circles. */
    private static final ThreadLocal<Boolean> STARTING = new ThreadLocal<>();

    /** What happened so far. */
    record Counts(long succeeded, long failed, long crashed, long givenBack, long cancelled, long refused) {}

    private final WorkerSettings settings;
    private final Pool pool;
    private final TimeSource time;
    private final Leases leases;
    private final Ends ends;
    private final FailureLog log;
    private final Alarm claims;
    private final Alarm emptied;
    /** Guarded by itself. */
    private final RandomGenerator random;

    private final Object lock = new Object();
    // all guarded by lock
    private final Map<Token, HeldTask> held = new LinkedHashMap<>();
    private final Deque<HeldTask> ahead = new ArrayDeque<>();
    private final Set<HeldTask> stuck = new LinkedHashSet<>();
    private final Set<Thread> lingering = new HashSet<>();
    private int places;
    private int occupied;
    private boolean isQuiet;
    /** Whether there was no room for want of ends that the broker knows: the next one makes some. */
    private boolean isCrowded;

    private double averageNanos = AHEAD_NANOS * 1000;
    /** Until when nothing is claimed ahead, as some tasks may not wait here. */
    private long notAheadUntil;
    /** How often in a row the pool has not taken a task, and until when it is spared. */
    private int troubles;

    private long troubledUntil;
    private Counts counts = new Counts(0, 0, 0, 0, 0, 0);

    /**
     * Makes holdings of no tasks.
     *
     * @param claims rings when there may be room
     * @param emptied rings when there are no tasks any more
     */
    Holdings(WorkerSettings settings, Leases leases, Outage outage, Alarm claims, Alarm emptied) {
        this.settings = settings;
        this.leases = leases;
        this.claims = claims;
        this.emptied = emptied;
        pool = settings.pool();
        time = settings.time();
        places = settings.places();
        notAheadUntil = time.nanoTime();
        random = new SplittableRandom(settings.seed());
        log = new FailureLog(settings.name(), time);
        ends = new Ends(settings.name(), settings.broker(), leases, outage, time, this);
        leases.of(this);
    }

    Ends ends() {
        return ends;
    }

    FailureLog log() {
        return log;
    }

    // ---- room ----

    /** Returns how many tasks to claim. */
    int room() {
        int untold = ends.untold();
        synchronized (lock) {
            isCrowded = untold > 2 * places + MOST_AHEAD;
            if (isQuiet || isTroubled() || isCrowded) {
                return 0;
            }
            int free = places - occupied - ahead.size();
            int more = notAheadUntil - time.nanoTime() > 0
                    ? 0
                    : (int) Math.min(MOST_AHEAD, places * (AHEAD_NANOS / averageNanos));
            if (more > 0 && ahead.stream().mapToLong(task -> task.claim.task().payload().length)
                    .sum() > MOST_BYTES_AHEAD) {
                more = 0;
            }
            if (free > 0) {
                return free + more;
            }
            return ahead.size() * 2 <= more ? more - ahead.size() : 0;
        }
    }

    /** Returns how long to wait for room at most, if nothing rings before. */
    Duration pause() {
        synchronized (lock) {
            if (isTroubled()) {
                return Duration.ofNanos(Math.max(1, troubledUntil - time.nanoTime()));
            }
            return ahead.isEmpty() ? settings.poll() : LONGEST_AHEAD;
        }
    }

    private boolean isTroubled() {
        return troubles > 0 && troubledUntil - time.nanoTime() > 0;
    }

    /** Notes that the pool has not taken a task: the next claim waits a little. */
    private void troubled(Throwable why) {
        boolean isFirst;
        synchronized (lock) {
            isFirst = troubles++ == 0;
            troubledUntil = time.nanoTime() + Outage.pauseAfter(troubles).toNanos();
        }
        if (isFirst) {
            LOG.log(Level.WARNING, settings.name() + " - pool " + pool.name() + " takes no task: " + why.getMessage()
                    + "; gives tasks back, and tries again");
            LOG.log(Level.DEBUG, "where", why);
        }
    }

    void resize(int newPlaces) {
        synchronized (lock) {
            places = newPlaces;
        }
        startNext();
        claims.ring();
    }

    int places() {
        synchronized (lock) {
            return places;
        }
    }

    // ---- claims ----

    /** Takes what was claimed. */
    void take(List<Claim> claimed, long leaseEnd) {
        List<HeldTask> refused = new ArrayList<>();
        synchronized (lock) {
            for (Claim given : claimed) {
                RunFactory factory = settings.types().get(given.task().type());
                Claim claim = factory == null ? given : factory.completed(given);
                HeldTask task = new HeldTask(claim, time, leaseEnd, this);
                held.put(task.token(), task);
                if (isQuiet) {
                    refused.add(task);
                } else if (claim.task().atMostOnce() && occupied + ahead.size() >= places) {
                    // if this worker were lost it could not begin elsewhere, though it has not begun here
                    refused.add(task);
                    notAheadUntil = time.nanoTime() + NOT_AHEAD_NANOS;
                } else {
                    ahead.add(task);
                }
            }
        }
        refused.forEach(this::giveBackUnbegun);
        startNext();
    }

    /** Claims no more, and gives back what has not begun. */
    void quiet() {
        List<HeldTask> unbegun;
        synchronized (lock) {
            isQuiet = true;
            unbegun = List.copyOf(ahead);
            ahead.clear();
        }
        unbegun.forEach(this::giveBackUnbegun);
    }

    void resume() {
        synchronized (lock) {
            isQuiet = false;
        }
        claims.ring();
    }

    /** Gives back what waits for too long, as runs are longer than it seemed. */
    void giveBackStale() {
        List<HeldTask> stale;
        synchronized (lock) {
            HeldTask first = ahead.peek();
            if (first == null || time.nanoTime() - first.claimedAt < LONGEST_AHEAD.toNanos()) {
                return;
            }
            stale = List.copyOf(ahead);
            ahead.clear();
            averageNanos = Math.max(averageNanos, LONGEST_AHEAD.toNanos() * (double) places);
        }
        stale.forEach(this::giveBackUnbegun);
    }

    private void giveBackUnbegun(HeldTask task) {
        if (task.move(HeldTask.State.AHEAD, HeldTask.State.ENDED)) {
            ends.add(new Ends.Ending.Other(task, new Failure(task.token(), note("given back before it began"),
                    new Failure.GiveBack())));
        }
    }

    private static ErrorInfo note(String why) {
        return new ErrorInfo("dev.sennit.queue.QueueWorker", why, "");
    }

    // ---- runs ----

    /** Gives tasks to the pool while there are places. */
    private void startNext() {
        if (STARTING.get() != null) {
            return; // further up in this thread it goes on
        }
        STARTING.set(true);
        try {
            HeldTask next = next();
            while (next != null) {
                start(next);
                next = next();
            }
        } finally {
            STARTING.remove();
        }
    }

    /** Returns the next task, for which a place is occupied. */
    private @Nullable HeldTask next() {
        synchronized (lock) {
            while (occupied < places) {
                HeldTask task = ahead.poll();
                if (task == null) {
                    return null;
                }
                if (task.begin()) {
                    occupied++;
                    return task;
                }
            }
            return null;
        }
    }

    private void start(HeldTask task) {
        TaskFuture<byte[][]> future;
        try {
            RunFactory factory = settings.types().get(task.claim.task().type());
            if (factory == null) {
                throw new IllegalStateException("the type of " + task.claim.task() + " is not known here");
            }
            Task<byte[][]> run = factory.task(task.claim, task);
            future = pool.submit(run, options(task));
        } catch (RunFailure | TaskSerializationException e) {
            end(task, verdict(task, e));
            free(task);
            return;
        } catch (Throwable e) { // the pool is closed or full, or there is no thread
            troubled(e);
            end(task, new Failure(task.token(), note("the pool did not take it: " + e), new Failure.GiveBack()));
            free(task);
            return;
        }
        StopReason reason = task.started(future);
        future.onDone(done -> over(task, done));
        if (reason != null) {
            future.requestStop();
            if (task.stop() != null || !task.isHeld()) {
                future.cancel(true);
            }
        }
    }

    private TaskOptions options(HeldTask task) {
        QueuedTask queued = task.claim.task();
        TaskOptions options = TaskOptions.named(queued.type()).onMessage(task::message);
        return queued.hardLimit() == null ? options : options.timeout(queued.hardLimit());
    }

    /** Called when a future is done, by any thread. */
    private void over(HeldTask task, TaskFuture<byte[][]> future) {
        try {
            switch (future.state()) {
                case SUCCESS -> {
                    byte[][] outcome = future.resultNow();
                    measured(task);
                    end(task, outcome);
                    free(task);
                }
                case CANCELLED -> linger(task, future, stopped(task));
                default -> failed(task, future, future.exceptionNow());
            }
        } catch (Throwable e) { // nothing may hang, whatever it is
            LOG.log(Level.ERROR, settings.name() + " - the end of " + task.claim.task() + " was not understood: " + e,
                    e);
            end(task, verdict(task, e));
            free(task);
        }
    }

    private void failed(HeldTask task, TaskFuture<byte[][]> future, Throwable failure) {
        if (failure instanceof TimeoutException) {
            linger(task, future, verdict(task, failure));
        } else if (failure instanceof WorkerStartException || failure instanceof RejectedExecutionException) {
            troubled(failure);
            end(task, new Failure(task.token(), note("the pool did not run it: " + failure), new Failure.GiveBack()));
            free(task);
        } else {
            measured(task);
            end(task, verdict(task, failure));
            free(task);
        }
    }

    private Failure verdict(HeldTask task, Throwable failure) {
        synchronized (random) {
            return Verdicts.of(task.claim, failure, random);
        }
    }

    /** Returns what follows from a future that was cancelled. */
    private Failure stopped(HeldTask task) {
        HeldTask.Stop stop = task.stop();
        if (stop == HeldTask.Stop.CANCELLED) {
            return new Failure(task.token(), note("stopped, as the task was cancelled"), new Failure.Cancelled());
        }
        if (stop == null && task.isHeld()) { // the pool was closed under this worker
            troubled(new RejectedExecutionException("somebody has cancelled its tasks"));
        }
        return Verdicts.interrupted(task.claim, "stopped with its worker " + settings.name());
    }

    private void measured(HeldTask task) {
        double nanos = time.nanoTime() - task.startedAt();
        synchronized (lock) {
            averageNanos += (nanos - averageNanos) / (nanos < averageNanos ? 4 : 2);
            troubles = 0;
        }
    }

    /** Lets the next task have the place of a run that is over. */
    private void free(HeldTask task) {
        if (!task.leavePlace()) {
            return;
        }
        synchronized (lock) {
            occupied--;
        }
        startNext();
        if (room() > 0) {
            claims.ring();
        }
    }

    /** Waits until the run of a future that was ended from outside is over, and tells its end then. */
    private void linger(HeldTask task, TaskFuture<byte[][]> future, Failure failure) {
        Thread waits = Thread.ofVirtual().name("sennit-queue-" + settings.name() + "-stopped").unstarted(
                () -> awaitOver(task, future, failure));
        synchronized (lock) {
            lingering.add(waits);
        }
        try {
            waits.start();
        } catch (Throwable e) {
            synchronized (lock) {
                lingering.remove(waits);
            }
            throw e;
        }
    }

    private void awaitOver(HeldTask task, TaskFuture<byte[][]> future, Failure failure) {
        Duration grace = pool instanceof ProcessPool ? LONGEST_KILL : settings.grace();
        try {
            boolean isOver = future.awaitEnd(grace.toNanos(), TimeUnit.NANOSECONDS);
            if (!isOver) {
                synchronized (lock) {
                    stuck.add(task);
                }
                LOG.log(Level.WARNING, settings.name() + " - " + task.claim.task() + " was stopped, but goes on: its"
                        + " place is lost until it ends"
                        + (pool instanceof ProcessPool ? "" : "; a pool of processes could end it"));
                end(task, failure);
                future.awaitEnd();
                synchronized (lock) {
                    stuck.remove(task);
                }
                LOG.log(Level.INFO, settings.name() + " - " + task.claim.task() + " has ended at last");
            }
        } catch (InterruptedException e) { // the worker is closed: the place does not matter any more
            end(task, failure);
            return;
        } finally {
            synchronized (lock) {
                lingering.remove(Thread.currentThread());
            }
        }
        end(task, failure);
        free(task);
    }

    /** Ends a run, unless it has ended before: the broker will be told. */
    private void end(HeldTask task, Failure failure) {
        if (task.move(HeldTask.State.RUNNING, HeldTask.State.ENDED)) {
            ends.add(new Ends.Ending.Other(task, failure));
            log.failed(task.claim, failure);
        }
    }

    private void end(HeldTask task, byte[][] outcome) {
        List<QueuedTask> successors = new ArrayList<>();
        for (int i = 1; i + 1 < outcome.length; i += 2) {
            successors.add(TaskJson.read(outcome[i], outcome[i + 1]));
        }
        Completion completion = new Completion(task.token(), outcome[0], new Batch(successors, List.of()));
        if (task.move(HeldTask.State.RUNNING, HeldTask.State.ENDED)) {
            ends.add(new Ends.Ending.Success(task, completion));
        }
    }

    @Override
    public void told(Ends.Ending ending, boolean isAccepted) {
        HeldTask task = ending.task();
        task.move(HeldTask.State.ENDED, HeldTask.State.GONE);
        boolean isEmpty;
        boolean wasCrowded;
        synchronized (lock) {
            held.remove(task.token(), task);
            isEmpty = held.isEmpty();
            wasCrowded = isCrowded;
            counts = count(ending, isAccepted);
            if (isEmpty) {
                lock.notifyAll();
            }
        }
        if (isEmpty) {
            emptied.ring();
        }
        if (wasCrowded && room() > 0) {
            claims.ring();
        }
        if (!isAccepted) {
            LOG.log(Level.DEBUG, settings.name() + " - the end of " + task.claim.task() + " came too late");
        }
    }

    private Counts count(Ends.Ending ending, boolean isAccepted) {
        Counts c = counts;
        if (!isAccepted) {
            return new Counts(c.succeeded, c.failed, c.crashed, c.givenBack, c.cancelled, c.refused + 1);
        }
        return switch (ending) {
            case Ends.Ending.Success _ ->
                new Counts(c.succeeded + 1, c.failed, c.crashed, c.givenBack, c.cancelled, c.refused);
            case Ends.Ending.Other other -> switch (other.failure().verdict()) {
                case Failure.RetryIn _, Failure.Die _ ->
                    new Counts(c.succeeded, c.failed + 1, c.crashed, c.givenBack, c.cancelled, c.refused);
                case Failure.Crashed _ ->
                    new Counts(c.succeeded, c.failed, c.crashed + 1, c.givenBack, c.cancelled, c.refused);
                case Failure.GiveBack _ ->
                    new Counts(c.succeeded, c.failed, c.crashed, c.givenBack + 1, c.cancelled, c.refused);
                case Failure.Cancelled _ ->
                    new Counts(c.succeeded, c.failed, c.crashed, c.givenBack, c.cancelled + 1, c.refused);
            };
        };
    }

    // ---- from outside ----

    @Override
    public Collection<HeldTask> held() {
        synchronized (lock) {
            return List.copyOf(held.values());
        }
    }

    @Override
    public void hasNews(boolean isUrgent) {
        leases.hasNews(isUrgent);
    }

    /** Stops a task that was cancelled. */
    void cancel(String id) {
        held().stream().filter(task -> task.token().id().equals(id)).forEach(this::cancel);
    }

    @Override
    public void cancel(HeldTask task) {
        if (task.move(HeldTask.State.AHEAD, HeldTask.State.ENDED)) {
            synchronized (lock) {
                ahead.remove(task);
            }
            ends.add(new Ends.Ending.Other(task, new Failure(task.token(), note("cancelled before it began"),
                    new Failure.Cancelled())));
        } else {
            stop(task, HeldTask.Stop.CANCELLED);
        }
    }

    private void stop(HeldTask task, HeldTask.Stop how) {
        if (task.halt(how)) {
            TaskFuture<byte[][]> future = task.future();
            if (future != null) { // else it is stopped as soon as it is known
                future.requestStop();
                future.cancel(true);
            }
        }
    }

    @Override
    public void lost(HeldTask task) {
        boolean wasRunning = task.move(HeldTask.State.RUNNING, HeldTask.State.GONE);
        if (!wasRunning && !task.move(HeldTask.State.AHEAD, HeldTask.State.GONE)) {
            return; // it has ended, and the broker will say what it thinks of that
        }
        boolean isEmpty;
        synchronized (lock) {
            held.remove(task.token(), task);
            ahead.remove(task);
            isEmpty = held.isEmpty();
            counts = new Counts(counts.succeeded, counts.failed, counts.crashed, counts.givenBack, counts.cancelled,
                    counts.refused + 1);
            lock.notifyAll();
        }
        if (isEmpty) {
            emptied.ring();
        }
        TaskFuture<byte[][]> future = task.future();
        if (future != null) {
            task.ask(StopReason.CANCELLED);
            future.requestStop();
            future.cancel(true);
        }
        LOG.log(Level.WARNING,
                settings.name() + " - " + task.claim.task() + " is somebody else's, as its lease was over"
                        + (wasRunning ? "; its run is stopped" : ""));
    }

    @Override
    public void stopOverdue(long now) {
        List<HeldTask> overdue = new ArrayList<>(held());
        overdue.removeIf(task -> !task.isOverdue(now));
        for (HeldTask task : overdue) {
            if (task.state() == HeldTask.State.AHEAD) {
                synchronized (lock) {
                    ahead.remove(task);
                }
                giveBackUnbegun(task);
            } else {
                stop(task, HeldTask.Stop.GIVEN_BACK);
            }
        }
    }

    // ---- the end ----

    /** Asks all runs to end by themselves. */
    void ask(StopReason reason) {
        for (HeldTask task : held()) {
            task.ask(reason);
            TaskFuture<byte[][]> future = task.future();
            if (future != null) {
                future.requestStop();
            }
        }
    }

    /** Stops all runs, and gives their tasks back. */
    void stopAll() {
        held().forEach(task -> stop(task, HeldTask.Stop.GIVEN_BACK));
    }

    boolean isEmpty() {
        synchronized (lock) {
            return held.isEmpty();
        }
    }

    /** Waits, by the clock of this machine, until the broker knows of all ends; returns whether it does. */
    boolean awaitEmpty(Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        synchronized (lock) {
            while (!held.isEmpty()) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(lock, Math.max(1_000_000, left));
            }
            return true;
        }
    }

    /** Lets go of the runs that do not end. */
    void abandon() {
        List<Thread> threads;
        synchronized (lock) {
            threads = List.copyOf(lingering);
        }
        threads.forEach(Thread::interrupt);
    }

    // ---- for those who look on ----

    Counts counts() {
        synchronized (lock) {
            return counts;
        }
    }

    /** Returns the runs that have not heeded their end. */
    Collection<HeldTask> stuck() {
        synchronized (lock) {
            return List.copyOf(stuck);
        }
    }

    int occupied() {
        synchronized (lock) {
            return occupied;
        }
    }

    int ahead() {
        synchronized (lock) {
            return ahead.size();
        }
    }
}
