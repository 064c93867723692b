package dev.sennit.process;

import dev.sennit.TaskSerializationException;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.LearnedSpin;
import dev.sennit.internal.PartialFailure;
import dev.sennit.internal.Sizes;
import dev.sennit.internal.Throwables;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.LinuxProcess;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.process.WorkerJvm.Standing;
import java.io.EOFException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One place for a worker in a {@link ProcessPool}: starts a worker process, hands it tasks, takes its answers, and
 * starts another process when that one dies.
 *
 * <h2>The life of a slot</h2>
 * <pre>
 * STARTING -> IDLE &lt;-> BUSY          IDLE: the worker is in the pool's idle list; BUSY: it has a task in flight
 *     ^         |       |
 *     +---------+-------+              the worker died: what it had is settled or handed back, and another starts
 *   GONE                               the pool closed or has slots enough, or no worker could be started
 * </pre>
 *
 * <p>No field holds this state; {@link #jvm}, {@link WorkerJvm#current} and the pool's idle list imply it. A slot
 * becomes GONE only from STARTING, when {@link ProcessPool#awaitTurnToStart} refuses another start. The role of the
 * worker in the pool is its {@link Standing}. A spare is up, but not in the idle list until the pool calls it up. A
 * RETIRED worker finishes the task in flight and gets no more; when it has none left, it is DRAINED and asked to exit.
 *
 * <h2>Threads</h2>
 *
 * <p>One thread at a time, the serving thread, starts the worker, waits for its answers, completes futures (and so runs
 * callbacks) and takes the next task from the pool.
 *
 * <p>A worker without a task in flight belongs to the thread that started it or took its last answer, until that thread
 * puts it into the idle list or among the spares. There it belongs to no thread, and then to the thread that takes it
 * out. Only the owner may send it a task. A worker with a task in flight has no owner; the serving thread may send it
 * tasks ahead.
 *
 * <p>The serving thread takes the answer to the task in flight, or, in {@link #pollFor}, a thread that waits for this
 * task, which saves waking the serving thread. The lock {@code turn} excludes the two from each other.
 *
 * <p>A callback that waits for a task of its own pool would keep the serving thread from taking the answer. So a
 * serving thread that is about to wait {@linkplain #relieve is relieved}: it starts another thread that serves the
 * slot, and ends when its callback returns.
 *
 * <h2>Messages</h2>
 *
 * <p>What the task in flight sends to its submitter is taken and told by the serving thread alone, so that it comes in
 * order; {@link #pollFor} leaves a task alone that has a listener. The worker goes on meanwhile, until its line is
 * full.
 *
 * <h2>Tasks sent ahead</h2>
 *
 * <p>While a task is in flight and others wait in the backlog, the serving thread sends some of them ahead, so that the
 * worker has its next task when it ends one; the shorter the tasks, the more. A task sent ahead still waits: until the
 * worker claims it on the {@link StatusPage}, a cancellation or a free worker may take it back. The thread that takes
 * the answer to the task in flight makes the first task ahead the task in flight, before callbacks run.
 *
 * <h2>Death of a worker</h2>
 *
 * <p>A worker can die after a thread has taken it for a task and before that thread has sent the task. The sender
 * stores the task in {@code current}, checks whether the worker is {@link Standing#BURIED}, and then sends the task.
 * The serving thread of a dead worker has the pool {@linkplain ProcessPool#workerDown set} that standing, and then
 * empties {@code current}. At least one of the two threads sees what the other wrote, and {@code current} is emptied
 * atomically. A sender that empties it has not sent the task, and hands the task back to the pool. Any other task is
 * left to the serving thread, which settles a task that had begun and hands back one that had not. A late sender may
 * find another worker in the slot; it still refers to the dead worker, and finds that one buried.
 *
 * <h2>Locks</h2>
 *
 * <p>No thread holds {@code turn} and the pool's lock together. A thread that holds either may take the worker's
 * {@code aheadLock}. No thread waits for a worker to read, and no callbacks run, under these locks.
 */
final class WorkerSlot {
    private static final String DEAF = "did not take a task, and was killed";
    /** A task that this many workers died with before they had begun it fails: it may be too large for them to read. */
    private static final int DEATHS_BEFORE_ONE_TASK = 5;
    /** How often a thread that waits because no timer could be had checks whether the task has ended. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final ProcessPool pool;
    private final String name;
    /** The worker that is up or starting, or null. Written by the serving thread. */
    private volatile @Nullable WorkerJvm jvm;
    /**
     * The serving thread. Written before the slot starts, and then by the serving thread when it is
     * {@link #relieve relieved}.
     */
    private volatile @Nullable Thread server;

    /**
     * Held by the thread that takes an answer, or takes the task in flight from a dead worker; released before the
     * answer is decoded and callbacks run. The serving thread does not hold it while it awaits the next answer, so that
     * a thread in {@link #pollFor} can take that answer instead.
     */
    private final ReentrantLock turn = new ReentrantLock();
    /** Guarded by turn. */
    private final LearnedSpin spin = new LearnedSpin();

    WorkerSlot(ProcessPool pool, String name) {
        this.pool = pool;
        this.name = name;
    }

    /** A thread that serves a slot. It ignores interrupts, as an interrupt would close its worker's socket. */
    static final class ServingThread extends Thread {
        private final WorkerSlot slot;
        /** Only this thread. The settlement that it has put off, or null. */
        private @Nullable Runnable owed;

        ServingThread(WorkerSlot slot, Runnable body) {
            super(null, body, slot.name, 0, false);
            this.slot = slot;
            setDaemon(true);
        }

        WorkerSlot slot() {
            return slot;
        }

        static ServingThread current() {
            return (ServingThread) Thread.currentThread();
        }

        /**
         * Puts off a settlement until {@link #settleOwed}, so that the worker gets its next task first, or the pool
         * another worker. Until then this thread may run callbacks, of tasks that are cancelled because the pool stops.
         * Such a callback may wait for the very task that is to be settled: {@link #relieve} therefore settles first.
         */
        void owe(Runnable settlement) {
            owed = settlement;
        }

        void settleOwed() {
            Runnable settlement = owed;
            owed = null;
            if (settlement != null) {
                settlement.run();
            }
        }

        @Override
        public void interrupt() {}
    }

    ProcessPool pool() {
        return pool;
    }

    /** Returns the task in flight and those sent ahead. */
    List<RemoteSubmission<?>> held() {
        WorkerJvm up = jvm;
        return up == null ? List.of() : up.held();
    }

    /** Takes back a task sent ahead to the worker; null when there is none, or the worker has claimed all of them. */
    @Nullable RemoteSubmission<?> takeBackAhead() {
        WorkerJvm up = jvm;
        return up == null ? null : up.takeBackAhead();
    }

    void open() {
        serveWith(this::live);
    }

    private void serveWith(Runnable body) {
        var thread = new ServingThread(this, body);
        Thread before = server;
        server = thread;
        try {
            Backend.start(thread);
        } catch (Throwable e) { // no thread available: the thread before goes on serving
            server = before;
            throw e;
        }
    }

    private boolean isRelieved() {
        return server != Thread.currentThread();
    }

    /** Has a new thread serve the slot. Called in a callback that is about to wait for a task of this pool. */
    void relieve() {
        if (isRelieved()) {
            return;
        }
        ServingThread.current().settleOwed();
        if (isRelieved()) { // by a callback of the task just settled
            return;
        }
        serveWith(() -> {
            WorkerJvm up = jvm;
            if (up != null && !serve(up)) {
                return;
            }
            live();
        });
    }

    /**
     * Starts and serves workers, one after another, until the pool needs the slot no more or this thread is relieved.
     */
    private void live() {
        while (pool.awaitTurnToStart(this)) {
            WorkerJvm started;
            try {
                started = startWorker();
            } finally {
                pool.startEnded();
            }
            if (started == null) {
                pool.waitBeforeNextStart();
                continue;
            }
            pool.tellStarted(started);
            switch (placeOf(started)) {
                case SERVING -> takeNextAndMoreAhead(started);
                case DRAINED -> started.quit();
                default -> {} // a spare: the thread that calls it up gives it its first task
            }
            if (!serve(started)) {
                return;
            }
        }
        pool.failWhatWaits(); // runs callbacks, in which this thread may be relieved
        if (!isRelieved()) {
            pool.slotGone();
        }
    }

    private Standing placeOf(WorkerJvm ready) {
        try {
            return pool.workerUp(ready);
        } catch (Throwable e) { // out of memory, before another thread could know the worker
            return ready.standing();
        }
    }

    private @Nullable WorkerJvm startWorker() {
        WorkerJvm starting = null;
        try {
            starting = pool.newWorker(name, this);
            jvm = starting;
            if (pool.isClosing()) { // close() may have missed a worker that did not exist yet
                starting.kill();
            }
            if (starting.awaitReady() && isInitialized(starting)) {
                return starting;
            }
            jvm = null;
            boolean inInitializer = isInUsersInitializer(starting);
            WorkerJvm.End end = starting.bury();
            if (!starting.endWasIntended()) {
                noteFailedStart(starting, end, inInitializer);
            }
        } catch (Throwable e) { // too many open files, no thread or memory available
            jvm = null;
            if (starting != null) {
                starting.kill();
                starting.bury();
            }
            pool.startFailed(
                    this, "worker " + name + " could not be started: " + Throwables.text(e), TaskCodec.printable(e),
                    false);
        }
        return null;
    }

    private boolean isInitialized(WorkerJvm starting) {
        Initializer initializer = pool.initializer();
        return initializer == null || starting.initialize(initializer, pool.allowed());
    }

    /** Returns whether a worker ended in the user's initializer, which may or may not be the cause. */
    private boolean isInUsersInitializer(WorkerJvm ended) {
        Initializer initializer = pool.initializer();
        return initializer != null && !initializer.isOurs() && ended.isInInitializer();
    }

    private void noteFailedStart(WorkerJvm ended, WorkerJvm.End end, boolean inInitializer) {
        boolean somebodyElse = !inInitializer
                && ended.whyDestroyed() == null
                && WorkerCrashedException.wasKilledByAnother(end.exitCode());
        Initializer initializer = pool.initializer();
        Throwable thrown = ended.initializerFailure();
        if (thrown != null) {
            String failed = initializer != null && initializer.isOurs() ? "first task" : "initializer";
            String what =
                    failed + " failed in worker " + name + " (pid " + ended.pid() + "): " + Throwables.text(thrown);
            pool.startFailed(this, what + CauseOfDeath.said(end), thrown, false);
        } else {
            String during = "in its initializer";
            if (!inInitializer) {
                during = "before it was ready";
                if (ended.whyDestroyed() == null && !somebodyElse) {
                    pool.jvmDidNotStart(ended);
                }
            }
            var died = CauseOfDeath.of(ended, end, name, during, pool.settings());
            pool.startFailed(this, String.valueOf(died.getMessage()), inInitializer ? died : null, somebodyElse);
        }
    }

    /**
     * Takes answers until the worker is dead, and buries it.
     *
     * @return false when the calling thread was relieved and has to end
     */
    private boolean serve(WorkerJvm up) {
        while (!isRelieved()) {
            Taken taken = null;
            up.listen(true);
            turn.lock();
            try {
                taken = take(up, up.link()::poll);
            } finally {
                turn.unlock();
            }
            if (taken == null) {
                if (!await(up)) {
                    bury(up);
                    return !isRelieved();
                }
                continue;
            }
            up.listen(false);
            if (!(taken instanceof Answer answer)) {
                tell((Message) taken, up);
                continue;
            }
            ServingThread.current().owe(() -> settle(answer.to, answer, up));
            try {
                up.ranFor(answer.reply.runNanos());
                if (up.isSpent()) {
                    pool.replaceSpent();
                }
                if (answer.next == null) {
                    takeNextAndMoreAhead(up);
                } else {
                    answer.next.startSent();
                    if (!isRelieved()) {
                        sendAhead(up);
                    }
                }
            } finally {
                ServingThread.current().settleOwed();
            }
        }
        return false;
    }

    private sealed interface Taken {}

    /** What the task in flight sends to its submitter. */
    private record Message(RemoteSubmission<?> from, WorkerLink.Reply reply) implements Taken {}

    /**
     * An answer that was taken.
     *
     * @param to the task that it answers
     * @param reply what the worker sent
     * @param progress the last progress of the task that was not reported yet, or null
     * @param next the task sent ahead that is now in flight, or null
     */
    private record Answer(
            RemoteSubmission<?> to, WorkerLink.Reply reply, @Nullable Report progress,
            @Nullable RemoteSubmission<?> next)
            implements Taken {}

    private interface Poll {
        WorkerLink.@Nullable Reply next() throws IOException;
    }

    /**
     * Takes the next answer, and makes the first task ahead the task in flight; or takes a message. Returns null if
     * there is neither. The caller holds {@link #turn}.
     */
    private static @Nullable Taken take(WorkerJvm up, Poll poll) {
        WorkerLink.Reply reply;
        if (up.hasLineEnded()) {
            return null;
        }
        try {
            reply = poll.next();
        } catch (EOFException e) { // the worker died; its exit code tells why
            up.endLine();
            return null;
        } catch (IOException e) {
            up.distrust("sent what makes no sense, and was killed: " + e.getMessage());
            return null;
        } catch (Throwable e) { // out of memory, for example
            up.distrust("was killed, as its answer could not be taken: " + e);
            return null;
        }
        if (reply == null) {
            return null;
        }
        RemoteSubmission<?> answered = up.current.get();
        if (reply.kind() == WorkerLink.Kind.PROGRESS) {
            takeProgress(up, answered, reply);
            return null; // a worker may send progress without end, so the caller polls again
        }
        boolean isOfTaskInFlight = answered != null
                && answered.task() == reply.task()
                && reply.task() <= up.link().lastSent(); // read in part: its sender may hold the send lock for ever
        if (answered != null && isOfTaskInFlight && reply.kind() == WorkerLink.Kind.MESSAGE) {
            return takeMessage(up, answered, reply);
        }
        if (answered == null || !isOfTaskInFlight || !isAnswer(reply.kind(), answered)) {
            up.distrust("answered what nobody had asked, and was killed");
            return null;
        }
        up.countTask();
        Report lastProgress = up.progress.end();
        return new Answer(answered, reply.within(up.nanosSinceStart()), lastProgress, up.nextInFlight());
    }

    /**
     * Reports progress of the task in flight, or holds the report until the next one or the end of the task. Reports of
     * other tasks are dropped. If the begin of the task may not have been reported yet, its progress is held, too:
     * events of a task start with its begin. The caller holds {@link #turn}, so no answer overtakes the report.
     */
    private static void takeProgress(WorkerJvm up, @Nullable RemoteSubmission<?> inFlight, WorkerLink.Reply reply) {
        Report report;
        try {
            report = reply.progress();
        } catch (IOException e) {
            up.distrust("sent what makes no sense, and was killed: " + e.getMessage());
            return;
        }
        if (inFlight == null || inFlight.task() != reply.task()) {
            return;
        }
        if (!inFlight.isRunning()) {
            up.progress.hold(report);
        } else if (up.progress.pass(report) instanceof Report now) {
            inFlight.progress(now.done(), now.total(), now.message());
        }
    }

    private static @Nullable Message takeMessage(WorkerJvm up, RemoteSubmission<?> from, WorkerLink.Reply reply) {
        if (from.options().onMessage() == null) {
            up.distrust("sent a message that nobody hears, and was killed");
            return null;
        }
        if (reply.length() > WorkerLink.LONGEST_MESSAGE) {
            up.distrust("sent a message of " + reply.length() + " bytes, and was killed");
            return null;
        }
        return new Message(from, reply);
    }

    /** Tells the submitter what its task sends. Only the serving thread, without locks. */
    private static void tell(Message message, WorkerJvm up) {
        RemoteSubmission<?> from = message.from;
        WorkerLink.Reply reply = message.reply;
        from.startSent(); // if it was sent ahead, the thread that put it in flight may not have called this yet
        byte[] own = reply.payload();
        try {
            if (own.length != reply.length()) {
                own = Arrays.copyOf(own, reply.length());
                up.link().useAgain(reply.payload());
            }
        } catch (Throwable e) { // out of memory: none may be left out
            up.distrust("was killed, as its message could not be taken: " + e);
            return;
        }
        from.message(own);
    }

    /**
     * Returns whether a task may have this kind of answer. SKIPPED settles no future, so it is valid only if the task's
     * future is already settled.
     */
    private static boolean isAnswer(WorkerLink.Kind kind, RemoteSubmission<?> to) {
        return switch (kind) {
            case VALUE, FAILURE -> true;
            case SKIPPED -> !to.isRunning() && !to.isQueued();
            case READY, PROGRESS, MESSAGE -> false;
        };
    }

    private static boolean await(WorkerJvm up) {
        try {
            return !up.hasLineEnded() && up.link().await();
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Takes the answer to the task in flight, if the answer comes soon, and settles the task. Called by a thread that
     * is about to wait for that task; this saves waking the serving thread. Does nothing unless the serving thread
     * sleeps, no other task waits for a worker, and there are neither callbacks, which would run in the caller, nor a
     * listener for messages.
     */
    void pollFor(RemoteSubmission<?> awaited, WorkerJvm up) {
        if (up.current.get() != awaited
                || !up.hasNothingAhead()
                || awaited.future().getNumberOfDependents() > 0
                || awaited.options().onMessage() != null
                || !pool.hasNoBacklog()
                || !turn.tryLock()) {
            return;
        }
        Taken taken = null;
        try {
            if (up.current.get() != awaited || up.isBuried() || !up.link().pollInstead()) {
                return;
            }
            try {
                if (spin.until(up.link()::hasAnswer)) {
                    taken = take(up, up.link()::pollWhole);
                }
            } catch (IOException e) {
                up.distrust("sent what makes no sense, and was killed: " + e.getMessage());
            } finally {
                up.link().pollNoMore();
            }
        } finally {
            turn.unlock();
        }
        if (!(taken instanceof Answer answer)) { // no message: nobody hears the task
            return;
        }
        // In background threads: if the pool stops now, these actions cancel tasks, whose callbacks may wait for the
        // task that this thread is about to settle.
        RemoteSubmission<?> sent = answer.next;
        RemoteSubmission<?> next = sent == null ? nextFor(up) : null;
        if (sent != null) {
            elsewhere(sent::startSent);
        } else if (next != null) {
            elsewhere(() -> ProcessPool.handOver(next, up));
        }
        settle(answer.to, answer, up);
        if (up.isSpent()) {
            elsewhere(pool::replaceSpent);
        }
    }

    private static void elsewhere(Runnable action) {
        try {
            BackgroundExecutor.execute(action);
        } catch (Throwable e) { // no thread available
            action.run();
        }
    }

    private <T extends @Nullable Object> void settle(
            RemoteSubmission<T> submission, Answer answer, WorkerJvm up) {
        WorkerLink.Reply reply = answer.reply;
        pool.addCpuTime(Math.max(0, reply.cpuNanos()));
        submission.startSent(); // if it was sent ahead, the thread that put it in flight may not have called this yet
        if (answer.progress instanceof Report last) {
            submission.progress(last.done(), last.total(), last.message());
        }
        if (submission.isRunning()) {
            switch (reply.kind()) {
                case VALUE -> settleValue(submission, reply, up);
                case FAILURE -> submission.fail(
                        failureIn(reply, submission, up), reply.runNanos(), reply.knownCpuNanos());
                case SKIPPED, READY, PROGRESS, MESSAGE -> {} // not possible: see isAnswer
            }
        }
        submission.ended(reply.runNanos(), reply.knownCpuNanos());
    }

    @SuppressWarnings("unchecked") // the task's own value
    private <T extends @Nullable Object> void settleValue(
            RemoteSubmission<T> submission, WorkerLink.Reply reply, WorkerJvm up) {
        T value;
        try {
            value = (T) TaskCodec.decodeValue(reply.payload(), reply.length(), loaderOf(submission), pool.allowed());
            up.link().useAgain(reply.payload());
        } catch (Throwable e) { // out of memory, for example
            submission.fail(unreadable(e), reply.runNanos(), reply.knownCpuNanos());
            return;
        }
        submission.succeed(value, reply.runNanos(), reply.knownCpuNanos());
    }

    private Throwable failureIn(WorkerLink.Reply reply, RemoteSubmission<?> submission, WorkerJvm up) {
        try {
            Throwable failure =
                    TaskCodec.decodeFailure(reply.payload(), reply.length(), loaderOf(submission), pool.allowed());
            submission.addSubmitterStack(
                    failure instanceof PartialFailure partial ? partial.failure() : failure,
                    name + ", pid " + up.pid());
            return failure;
        } catch (Throwable e) { // out of memory, for example
            return unreadable(e);
        }
    }

    private static Throwable unreadable(Throwable why) {
        if (why instanceof TaskSerializationException) {
            return why;
        }
        return new TaskSerializationException("answer could not be read: " + Throwables.text(why),
                TaskCodec.printable(why));
    }

    private static ClassLoader loaderOf(RemoteSubmission<?> submission) {
        ClassLoader loader = submission.writtenClass().getClassLoader();
        return loader != null ? loader : ClassLoader.getSystemClassLoader();
    }

    // ---- handing over ----

    /** Runs a task on a worker that belongs to the caller; if the task was dropped, the next task that waits. */
    void run(RemoteSubmission<?> submission, WorkerJvm taken) {
        if (!begin(submission, taken)) {
            takeNext(taken);
        }
    }

    /** Gives a worker tasks until one is in flight; returns false if the pool has none for it: see {@link #nextFor}. */
    private boolean takeNext(WorkerJvm up) {
        for (var next = nextFor(up); next != null; next = nextFor(up)) {
            if (begin(next, up)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Returns the next task for a worker, or null. Without a task, a worker that may get more is now in the idle list,
     * and a retired worker is asked to exit; the caller owns neither any more.
     */
    private static @Nullable RemoteSubmission<?> nextFor(WorkerJvm up) {
        RemoteSubmission<?> next = up.slot().pool().nextFor(up);
        if (next == null && up.standing() == Standing.DRAINED) {
            up.quit();
        }
        return next;
    }

    private void takeNextAndMoreAhead(WorkerJvm up) {
        if (takeNext(up) && !isRelieved()) {
            sendAhead(up);
        }
    }

    /** Sends tasks of the backlog ahead to a worker that has one in flight; only the serving thread. */
    private void sendAhead(WorkerJvm up) {
        try {
            for (int wanted = up.wantsAhead(); wanted > 0; wanted--) {
                EncodedTask next = pool.nextAhead(up);
                if (next == null) {
                    return;
                }
                up.sendAhead(next);
            }
        } catch (IOException e) {
            up.destroy(DEAF); // bury() takes back the tasks sent ahead
        }
    }

    /** Starts a task and sends it; returns false when the task was settled before, and the worker is still free. */
    private boolean begin(RemoteSubmission<?> submission, WorkerJvm up) {
        if (!submission.start(up.label())) {
            return false;
        }
        EncodedTask message = submission.message(); // once the task is in current it may end, which drops the message
        long number = up.nextTask();
        up.noteWhetherDead(); // before it is sent: a large task may kill the worker while it is being sent
        submission.assign(up, number);
        up.current.set(submission);
        if (submission.isStopRequested()) {
            up.requestStop(submission);
        }
        if (pool.stopsEverything()) {
            submission.cancelNow();
        }
        if (!submission.isRunning() && up.current.compareAndSet(submission, null)) {
            submission.isWithdrawn();
            submission.ended(0);
            return false;
        }
        if (up.isBuried() && up.current.compareAndSet(submission, null)) {
            giveBack(submission);
            return true;
        }
        try {
            up.send(number, false, message);
        } catch (IOException e) {
            up.destroy(DEAF);
        }
        return true;
    }

    /** Hands a task that has certainly not begun back to the pool, or ends it if it was settled meanwhile. */
    private void giveBack(RemoteSubmission<?> submission) {
        submission.isWithdrawn();
        if (submission.handBack()) {
            pool.placeFirst(submission);
        } else {
            submission.ended(0);
        }
    }

    // ---- ends ----

    /**
     * Interrupts a task whose future is settled, and kills the worker if the task still runs after the grace period.
     */
    void stop(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (!worker.has(submission)) {
            return; // the task has ended, or was withdrawn before it was sent
        }
        Future<?> kill = null;
        try {
            kill = Timers.after(pool.grace(), () -> killIfBusy(submission, worker));
        } catch (OutOfMemoryError e) {
            // no timer available: this thread waits instead
        }
        try {
            worker.link().cancel(submission.task());
        } catch (IOException e) {
            // the worker is gone, and the task with it
        }
        if (kill == null) {
            long end = Backend.current().nanoTime() + Timers.nanos(pool.grace());
            for (long left = 1; left > 0 && worker.has(submission); left = end - Backend.current().nanoTime()) {
                LockSupport.parkNanos(this, Math.min(left, LOOK_NANOS));
            }
            killIfBusy(submission, worker);
        }
    }

    private void killIfBusy(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (worker.has(submission)) {
            worker.killFor(submission, null).forEach(pool::placeFirst);
        }
    }

    /** Marks a dead worker as buried, and settles the tasks that it had or hands them back. */
    private void bury(WorkerJvm dead) {
        jvm = null;
        boolean isLost = pool.workerDown(dead);
        ServingThread.current().owe(() -> settleWhatItHad(dead, isLost));
        try {
            dead.takeBackAllAhead().forEach(pool::placeFirst);
            pool.callUpSpares();
            pool.replaceSpent(); // a replacement may have waited because too many workers were leaving
        } finally {
            ServingThread.current().settleOwed();
        }
    }

    private void settleWhatItHad(WorkerJvm dead, boolean isLost) {
        RemoteSubmission<?> had;
        turn.lock(); // a thread in pollFor may be taking the answer; after it, pollFor finds the worker buried
        try {
            had = dead.current.getAndSet(null);
        } finally {
            turn.unlock();
        }
        if (had != null) {
            had.startSent(); // if it was sent ahead, the thread that put it in flight may not have called this yet
        }
        boolean hadBegun = had != null && dead.hadBegun(had.task());
        String during = had == null
                ? "between two tasks"
                : (hadBegun ? "while it ran task " : "before it had begun task ") + had.name();
        if (had != null && !hadBegun && mayRunElsewhere(had, dead)) {
            giveBack(had);
            had = null;
        }
        List<RemoteSubmission<?>> outOfTurn = dead.begunOutOfTurn();
        WorkerJvm.End end = dead.bury();
        String why = isLost ? causeOfDeath(dead, end, during) : null;
        pool.tellEnded(dead, why);
        if (had != null) {
            diedWith(had, hadBegun, dead, end);
        }
        outOfTurn.forEach(task -> diedWith(task, true, dead, end));
        logEnd(dead, end, why); // last: the log is the application's code, and may be slow
    }

    private String causeOfDeath(WorkerJvm dead, WorkerJvm.End end, String during) {
        try {
            return String.valueOf(CauseOfDeath.of(dead, end, name, during, pool.settings()).getMessage());
        } catch (Throwable e) { // no memory: what it had is to be settled even so
            return "a worker has ended";
        }
    }

    private void logEnd(WorkerJvm dead, WorkerJvm.End end, @Nullable String why) {
        if (why != null) {
            pool.log().lost(why);
        } else if (!pool.isShutdown()) { // the end of a closed pool's workers is not worth setting up logging
            pool.log().ended("worker " + name + " (pid " + dead.pid() + ") has ended, as it was to, "
                    + WorkerCrashedException.describeExit(end.exitCode()));
        }
    }

    /** Returns whether a task that a dead worker had not begun may run on another; counts deaths it may have caused. */
    private static boolean mayRunElsewhere(RemoteSubmission<?> had, WorkerJvm dead) {
        return dead.endWasIntended() || dead.wasDeadBefore() || had.countDeath() < DEATHS_BEFORE_ONE_TASK;
    }

    private void diedWith(RemoteSubmission<?> had, boolean hadBegun, WorkerJvm dead, WorkerJvm.End end) {
        long nanos = had.nanosSinceStart();
        if (had.isRunning()) {
            had.fail(crashed(had, hadBegun, dead, end), nanos);
        }
        had.ended(nanos);
    }

    private WorkerCrashedException crashed(
            RemoteSubmission<?> task, boolean hadBegun, WorkerJvm dead, WorkerJvm.End end) {
        String during = hadBegun
                ? "while it ran task " + task.name()
                : "before it had begun task " + task.name() + ", as had " + (DEATHS_BEFORE_ONE_TASK - 1) + " others";
        var crash = CauseOfDeath.of(dead, end, name, during, pool.settings());
        crash.setStackTrace(task.submitterStack().toArray(StackTraceElement[]::new));
        return crash;
    }

    /**
     * Kills the worker if it uses more memory than it may while it runs a task or its initializer.
     *
     * @param limit how many bytes of resident memory it may use
     * @return how many bytes it uses, or 0 when it runs nothing
     */
    long limitMemory(long limit) {
        WorkerJvm up = limit == WorkerPolicy.NO_LIMIT ? null : jvm;
        RemoteSubmission<?> running = up == null ? null : up.current.get();
        if (up == null || (running == null && !up.isInitializing())) {
            return 0;
        }
        long used = LinuxProcess.residentBytes(up.pid());
        if (used > limit && (running == null || !up.hasEnded(running))) {
            String what =
                    "used " + Sizes.text(used) + " of resident memory, more than the limit of " + Sizes.text(limit)
                            + ", and was killed";
            if (running == null) {
                up.destroy(what);
            } else {
                List<RemoteSubmission<?>> waited = up.killFor(running, what);
                if (!waited.isEmpty()) { // in another thread: if the pool stops, placing them runs callbacks
                    BackgroundExecutor.execute(() -> waited.forEach(pool::placeFirst));
                }
            }
        }
        return used;
    }

    /**
     * Marks the worker for replacement if it uses more memory than a worker that is to stay, busy or not.
     *
     * @param limit how many bytes of resident memory it may use
     */
    void watchMemory(long limit) {
        WorkerJvm up = jvm;
        if (limit != WorkerPolicy.NO_LIMIT
                && up != null
                && up.standing() == Standing.SERVING
                && LinuxProcess.residentBytes(up.pid()) > limit) {
            up.outgrew();
        }
    }

    /** Returns the worker that is up or starting, or null. */
    @Nullable WorkerJvm worker() {
        return jvm;
    }

    String name() {
        return name;
    }

    /** Ends the worker. Called when the pool closes and no task is left. */
    void close() {
        WorkerJvm up = jvm;
        if (up == null) {
            return;
        }
        if (up.isUp()) {
            up.quit();
        } else {
            up.kill();
        }
    }
}
