package dev.sennit.process;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.LinuxProcess;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.internal.machine.OutputReader;
import dev.sennit.internal.machine.ProcessEnd;
import dev.sennit.internal.machine.ProcessStart;
import dev.sennit.internal.view.ProgressGate;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One worker process, from its start to its end, as the parent sees it.
 *
 * <p>The constructor starts the process, and {@link #awaitReady} waits until it has connected. Then {@link #link}
 * carries tasks and answers until it reports that the worker is gone, and {@link #bury} returns how the process ended.
 */
final class WorkerJvm {
    static {
        try {
            // The JDK creates a logger when it starts a process. Some loggers complain when two threads do so at once.
            System.getLogger(ProcessBuilder.class.getName()).isLoggable(System.Logger.Level.DEBUG);
        } catch (Throwable e) {
            // the JDK will meet the same failure
        }
    }

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);
    /**
     * How often a worker that owes an answer is checked; after so many checks in a row without progress it is killed.
     */
    private static final Duration LOOK = Duration.ofMillis(250);

    private static final int LOOKS = 8;
    /** The number of the first task of all: the initializer, where there is one. */
    private static final long INITIALIZER = 1;

    /** The output of a process that has ended is there at once, unless a child of its own holds the pipe. */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);

    /**
     * The worker's role in its pool.
     *
     * <pre>
     * STARTING -> SPARE -> SERVING -> RETIRED -> DRAINED -> BURIED      each may be skipped, and none comes again
     * </pre>
     */
    enum Standing {
        STARTING,
        /** Ready, gets no tasks, and waits to replace another worker. */
        SPARE,
        /** Gets tasks. */
        SERVING,
        /** Gets no more tasks, and finishes those it has begun. */
        RETIRED,
        /** Has no task left, and is asked to exit. */
        DRAINED,
        /** Dead: no answer is taken from it any more. */
        BURIED
    }

    private final WorkerSlot slot;
    private final String name;
    private final Instant startedAt = Instant.now();
    private final long startedNanos = Backend.current().nanoTime();
    private final Lifespan lifespan;
    /** How many tasks may be sent to it at most. */
    private final long mostTasks;
    private final boolean hasArchive;
    private final Path folder;
    private final ServerSocketChannel server;
    /** Null with the plain transport. */
    private final RingLink.@Nullable Shared shared;
    private final StatusPage page;
    private final Process process;
    /** Its name and process id. Made once, as it goes with each task to those who look on. */
    private final String label;
    private final @Nullable OutputReader output;
    private final long oomKillsBefore = LinuxProcess.oomKills();
    /** Written once by {@link #awaitReady}, in the serving thread, before the worker gets tasks. */
    private @Nullable WorkerLink link;
    /** Written before link. */
    private @Nullable ProcessEnd processEnd;

    private volatile boolean up;
    /** From the start of the initializer until it has returned or thrown. */
    private volatile boolean initializing;
    /** The exception of the initializer, or null. Only the serving thread. */
    private @Nullable Throwable initializerFailure;
    private volatile boolean endIntended;
    /** Whether it was asked to exit. */
    private final AtomicBoolean asked = new AtomicBoolean();
    /** Written under the pool's lock. BURIED is written before {@link #current} is emptied: see {@link WorkerSlot}. */
    private volatile Standing standing = Standing.STARTING;
    /** Whether it was seen to use more memory than a worker that is to stay. */
    private volatile boolean hasOutgrown;
    /** Tasks answered. */
    private final AtomicLong tasksDone = new AtomicLong();
    /** Guarded by the pool's lock. When it became idle. */
    private long idleSince;
    /** Written under {@link #aheadLock}. Whether it is about to be killed. */
    private volatile boolean condemned;
    /** Whether no more answers are taken: the connection broke, or the worker broke the protocol. */
    private volatile boolean lineEnded;
    /** The last progress read from the status page that was plausible. */
    private volatile StatusPage.Progress heard = StatusPage.Progress.NONE;
    /** Whether it has reported impossible progress. */
    private volatile boolean lied;
    /** Whether the serving thread takes or awaits answers; else it deals with one. Written by that thread. */
    private volatile boolean listening;
    /** Whether a check is scheduled for an answer that it owes. */
    private final AtomicBoolean isExpected = new AtomicBoolean();
    private volatile @Nullable String whyDestroyed;

    /** Written by the thread that sends a task while none is in flight. */
    private volatile boolean wasDead;

    /** The task in flight. */
    final AtomicReference<@Nullable RemoteSubmission<?>> current = new AtomicReference<>();
    /** The number of the last task sent. Only the thread that may send it a task: see {@link WorkerSlot}. */
    private long lastTask;

    /** Guarded by itself. The numbers of the lambda shapes that were sent to it. */
    private final BitSet told = new BitSet();

    /**
     * Lets progress of the task in flight through. Used with the slot's turn. Its period is shorter than that of the
     * gate in the worker, so that only what a worker sends that broke loose is held here.
     */
    final ProgressGate progress = new ProgressGate(ProgressGate.PERIOD_NANOS / 2);

    private final Object aheadLock = new Object();
    /** Guarded by aheadLock. The tasks sent ahead that are neither in flight nor taken back, in the order sent. */
    private final Deque<RemoteSubmission<?>> ahead = new ArrayDeque<>();
    /** Only the serving thread. A moving average of how long its tasks ran. */
    private long typicalNanos = AHEAD_NANOS;

    /** How much work is sent ahead: many times what it takes to send more. */
    private static final long AHEAD_NANOS = 400_000;

    /** How a worker ended. */
    record End(int exitCode, List<String> lastLines) {}

    /** Starts the process, and returns before it is ready. */
    WorkerJvm(List<String> arguments, String name, WorkerSlot slot, Lifespan lifespan)
            throws IOException {
        this.slot = slot;
        this.name = name;
        this.lifespan = lifespan;
        ProcessPool pool = slot.pool();
        WorkerSettings settings = pool.settings();
        mostTasks = pool.policy().strictMaxTasks();
        hasArchive = WorkerArchive.isIn(arguments);
        folder = MeetingFolder.create();
        ServerSocketChannel opened = null;
        RingLink.Shared memory = null;
        Process started = null;
        try {
            opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            opened.bind(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
            if (pool.usesSharedMemory()) {
                memory = new RingLink.Shared();
                page = memory.page();
            } else {
                page = StatusPage.create(folder.resolve(MeetingFolder.STATUS));
            }
            List<String> command = new ArrayList<>(
                    WorkerCommand.write(arguments, folder.resolve(MeetingFolder.ARGUMENTS)));
            command.addAll(List.of(name, folder.toString()));
            if (memory != null) {
                command.add(memory.path().toString());
                command.add(Boolean.toString(pool.policy().leavesProcessors()));
            }
            started = start(settings, command);
            if (memory != null) {
                started.getOutputStream().close(); // tasks come through the ring
            }
            output = settings.output() == WorkerOutput.INHERIT
                    ? null
                    : new OutputReader(name, started, settings.linesOf(name));
            label = name + " (pid " + started.pid() + ")";
        } catch (Throwable e) { // no thread, for example
            if (started != null) {
                started.destroyForcibly();
            }
            removeTraces(opened, folder);
            if (memory != null) {
                memory.close();
            }
            throw e;
        }
        server = opened;
        shared = memory;
        process = started;
    }

    private static Process start(WorkerSettings settings, List<String> command) throws IOException {
        Process started = ProcessStart.start(settings.processFor(command));
        LinuxProcess.killFirst(started.pid());
        return started;
    }

    /** Removes the socket and the folder; called when both ends are connected, or never will be. */
    private void removeTraces() {
        removeTraces(server, folder);
    }

    private static void removeTraces(@Nullable ServerSocketChannel server, Path folder) {
        try {
            if (server != null) {
                server.close();
            }
        } catch (IOException e) {
            // the folder is removed either way
        }
        MeetingFolder.remove(folder);
    }

    boolean hasArchive() {
        return hasArchive;
    }

    /** Waits until the worker has connected and reports that it is ready; returns false if it ended before. */
    boolean awaitReady() throws IOException {
        Future<?> tooLong = null;
        try {
            var itsEnd = new ProcessEnd(process);
            itsEnd.then(this::removeTraces); // ends accept(); registered in the constructor, it could run too early
            processEnd = itsEnd;
            tooLong = Timers.after(
                    START_LIMIT, () -> destroy("took longer than " + Durations.text(START_LIMIT) + " and was killed"));
            ClassServer.serve(server.accept(), name);
            SocketChannel socket = server.accept();
            WorkerLink connected = shared == null
                    ? new PlainLink(process.getOutputStream(), socket)
                    : shared.connect(socket, process::isAlive);
            link = connected;
            itsEnd.then(connected::workerEnded);
            WorkerLink.Reply first = connected.receive();
            up = first != null && first.kind() == WorkerLink.Kind.READY;
            return up;
        } catch (ClosedChannelException e) { // the process ended first
            return false;
        } finally {
            if (tooLong != null) {
                tooLong.cancel(false);
            }
            removeTraces();
            if (shared != null) {
                shared.close();
            }
        }
    }

    /**
     * Runs the pool's initializer in a worker that is ready.
     *
     * @return false if the initializer threw ({@link #initializerFailure}), or the worker ended in it
     *     ({@link #isInitializing})
     */
    boolean initialize(Initializer initializer, AllowList allowed) {
        initializing = true;
        WorkerLink.Reply reply;
        try {
            send(nextTask(), false, initializer.message());
            reply = link().receive();
        } catch (IOException e) {
            return false;
        }
        if (reply == null) {
            return false;
        }
        if (reply.task() != INITIALIZER
                || (reply.kind() != WorkerLink.Kind.VALUE && reply.kind() != WorkerLink.Kind.FAILURE)) {
            distrust("answered what nobody had asked, and was killed");
            return false;
        }
        if (reply.kind() == WorkerLink.Kind.FAILURE) {
            initializerFailure = initializer.failureIn(reply, allowed);
        }
        initializing = false;
        return reply.kind() == WorkerLink.Kind.VALUE;
    }

    /** Returns whether it has begun its initializer, and not ended it. */
    boolean isInInitializer() {
        return initializing && hadBegun(INITIALIZER);
    }

    @Nullable Throwable initializerFailure() {
        return initializerFailure;
    }

    boolean isInitializing() {
        return initializing;
    }

    WorkerSlot slot() {
        return slot;
    }

    long nextTask() {
        return ++lastTask;
    }

    WorkerLink link() {
        return Objects.requireNonNull(link, "not ready");
    }

    long pid() {
        return process.pid();
    }

    /** Returns its name and process id, for those who look on. */
    String label() {
        return label;
    }

    /** Returns whether a task had begun when the worker ended; true if the worker has reported impossible progress. */
    boolean hadBegun(long task) {
        StatusPage.Progress said = progress();
        return task <= link().lastSent() && (said == null || said.begun() >= task);
    }

    // ---- progress ----

    /** Reads the worker's progress from the status page; null if it is impossible, and then the worker is killed. */
    private StatusPage.@Nullable Progress progress() {
        StatusPage.Progress before = heard; // read first: another thread may store newer progress meanwhile
        StatusPage.Progress said = page.progress();
        long sent = link().lastSent();
        if (lied || !said.canFollow(before, sent)) {
            lied = true;
            distrust("said of its tasks what cannot be, and was killed: ended " + said.ended() + ", begun "
                    + said.begun()
                    + ", seen " + said.seen() + " of " + sent + ", after " + before.ended() + ", " + before.begun()
                    + ", "
                    + before.seen());
            return null;
        }
        heard = said;
        return said;
    }

    /**
     * Returns whether a task has ended in the worker, although its answer may not have been read yet; also true if the
     * worker is being killed for impossible progress. If the task has ended, checks from now on that its answer comes.
     */
    boolean hasEnded(RemoteSubmission<?> submission) {
        StatusPage.Progress said = progress();
        boolean ended = said == null || said.ended() >= submission.task();
        if (ended && !hasLineEnded() && isExpected.compareAndSet(false, true)) {
            lookLater(null, 0, 0);
        }
        return ended;
    }

    /**
     * Schedules a check that the answer has come that the worker owes. An answer may take long if it is large, or if
     * this side is slow. But if the serving thread awaits it and no byte arrives, the worker is killed like that of a
     * task that does not end.
     *
     * @param owed the task whose answer was owed at the last check
     * @param taken how many bytes of answers had been taken by then
     * @param looks how many checks in a row have found no change
     */
    private void lookLater(@Nullable RemoteSubmission<?> owed, long taken, int looks) {
        try {
            Timers.after(LOOK, () -> look(owed, taken, looks));
        } catch (OutOfMemoryError e) { // no timer to be had: the next call of hasEnded tries again
            isExpected.set(false);
        }
    }

    private void look(@Nullable RemoteSubmission<?> owed, long taken, int looks) {
        isExpected.set(false);
        RemoteSubmission<?> inFlight = current.get();
        StatusPage.Progress said = progress();
        if (inFlight == null || said == null || isBuried() || said.ended() < inFlight.task()) {
            return; // it owes no answer
        }
        long takenNow = link().taken();
        int now = inFlight == owed && takenNow == taken && listening ? looks + 1 : 0;
        if (now == LOOKS) {
            distrust("said that it had ended a task, sent no answer, and was killed");
        } else if (isExpected.compareAndSet(false, true)) {
            lookLater(inFlight, takenNow, now);
        }
    }

    /**
     * Says whether the serving thread takes or awaits answers: only then does a missing answer count against the
     * worker.
     */
    void listen(boolean whether) {
        listening = whether;
    }

    // ---- tasks ahead ----

    /** Notes how long a task ran; only the serving thread. */
    void ranFor(long nanos) {
        typicalNanos += (nanos - typicalNanos) / 4;
    }

    /** Returns whether no task waits here that was sent ahead. */
    boolean hasNothingAhead() {
        synchronized (aheadLock) {
            return ahead.isEmpty();
        }
    }

    /**
     * Returns how many more tasks to send ahead; 0 while more than half of the most is there. Only the serving thread.
     */
    int wantsAhead() {
        if (mostTasks != WorkerPolicy.NO_LIMIT) {
            return 0; // the limit counts tasks that were sent, and must not be exceeded
        }
        long most = Math.clamp(AHEAD_NANOS / Math.max(1, typicalNanos), 1, link().mostAhead());
        synchronized (aheadLock) {
            int has = ahead.size();
            return isCondemned() || standing != Standing.SERVING || has > most / 2 ? 0 : (int) most - has;
        }
    }

    /** Returns whether a task can be sent to it, while it is idle, without waiting for it to read. */
    boolean takesAtOnce(EncodedTask message) {
        try {
            return link().takesAtOnce(message.mostBytes());
        } catch (IOException e) {
            return true; // it is gone, and sending will fail at once
        }
    }

    /** Returns whether a task can be sent ahead without waiting for the worker to read. */
    boolean takesAhead(EncodedTask message) throws IOException {
        StatusPage.Progress said = progress();
        return said != null && said.leavesWordFor(lastTask + 1) && link().takesAtOnce(message.mostBytes());
    }

    /** Sends a task, and before it those of its lambda shapes that this worker does not know yet. */
    void send(long number, boolean isAhead, EncodedTask message) throws IOException {
        for (LambdaShapes.Shape shape : message.shapes()) {
            boolean isNews;
            synchronized (told) {
                isNews = !told.get(shape.number());
                told.set(shape.number());
            }
            if (isNews) {
                link().sendShape(shape.number(), shape.description());
            }
        }
        link().sendTask(number, isAhead, message);
    }

    /**
     * Adds a task to those ahead; only the serving thread, with the pool's lock, once for each task that the worker
     * {@link #wantsAhead}. From now on another worker may take the task back. The caller has to send the message even
     * so, as the numbers of the tasks sent must have no gap.
     *
     * @return false when the task was dropped, or this worker is condemned or retired
     */
    boolean addAhead(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            if (isCondemned() || standing != Standing.SERVING) {
                return false;
            }
            long number = lastTask + 1;
            submission.assign(this, number);
            page.offerAhead(number);
            if (!submission.sent()) {
                page.takeBack(number);
                submission.isWithdrawn();
                return false;
            }
            lastTask = number; // without a gap: see StatusPage
            ahead.addLast(submission);
            if (submission.isStopRequested()) {
                page.requestStop(number); // see requestStop
            }
            return true;
        }
    }

    /** Sends the message of the task that was last {@linkplain #addAhead added}. */
    void sendAhead(EncodedTask message) throws IOException {
        send(lastTask, true, message);
    }

    /**
     * Makes the first task ahead the task in flight; called when the one before has been answered. The caller then
     * calls its {@code startSent}.
     *
     * @return the task in flight; null when none was sent ahead
     */
    @Nullable RemoteSubmission<?> nextInFlight() {
        synchronized (aheadLock) {
            RemoteSubmission<?> next = ahead.pollFirst();
            current.set(next);
            return next;
        }
    }

    /**
     * Removes the tasks that a dead worker had claimed although no answer to an earlier task was taken. There are none
     * unless the worker broke the protocol, or its last answers could not be read.
     */
    List<RemoteSubmission<?>> begunOutOfTurn() {
        List<RemoteSubmission<?>> begun;
        synchronized (aheadLock) {
            begun = List.copyOf(ahead);
            ahead.clear();
        }
        begun.forEach(RemoteSubmission::startSent);
        return begun;
    }

    /** Takes back the first task ahead that the worker has not claimed, for another worker; null when there is none. */
    @Nullable RemoteSubmission<?> takeBackAhead() {
        synchronized (aheadLock) {
            for (var each = ahead.iterator(); each.hasNext();) {
                RemoteSubmission<?> taken = each.next();
                if (page.takeBack(taken.task())) {
                    each.remove();
                    taken.isWithdrawn();
                    taken.takenBack();
                    return taken;
                }
            }
            return null;
        }
    }

    /** Takes back all tasks ahead that the worker has not claimed, and returns them, the last first. */
    List<RemoteSubmission<?>> takeBackAllAhead() {
        List<RemoteSubmission<?>> taken = new ArrayList<>();
        for (var next = takeBackAhead(); next != null; next = takeBackAhead()) {
            taken.add(next);
        }
        return taken.reversed();
    }

    /** See {@link RemoteSubmission#takeBackOrStart}. */
    void takeBackOrStart(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            if (!ahead.contains(submission)) {
                return; // it is in flight or was taken back: another thread changes its state
            }
            if (page.takeBack(submission.task())) {
                ahead.remove(submission);
                submission.isWithdrawn();
                submission.takenBack();
                return;
            }
        }
        submission.startSent();
    }

    /** Returns whether a task is in flight here or sent ahead. */
    boolean has(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            return current.get() == submission || ahead.contains(submission);
        }
    }

    /**
     * Tells the worker that a task is asked to come to an end, if it has the task or is about to get it. Whoever gives
     * it a task makes that known first ({@link #has}), and then looks whether a stop is requested: of two threads that
     * do so at once, one sees what the other wrote.
     */
    void requestStop(RemoteSubmission<?> submission) {
        long number;
        do { // a number here, unless the task has gone from here to another worker meanwhile
            number = submission.task();
            VarHandle.acquireFence();
            if (!has(submission)) {
                return;
            }
        } while (submission.task() != number);
        page.requestStop(number);
    }

    /** Returns the task in flight and those sent ahead. */
    List<RemoteSubmission<?>> held() {
        synchronized (aheadLock) {
            List<RemoteSubmission<?>> held = new ArrayList<>(ahead);
            RemoteSubmission<?> inFlight = current.get();
            if (inFlight != null) {
                held.addFirst(inFlight);
            }
            return held;
        }
    }

    /**
     * Kills the process because of a task that does not end, unless the task has ended meanwhile. Takes back the tasks
     * ahead first, so that no other task dies with it.
     *
     * @param crash the cause of death to report if the task is at fault, or null for an intended end
     * @return the tasks taken back, for the caller to place, the last first
     */
    List<RemoteSubmission<?>> killFor(RemoteSubmission<?> stopped, @Nullable String crash) {
        List<RemoteSubmission<?>> waited;
        boolean isToDie;
        synchronized (aheadLock) {
            waited = takeBackAllAhead(); // from here on the worker cannot begin another task
            isToDie = has(stopped) && !hasEnded(stopped);
            condemned |= isToDie;
        }
        if (isToDie && crash != null) {
            destroy(crash);
        } else if (isToDie) {
            kill();
        }
        return waited;
    }

    /** Returns whether it is about to be killed or buried, and gets no more tasks. */
    boolean isCondemned() {
        return condemned || lineEnded;
    }

    /** Kills the process as an intended end, which does not count as a crash. */
    void kill() {
        endIntended = true;
        process.destroyForcibly();
    }

    /**
     * Kills a process that misbehaves, which counts as a crash.
     *
     * @param why the cause of death to report
     */
    void destroy(String why) {
        if (whyDestroyed == null) {
            whyDestroyed = why;
        }
        process.destroyForcibly();
    }

    /**
     * Kills a process that breaks the protocol, and takes no more answers from it.
     *
     * @param why the cause of death to report
     */
    void distrust(String why) {
        lineEnded = true;
        destroy(why);
    }

    /** Notes that the connection broke: no more answers can come, and the serving thread buries the worker. */
    void endLine() {
        lineEnded = true;
    }

    boolean hasLineEnded() {
        return lineEnded;
    }

    /** Returns why this side killed the process, or null. */
    @Nullable String whyDestroyed() {
        return whyDestroyed;
    }

    /**
     * Returns whether the kernel has killed any process for lack of memory since this one started, or does not tell.
     */
    boolean kernelMayHaveKilled() {
        return oomKillsBefore < 0 || LinuxProcess.oomKills() != oomKillsBefore;
    }

    /** Returns a time no later than the start of the process. */
    Instant startedAt() {
        return startedAt;
    }

    /**
     * Asks the process to exit, and kills it after a time limit. Its shutdown hooks run. Only the first call has an
     * effect.
     */
    void quit() {
        if (!asked.compareAndSet(false, true)) {
            return;
        }
        endIntended = true;
        try {
            Future<?> limit = Timers.after(EXIT_LIMIT, process::destroyForcibly); // first, as writing may block
            Objects.requireNonNull(processEnd, "not ready").then(() -> limit.cancel(false));
            if (Thread.currentThread() instanceof WorkerSlot.ServingThread) {
                sayQuit();
            } else { // an interrupt would close the channel
                BackgroundExecutor.execute(this::sayQuit);
            }
        } catch (Throwable e) { // no thread to be had
            process.destroyForcibly();
        }
    }

    private void sayQuit() {
        try {
            link().quit();
        } catch (IOException e) {
            // it has ended
        }
    }

    /** Notes whether it is dead already. Called by the thread that is about to send the task in flight. */
    void noteWhetherDead() {
        wasDead = !process.isAlive();
    }

    /** Returns whether it was dead before the task in flight was sent, and so did not die of it. */
    boolean wasDeadBefore() {
        return wasDead;
    }

    /** Returns whether it has connected; only then can it be asked to exit. */
    boolean isUp() {
        return up;
    }

    boolean endWasIntended() {
        return endIntended;
    }

    // ---- its place in the pool ----

    Standing standing() {
        return standing;
    }

    /** Sets its role. Under the pool's lock. */
    void standAs(Standing next) {
        standing = next;
    }

    boolean isBuried() {
        return standing == Standing.BURIED;
    }

    /** Notes, under the pool's lock, that it became idle. */
    void isIdleNow() {
        idleSince = Backend.current().nanoTime();
    }

    /** Returns how long it has been idle. Under the pool's lock. */
    long idleNanos() {
        return Backend.current().nanoTime() - idleSince;
    }

    long nanosSinceStart() {
        return Backend.current().nanoTime() - startedNanos;
    }

    /** Counts an answered task. */
    void countTask() {
        tasksDone.incrementAndGet();
    }

    long tasksDone() {
        return tasksDone.get();
    }

    void outgrew() {
        hasOutgrown = true;
    }

    /** Returns whether it has served long enough, and another worker should replace it. */
    boolean isSpent() {
        return standing == Standing.SERVING
                && (hasOutgrown || isExhausted() || lifespan.isOver(tasksDone.get(), nanosSinceStart()));
    }

    /**
     * Returns whether it has answered as many tasks as may be sent to it. With such a limit no tasks are sent ahead.
     */
    boolean isExhausted() {
        return tasksDone.get() >= mostTasks;
    }

    /** Waits for the end of a process that was asked to exit, and returns its exit code. */
    int awaitExit() {
        return ProcessEnd.await(process);
    }

    /**
     * Closes the link, waits for the end of the process, which is killed after a time limit, and returns how it ended.
     */
    End bury() {
        if (link != null) {
            link.close();
        }
        try {
            if (!process.waitFor(EXIT_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
            int exitCode = process.waitFor();
            if (output != null) {
                output.awaitEnd(OUTPUT_LIMIT);
            }
            return new End(exitCode, output == null ? List.of() : output.lastLines());
        } catch (InterruptedException e) {
            throw new AssertionError("threads that serve workers cannot be interrupted", e);
        }
    }
}
