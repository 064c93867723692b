package dev.sennit.process;

import dev.sennit.TaskSerializationException;
import dev.sennit.internal.Timers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One place for a worker in a {@link ProcessPool}: keeps a worker process in it, hands it tasks and takes its answers.
 *
 * <h2>The life of a slot</h2>
 * <pre>
 * STARTING -> IDLE &lt;-> BUSY          a worker is up; the slot is in the pool's idle list, or has a task in flight
 *     ^         |       |
 *     +---------+-------+              the worker died: what it had is settled or handed back, and another starts
 *   GONE                               the pool closed, or no worker could be started
 * </pre>
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

    private final ProcessPool pool;
    private final String name;
    /** Written by the serving thread; null while none is up. */
    private volatile @Nullable WorkerJvm jvm;
    /** Written before start, and by {@link #relieve} in the thread it names until then. */
    private volatile @Nullable Thread server;

    WorkerSlot(ProcessPool pool, String name) {
        this.pool = pool;
        this.name = name;
    }

    /** A thread that serves a slot; nobody may interrupt it, as that would close its worker's socket. */
    static final class ServingThread extends Thread {
        private final WorkerSlot slot;

        ServingThread(WorkerSlot slot, Runnable body) {
            super(null, body, slot.name, 0, false);
            this.slot = slot;
            setDaemon(true);
        }

        WorkerSlot slot() {
            return slot;
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
            thread.start();
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
        serveWith(() -> {
            WorkerJvm up = jvm;
            if (up != null && !serve(up)) {
                return;
            }
            live();
        });
    }

    /** Keeps a worker in the slot until the pool closes. */
    private void live() {
        while (!pool.isClosing() && !pool.isBroken()) {
            WorkerJvm started = startWorker();
            if (started == null) {
                pool.waitBeforeNextStart();
                continue;
            }
            takeNextAndMoreAhead(started);
            if (!serve(started)) {
                return;
            }
        }
        pool.failWhatWaits(); // its callbacks may have had this thread relieved
        if (!isRelieved()) {
            pool.slotGone();
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
            if (starting.awaitReady()) {
                pool.workerUp();
                return starting;
            }
            jvm = null;
            WorkerJvm.End end = starting.bury();
            if (!starting.endWasIntended()) {
                String why = starting.whyDestroyed();
                pool.startFailed(
                        this,
                        "worker " + name + " (pid " + starting.pid() + ") "
                                + (why != null
                                        ? why
                                        : WorkerCrashedException.describeExit(end.exitCode()) + " before it was ready")
                                + said(end),
                        null,
                        why == null && WorkerCrashedException.wasSignalled(end.exitCode()));
            }
        } catch (Throwable e) { // too many open files, no thread or memory to be had
            jvm = null;
            if (starting != null) {
                starting.kill();
                starting.bury();
            }
            pool.startFailed(this, "worker " + name + " could not be started: " + e, e, false);
        }
        return null;
    }

    private static String said(WorkerJvm.End end) {
        return end.lastLines().isEmpty() ? "" : "; it said: " + String.join(" | ", end.lastLines());
    }

    /**
     * Takes answers until the worker is gone.
     *
     * @return false when the calling thread was relieved and has to go
     */
    private boolean serve(WorkerJvm up) {
        while (true) {
            WorkerLink.Reply reply = receive(up);
            if (reply == null) {
                bury(up);
                return !isRelieved();
            }
            RemoteSubmission<?> answered = up.current.get();
            if (answered == null || answered.task() != reply.task()) {
                up.destroy("answered what nobody had asked, and was killed"); // not to be trusted with another task
                continue;
            }
            up.ranFor(reply.runNanos());
            if (up.nextInFlight() != null) {
                sendAhead(up);
            } else {
                takeNextAndMoreAhead(up);
            }
            settle(answered, reply, up);
            if (isRelieved()) {
                return false;
            }
        }
    }

    private static WorkerLink.@Nullable Reply receive(WorkerJvm up) {
        try {
            return up.link().receive();
        } catch (IOException e) {
            return null;
        } catch (Throwable e) { // no memory to be had for the answer, say
            up.destroy("was killed, as its answer could not be taken: " + e);
            return null;
        }
    }

    private <T extends @Nullable Object> void settle(
            RemoteSubmission<T> submission, WorkerLink.Reply reply, WorkerJvm up) {
        pool.addCpuTime(reply.cpuNanos());
        if (submission.isRunning()) {
            switch (reply.kind()) {
                case VALUE -> settleValue(submission, reply);
                case FAILURE -> submission.fail(failureIn(reply, submission, up), reply.runNanos());
                case SKIPPED, READY -> {} // it was cancelled, and so is not running
            }
        }
        submission.ended(reply.runNanos());
    }

    @SuppressWarnings("unchecked") // the task's own value
    private <T extends @Nullable Object> void settleValue(RemoteSubmission<T> submission, WorkerLink.Reply reply) {
        T value;
        try {
            value = (T) TaskCodec.decodeValue(reply.payload(), loaderOf(submission), pool.allowed());
        } catch (Throwable e) { // no memory to be had for it, say
            submission.fail(unreadable(e), reply.runNanos());
            return;
        }
        submission.succeed(value, reply.runNanos());
    }

    private Throwable failureIn(WorkerLink.Reply reply, RemoteSubmission<?> submission, WorkerJvm up) {
        try {
            Throwable failure = TaskCodec.decodeFailure(reply.payload(), loaderOf(submission), pool.allowed());
            return submission.withSubmitterStack(failure, name + ", pid " + up.pid());
        } catch (Throwable e) { // an exception's own methods may do anything
            return unreadable(e);
        }
    }

    private static Throwable unreadable(Throwable why) {
        return why instanceof TaskSerializationException
                ? why
                : new TaskSerializationException("answer could not be read: " + why, why);
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
        for (var next = pool.nextFor(up); next != null; next = pool.nextFor(up)) {
            if (begin(next, up)) {
                return true;
            }
        }
        return false;
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
                RemoteSubmission<?> next = pool.nextAhead(up);
                if (next == null) {
                    return;
                }
                if (!up.sendAhead(next) && next.isQueued()) {
                    pool.placeFirst(next); // this worker is condemned
                    return;
                }
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
        submission.assign(up, up.nextTask());
        up.current.set(submission);
        if (pool.stopsEverything()) {
            submission.cancelNow();
        }
        if (!submission.isRunning() && up.current.compareAndSet(submission, null)) {
            submission.ended(0); // it was stopped before the worker heard of it
            return false;
        }
        try {
            up.send(submission, false);
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
        Timers.after(pool.grace(), () -> {
            if (worker.has(submission)) {
                worker.killFor(submission).forEach(pool::placeFirst);
            }
        });
        try {
            worker.link().cancel(submission.task());
        } catch (IOException e) {
            // the worker is gone, and the task with it
        }
    }

    /** The worker is gone: settles or hands back what it had. */
    private void bury(WorkerJvm dead) {
        jvm = null;
        pool.workerDown(dead);
        dead.takeBackAllAhead().forEach(pool::placeFirst);
        RemoteSubmission<?> had = dead.current.getAndSet(null);
        if (had != null && !dead.hadBegun(had.task())) {
            giveBack(had);
            had = null;
        }
        List<RemoteSubmission<?>> outOfTurn = dead.begunOutOfTurn();
        WorkerJvm.End end = dead.bury();
        if (had != null) {
            diedWith(had, dead, end);
        }
        outOfTurn.forEach(task -> diedWith(task, dead, end));
    }

    private void diedWith(RemoteSubmission<?> had, WorkerJvm dead, WorkerJvm.End end) {
        long nanos = had.nanosSinceStart();
        if (had.isRunning()) {
            had.fail(crashed(had, dead, end), nanos);
        }
        had.ended(nanos);
    }

    private WorkerCrashedException crashed(RemoteSubmission<?> task, WorkerJvm dead, WorkerJvm.End end) {
        boolean outOfMemory = end.lastLines().stream().anyMatch(line -> line.contains("java.lang.OutOfMemoryError"));
        Path crashLog = WorkerCommand.crashLog(dead.pid());
        boolean hasCrashLog = isOf(crashLog, dead);
        String why = dead.whyDestroyed();
        String what = outOfMemory
                ? "ran out of memory (heap limit " + pool.heapLimit() + ")"
                : why != null ? why : WorkerCrashedException.describeExit(end.exitCode());
        var crash = new WorkerCrashedException(
                "worker " + name + " (pid " + dead.pid() + ") " + what + " while it ran task " + task.name()
                        + (hasCrashLog ? "; crash report in " + crashLog : "") + said(end),
                dead.pid(),
                end.exitCode(),
                end.lastLines(),
                hasCrashLog ? crashLog : null);
        crash.setStackTrace(task.submitterStack().toArray(StackTraceElement[]::new));
        return crash;
    }

    /** Whether there is a crash report, and not one of an earlier process with the same pid. */
    private static boolean isOf(Path crashLog, WorkerJvm dead) {
        try {
            return !Files.getLastModifiedTime(crashLog).toInstant().isBefore(dead.startedAt().minusSeconds(2));
        } catch (IOException e) {
            return false;
        }
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
