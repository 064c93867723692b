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
import dev.sennit.process.WorkerJvm.Standing;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One place for a worker in a {@link ProcessPool}: keeps a worker process in it, hands it tasks and takes its answers.
 *
 * <h2>The life of a slot</h2>
 * <pre>
 * STARTING -> IDLE &lt;-> BUSY          a worker is up; the slot is in the pool's idle list, or has a task in flight
 *     ^         |       |
 *     +---------+-------+              the worker died: what it had is settled or handed back, and another starts
 *   GONE                               the pool closed or has slots enough, or no worker could be started
 * </pre>
 *
 * <p>A worker that is up may also be a spare, and then waits for a place; or retired, and then ends what it has, and itself.
 *
 * <h2>Who does what</h2>
 *
 * <p>One thread at a time serves the slot: it starts the worker, waits for its answers, ends futures (and so runs
 * callbacks), and takes the next task. Another thread may hand a task to an idle worker, after taking it from the
 * idle list: until the task is in {@code current} the worker is that thread's.
 *
 * <p>While a task is in flight and others wait, the serving thread sends some of them ahead, the more the shorter they are, so
 * that the worker need not wait for it between two tasks. They still count as waiting: until the worker claims one, a
 * cancellation or a slot that is idle takes it back, see {@link StatusPage}. One is in flight as soon as the task before it has been answered, which the
 * serving thread notes before it runs that one's callbacks.
 *
 * <p>A callback that waits for a task of its own pool would wait for the thread it runs on. So a serving thread that is
 * about to wait is {@linkplain #relieve relieved}: a new one serves the slot, and the old one goes when its callback
 * returns.
 *
 * <h2>Nothing falls between</h2>
 *
 * <p>A worker can die between a task's taking and its sending. The sender puts the task into the worker's {@code current},
 * sends it, and then looks whether the worker was buried meanwhile; the burying thread marks it as buried and then takes
 * what is in {@code current}. One of the two sees the other, and whoever takes the task out of {@code current} deals with
 * it. A sender that comes so late that the slot has another worker still holds the dead one, and finds it buried.
 */
final class WorkerSlot {
    private static final String DEAF = "did not take a task, and was killed";
    /** So many workers may die with the same task in hand, none having begun it: it may be too large for them to read. */
    private static final int DEATHS_BEFORE_ONE_TASK = 5;
    /** How often a thread that waits in the stead of a timer looks. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final ProcessPool pool;
    private final String name;
    /** Written by the serving thread; null while none is up. */
    private volatile @Nullable WorkerJvm jvm;
    /** Written before start, and by {@link #relieve} in the thread it names until then. */
    private volatile @Nullable Thread server;

    /** Held by who takes answers, for as long as no other code runs; not while asleep. */
    private final ReentrantLock turn = new ReentrantLock();
    /** Guarded by turn. */
    private final LearnedSpin spin = new LearnedSpin();

    WorkerSlot(ProcessPool pool, String name) {
        this.pool = pool;
        this.name = name;
    }

    /** A thread that serves a slot; nobody may interrupt it, as that would close its worker's socket. */
    static final class ServingThread extends Thread {
        private final WorkerSlot slot;
        /** Only this thread. What it took it upon itself to settle, and has not yet. */
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
         * Puts off a settlement until other things are done, {@link #settleOwed} at the latest. Callbacks may run among those
         * things - of tasks that the end of the pool cancels - and one that waits brings it forward: it may wait for that.
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

    /** The tasks that its worker has. */
    List<RemoteSubmission<?>> held() {
        WorkerJvm up = jvm;
        return up == null ? List.of() : up.held();
    }

    /** Takes back a task that was sent ahead to its worker; null when there is none, or all have begun. */
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
        } catch (Throwable e) { // no thread to be had: whoever served the slot goes on
            server = before;
            throw e;
        }
    }

    private boolean isRelieved() {
        return server != Thread.currentThread();
    }

    /** Called by a serving thread, from a callback, before it waits for a task of this pool. */
    void relieve() {
        if (isRelieved()) {
            return;
        }
        ServingThread.current().settleOwed();
        if (isRelieved()) { // by one of the callbacks of that
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

    /** Keeps a worker in the slot until the pool closes, or has enough of them. */
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
            switch (placeOf(started)) {
                case SERVING -> takeNextAndMoreAhead(started);
                case DRAINED -> started.quit();
                default -> {} // a spare: it is given its first task by whoever needs it
            }
            if (!serve(started)) {
                return;
            }
        }
        pool.failWhatWaits(); // its callbacks may have had this thread relieved
        if (!isRelieved()) {
            pool.slotGone();
        }
    }

    private Standing placeOf(WorkerJvm ready) {
        try {
            return pool.workerUp(ready);
        } catch (Throwable e) { // of somebody's callback, or no thread to be had: it has its place all the same
            return ready.standing();
        }
    }

    private @Nullable WorkerJvm startWorker() {
        WorkerJvm starting = null;
        try {
            starting = pool.newWorker(name, this);
            jvm = starting;
            if (pool.isClosing()) { // closing may have looked for a worker just before there was one
                starting.kill();
            }
            if (starting.awaitReady() && isInitialized(starting)) {
                return starting;
            }
            jvm = null;
            boolean inInitializer = isInUsersInitializer(starting); // asks its memory, which goes when it is buried
            WorkerJvm.End end = starting.bury();
            if (!starting.endWasIntended()) {
                noteFailedStart(starting, end, inInitializer);
            }
        } catch (Throwable e) { // too many open files, no thread or memory to be had
            jvm = null;
            if (starting != null) {
                starting.kill();
                starting.bury();
            }
            pool.startFailed(
                    this, "worker " + name + " could not be started: " + Throwables.text(e), TaskCodec.printable(e), false);
        }
        return null;
    }

    private boolean isInitialized(WorkerJvm starting) {
        Initializer initializer = pool.initializer();
        return initializer == null || starting.initialize(initializer, pool.allowed());
    }

    /** Whether a worker that did not get ready ended in what the user has it do first; by its own hand or not, nobody can tell. */
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
            String what = failed + " failed in worker " + name + " (pid " + ended.pid() + "): " + Throwables.text(thrown);
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
     * Takes answers until the worker is gone.
     *
     * @return false when the calling thread was relieved and has to go
     */
    private boolean serve(WorkerJvm up) {
        while (!isRelieved()) {
            Answer answer = null;
            up.listen(true);
            turn.lock();
            try {
                answer = takeAnswer(up, up.link()::poll);
            } finally {
                turn.unlock();
            }
            if (answer == null) {
                if (!await(up)) {
                    bury(up);
                    return !isRelieved();
                }
                continue;
            }
            up.listen(false);
            Answer taken = answer;
            ServingThread.current().owe(() -> settle(taken.to, taken.reply, up));
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

    /** An answer that was taken, what it is the answer to, and what is in flight now. */
    private record Answer(
            RemoteSubmission<?> to, WorkerLink.Reply reply, @Nullable RemoteSubmission<?> next) {}

    private interface Poll {
        WorkerLink.@Nullable Reply next() throws IOException;
    }

    /** The next answer that is there, or null. Whose turn it is. */
    private static @Nullable Answer takeAnswer(WorkerJvm up, Poll poll) {
        WorkerLink.Reply reply;
        if (up.hasLineEnded()) {
            return null;
        }
        try {
            reply = poll.next();
        } catch (EOFException e) { // it died of something else
            up.endLine();
            return null;
        } catch (IOException e) {
            up.distrust("sent what makes no sense, and was killed: " + e.getMessage());
            return null;
        } catch (Throwable e) { // no memory to be had for the answer, say
            up.distrust("was killed, as its answer could not be taken: " + e);
            return null;
        }
        if (reply == null) {
            return null;
        }
        RemoteSubmission<?> answered = up.current.get();
        if (answered == null
                || answered.task() != reply.task()
                || reply.task() > up.link().lastSent() // else the next task would wait for who still sends this one
                || !isAnswer(reply.kind(), answered)) {
            up.distrust("answered what nobody had asked, and was killed"); // not to be trusted with another task
            return null;
        }
        up.countTask();
        return new Answer(answered, reply.within(up.nanosSinceStart()), up.nextInFlight());
    }

    /** Only what was cancelled may be skipped: nobody else would hear of it. */
    private static boolean isAnswer(WorkerLink.Kind kind, RemoteSubmission<?> to) {
        return switch (kind) {
            case VALUE, FAILURE -> true;
            case SKIPPED -> !to.isRunning() && !to.isQueued();
            case READY -> false;
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
     * Called by a thread that is about to wait for a task in flight here: takes its answer itself, if that comes soon, so that
     * the serving thread need not be woken first. Only where nothing else is to do, and nobody's callback would run here.
     */
    void pollFor(RemoteSubmission<?> awaited, WorkerJvm up) {
        if (up.current.get() != awaited
                || !up.hasNothingAhead()
                || awaited.future().getNumberOfDependents() > 0
                || !pool.hasNoBacklog()
                || !turn.tryLock()) {
            return;
        }
        Answer answer = null;
        try {
            if (up.current.get() != awaited || up.isBuried() || !up.link().pollInstead()) {
                return;
            }
            try {
                if (spin.until(up.link()::hasAnswer)) {
                    answer = takeAnswer(up, up.link()::pollWhole);
                }
            } catch (IOException e) {
                up.distrust("sent what makes no sense, and was killed: " + e.getMessage());
            } finally {
                up.link().pollNoMore();
            }
        } finally {
            turn.unlock();
        }
        if (answer == null) {
            return;
        }
        // Not here: were the pool to stop now, callbacks would run that may wait for the answer.
        RemoteSubmission<?> sent = answer.next;
        RemoteSubmission<?> next = sent == null ? nextFor(up) : null;
        if (sent != null) {
            elsewhere(sent::startSent);
        } else if (next != null) {
            elsewhere(() -> ProcessPool.handOver(next, up));
        }
        settle(answer.to, answer.reply, up);
        if (up.isSpent()) {
            elsewhere(pool::replaceSpent);
        }
    }

    private static void elsewhere(Runnable action) {
        try {
            BackgroundExecutor.execute(action);
        } catch (Throwable e) { // no thread to be had
            action.run();
        }
    }

    private <T extends @Nullable Object> void settle(
            RemoteSubmission<T> submission, WorkerLink.Reply reply, WorkerJvm up) {
        pool.addCpuTime(reply.cpuNanos());
        submission.startSent(); // who took the answer before it may not have come to say it
        if (submission.isRunning()) {
            switch (reply.kind()) {
                case VALUE -> settleValue(submission, reply, up);
                case FAILURE -> submission.fail(failureIn(reply, submission, up), reply.runNanos());
                case SKIPPED, READY -> {} // it was cancelled, and so is not running
            }
        }
        submission.ended(reply.runNanos());
    }

    @SuppressWarnings("unchecked") // the task's own value
    private <T extends @Nullable Object> void settleValue(
            RemoteSubmission<T> submission, WorkerLink.Reply reply, WorkerJvm up) {
        T value;
        try {
            value = (T) TaskCodec.decodeValue(reply.payload(), reply.length(), loaderOf(submission), pool.allowed());
            up.link().useAgain(reply.payload());
        } catch (Throwable e) { // no memory to be had for it, say
            submission.fail(unreadable(e), reply.runNanos());
            return;
        }
        submission.succeed(value, reply.runNanos());
    }

    private Throwable failureIn(WorkerLink.Reply reply, RemoteSubmission<?> submission, WorkerJvm up) {
        try {
            Throwable failure = TaskCodec.decodeFailure(reply.payload(), reply.length(), loaderOf(submission), pool.allowed());
            submission.addSubmitterStack(
                    failure instanceof PartialFailure partial ? partial.failure() : failure, name + ", pid " + up.pid());
            return failure;
        } catch (Throwable e) { // no memory to be had for it, say
            return unreadable(e);
        }
    }

    private static Throwable unreadable(Throwable why) {
        if (why instanceof TaskSerializationException) {
            return why;
        }
        return new TaskSerializationException("answer could not be read: " + Throwables.text(why), TaskCodec.printable(why));
    }

    private static ClassLoader loaderOf(RemoteSubmission<?> submission) {
        ClassLoader loader = submission.writtenClass().getClassLoader();
        return loader != null ? loader : ClassLoader.getSystemClassLoader();
    }

    // ---- handing over ----

    /** Runs a task on a worker of this slot, which the caller has taken from the idle list. */
    void run(RemoteSubmission<?> submission, WorkerJvm taken) {
        if (!begin(submission, taken)) {
            takeNext(taken);
        }
    }

    /** Takes tasks from the pool until one is in flight, or there is none and the slot is idle: then false. */
    private boolean takeNext(WorkerJvm up) {
        for (var next = nextFor(up); next != null; next = nextFor(up)) {
            if (begin(next, up)) {
                return true;
            }
        }
        return false;
    }

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

    /** Sends waiting tasks to a worker that has one in flight; only in the thread that serves it. */
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
            up.destroy(DEAF); // what was sent ahead is taken back when it is buried
        }
    }

    /** Starts a task and sends it; false when it was dropped or stopped before that, and the slot is still free. */
    private boolean begin(RemoteSubmission<?> submission, WorkerJvm up) {
        if (!submission.start()) {
            return false;
        }
        EncodedTask message = submission.message(); // from current.set on it may be stopped, and end with the worker
        long number = up.nextTask();
        submission.assign(up, number);
        up.current.set(submission);
        if (pool.stopsEverything()) {
            submission.cancelNow();
        }
        if (!submission.isRunning() && up.current.compareAndSet(submission, null)) {
            submission.isWithdrawn();
            submission.ended(0); // it was stopped before the worker heard of it
            return false;
        }
        try {
            up.noteWhetherDead(); // before it is sent: what is large may kill it meanwhile
            up.send(number, false, message);
        } catch (IOException e) {
            up.destroy(DEAF);
        }
        if (up.isBuried() && up.current.compareAndSet(submission, null)) {
            giveBack(submission);
        }
        return true;
    }

    /** Deals with a task that certainly has not begun. */
    private void giveBack(RemoteSubmission<?> submission) {
        submission.isWithdrawn();
        if (submission.handBack()) {
            pool.placeFirst(submission);
        } else {
            submission.ended(0);
        }
    }

    // ---- ends ----

    /** Ends the run of a task whose future is settled: an interrupt, and a kill if that has not helped in time. */
    void stop(RemoteSubmission<?> submission, WorkerJvm worker) {
        if (!worker.has(submission)) {
            return; // it has ended, or is not sent yet and will not be
        }
        Future<?> kill = null;
        try {
            kill = Timers.after(pool.grace(), () -> killIfBusy(submission, worker));
        } catch (OutOfMemoryError e) {
            // no timer to be had: this thread waits in its stead
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

    /** The worker is gone: settles or hands back what it had. */
    private void bury(WorkerJvm dead) {
        jvm = null;
        pool.workerDown(dead);
        ServingThread.current().owe(() -> settleWhatItHad(dead));
        try {
            dead.takeBackAllAhead().forEach(pool::placeFirst);
            pool.callUpSpares();
            pool.replaceSpent(); // there may have been too many that were leaving
        } finally {
            ServingThread.current().settleOwed();
        }
    }

    private void settleWhatItHad(WorkerJvm dead) {
        RemoteSubmission<?> had = dead.current.getAndSet(null);
        if (had != null) {
            had.startSent(); // who took the answer before it may not have come to say it
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
        turn.lock(); // who polled instead has gone, or sees that the worker is buried: its memory can go
        turn.unlock();
        WorkerJvm.End end = dead.bury();
        if (had != null) {
            diedWith(had, hadBegun, dead, end);
        }
        outOfTurn.forEach(task -> diedWith(task, true, dead, end));
        tellEnd(dead, end, during); // the log is the application's code: nobody waits for it
    }

    private void tellEnd(WorkerJvm dead, WorkerJvm.End end, String during) {
        if (!dead.endWasIntended()) {
            pool.log().lost(String.valueOf(CauseOfDeath.of(dead, end, name, during, pool.settings()).getMessage()));
        } else if (!pool.isShutdown()) { // a closed pool's are no news, and logging is not set up for them
            pool.log().ended("worker " + name + " (pid " + dead.pid() + ") has ended, as it was to, "
                    + WorkerCrashedException.describeExit(end.exitCode()));
        }
    }

    /** Whether the worker's death may be no fault of the task, which it had not begun. */
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
     * Ends the worker if it uses more memory than it may, and runs a task or its initializer.
     *
     * @param limit how many bytes of resident memory it may use
     * @return how many it uses, or 0 when it runs nothing
     */
    long limitMemory(long limit) {
        WorkerJvm up = limit == WorkerPolicy.NO_LIMIT ? null : jvm;
        RemoteSubmission<?> running = up == null ? null : up.current.get();
        if (up == null || (running == null && !up.isInitializing())) {
            return 0;
        }
        long used = LinuxProcess.residentBytes(up.pid());
        if (used > limit && (running == null || !up.hasEnded(running))) {
            String what = "used " + Sizes.text(used) + " of resident memory, more than the limit of " + Sizes.text(limit)
                    + ", and was killed";
            if (running == null) {
                up.destroy(what);
            } else {
                List<RemoteSubmission<?>> waited = up.killFor(running, what);
                if (!waited.isEmpty()) { // their callbacks may run there if the pool stops
                    BackgroundExecutor.execute(() -> waited.forEach(pool::placeFirst));
                }
            }
        }
        return used;
    }

    /**
     * Notes when its worker uses more memory than one that is to stay, whether it runs something or not.
     *
     * @param limit how many bytes of resident memory
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

    /** Its worker, while one is up or starting. */
    @Nullable WorkerJvm worker() {
        return jvm;
    }

    String name() {
        return name;
    }

    /** The pool closes and no task is left. */
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
