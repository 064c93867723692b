package dev.sennit.process;

import dev.sennit.codec.AllowList;
import dev.sennit.codec.EncodedTask;
import dev.sennit.codec.LambdaShapes;
import dev.sennit.internal.Backend;
import dev.sennit.internal.BackgroundExecutor;
import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
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
 * <p>{@link #start} makes the process, {@link #awaitReady} waits until it has connected; from then on {@link #link} speaks
 * to it, until that says the worker is gone, and {@link #bury} tells how.
 */
final class WorkerJvm {
    static {
        try {
            // The JDK has a logger ready when it starts a process. Some logging complains if two threads are the first to want one.
            System.getLogger(ProcessBuilder.class.getName()).isLoggable(System.Logger.Level.DEBUG);
        } catch (Throwable e) {
            // the JDK gets to know as well
        }
    }

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);
    /** How often one that owes an answer is looked at, and how often in a row with nothing coming before it is killed. */
    private static final Duration LOOK = Duration.ofMillis(250);

    private static final int LOOKS = 8;
    /** The number of the first task of all: the initializer, where there is one. */
    private static final long INITIALIZER = 1;

    /** The output of a process that has ended is there at once, unless a child of its own holds the pipe. */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);

    /**
     * What it is in its pool.
     *
     * <pre>
     * STARTING -> SPARE -> SERVING -> RETIRED -> DRAINED -> BURIED      each may be skipped, and none comes again
     * </pre>
     */
    enum Standing {
        STARTING,
        /** Ready, waits beside the pool for another's place. */
        SPARE,
        /** Gets tasks. */
        SERVING,
        /** Gets no more tasks; what was handed to it, it does. */
        RETIRED,
        /** Has nothing more to do, and is asked to end. */
        DRAINED,
        /** Nobody listens for its answers any more. */
        BURIED
    }

    private final WorkerSlot slot;
    private final String name;
    private final Instant startedAt = Instant.now();
    private final long startedNanos = Backend.current().nanoTime();
    private final Lifespan lifespan;
    /** The most tasks that it may be sent. */
    private final long mostTasks;
    private final boolean hasArchive;
    private final Path folder;
    private final ServerSocketChannel server;
    /** Null with the plain transport. */
    private final RingLink.@Nullable Shared shared;
    private final StatusPage page;
    private final Process process;
    private final @Nullable OutputReader output;
    private final long oomKillsBefore = LinuxProcess.oomKills();
    /** Written once by {@link #awaitReady}, in the thread that serves the slot, before the slot is offered tasks. */
    private @Nullable WorkerLink link;
    /** Written before link. */
    private @Nullable ProcessEnd processEnd;

    private volatile boolean up;
    /** From the start of the initializer until it has returned or thrown. */
    private volatile boolean initializing;
    /** What the initializer threw; only the thread that serves the slot. */
    private @Nullable Throwable initializerFailure;
    private volatile boolean endIntended;
    /** Whether it was asked to end. */
    private final AtomicBoolean asked = new AtomicBoolean();
    /** Written under the pool's lock. BURIED is written before the slot's current task is looked at. */
    private volatile Standing standing = Standing.STARTING;
    /** Whether it uses more memory than one that is to stay. */
    private volatile boolean hasOutgrown;
    /** Tasks answered. */
    private final AtomicLong tasksDone = new AtomicLong();
    /** Guarded by the pool's lock. When it had nothing more to do. */
    private long idleSince;
    private volatile boolean condemned;
    private volatile boolean lineEnded;
    /** What it last said of its tasks that could be true. */
    private volatile StatusPage.Progress heard = StatusPage.Progress.NONE;
    /** Whether it has said what could not. */
    private volatile boolean lied;
    /** Whether the serving thread takes answers now, or waits for them; else it is busy with one. Written by that thread. */
    private volatile boolean listening;
    /** Whether somebody will look whether the answer has come that it owes. */
    private final AtomicBoolean isExpected = new AtomicBoolean();
    private volatile @Nullable String whyDestroyed;

    /** Written by who sends it a task while none is in flight. */
    private volatile boolean wasDead;

    /** The task in flight. */
    final AtomicReference<@Nullable RemoteSubmission<?>> current = new AtomicReference<>();
    /** The number of the last task sent; touched by whoever may hand it a task, see {@link WorkerSlot}. */
    private long lastTask;

    /** Guarded by itself. The shapes that it was told of. */
    private final BitSet told = new BitSet();

    private final Object aheadLock = new Object();
    /** Guarded by aheadLock. The tasks that were sent ahead and are neither in flight nor taken back, in their order. */
    private final Deque<RemoteSubmission<?>> ahead = new ArrayDeque<>();
    /** Only the serving thread. How long its tasks ran lately. */
    private long typicalNanos = AHEAD_NANOS;

    /** Work for so long is sent ahead: what it takes to send more, many times over. */
    private static final long AHEAD_NANOS = 400_000;

    /** How a worker ended. */
    record End(int exitCode, List<String> lastLines) {}

    /** Starts the process; it is not ready yet. */
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
                started.getOutputStream().close(); // nothing comes that way
            }
            output = settings.output() == WorkerOutput.INHERIT
                    ? null
                    : new OutputReader(name, started, settings.listener());
        } catch (Throwable e) { // no thread to be had, say
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
        Process started = settings.processFor(command).start();
        LinuxProcess.killFirst(started.pid());
        return started;
    }

    /** Once both ends are connected, or never will be, nothing is left in the file system. */
    private void removeTraces() {
        removeTraces(server, folder);
    }

    private static void removeTraces(@Nullable ServerSocketChannel server, Path folder) {
        try {
            if (server != null) {
                server.close();
            }
        } catch (IOException e) {
            // nobody will connect either way
        }
        MeetingFolder.remove(folder);
    }

    boolean hasArchive() {
        return hasArchive;
    }

    /** Waits until the worker has connected and says that it is ready; false if it ended before. */
    boolean awaitReady() throws IOException {
        Future<?> tooLong = null;
        try {
            var itsEnd = new ProcessEnd(process);
            itsEnd.then(this::removeTraces); // ends accept(); in the constructor it could come too soon for that
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
     * Has a worker that is ready run the pool's initializer.
     *
     * @return false if it threw, see {@link #initializerFailure}, or the worker ended, {@link #isInitializing}
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

    /** Whether it has begun its initializer, and not ended it. Asked before it is buried. */
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

    /** Whether a task had begun when the worker ended. Of one whose word is worth nothing, it is taken for granted. */
    boolean hadBegun(long task) {
        StatusPage.Progress said = progress();
        return task <= link().lastSent() && (said == null || said.begun() >= task);
    }

    // ---- what it says of its tasks ----

    /** What the worker says of its tasks; null when that cannot be true, and then it is killed. */
    private StatusPage.@Nullable Progress progress() {
        StatusPage.Progress before = heard; // what others read meanwhile is no older than this
        StatusPage.Progress said = page.progress();
        long sent = link().lastSent();
        if (lied || !said.canFollow(before, sent)) {
            lied = true;
            distrust("said of its tasks what cannot be, and was killed: ended " + said.ended() + ", begun " + said.begun()
                    + ", seen " + said.seen() + " of " + sent + ", after " + before.ended() + ", " + before.begun() + ", "
                    + before.seen());
            return null;
        }
        heard = said;
        return said;
    }

    /**
     * Whether a task has ended, though its answer may not have been read yet; or its worker is to die for something else. From
     * here on the answer is expected.
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
     * Looks later whether the answer has come that the worker owes. That may take long if this side is slow, or the answer
     * large; but where a thread waits for it, and nothing comes, the worker is as one whose task does not end.
     *
     * @param owed what it owed when last looked at
     * @param taken how much of an answer was there
     * @param looks how often in a row that was so
     */
    private void lookLater(@Nullable RemoteSubmission<?> owed, long taken, int looks) {
        try {
            Timers.after(LOOK, () -> look(owed, taken, looks));
        } catch (OutOfMemoryError e) { // no timer to be had: the next thread that asks whether a task has ended tries again
            isExpected.set(false);
        }
    }

    private void look(@Nullable RemoteSubmission<?> owed, long taken, int looks) {
        isExpected.set(false);
        RemoteSubmission<?> inFlight = current.get();
        StatusPage.Progress said = progress();
        if (inFlight == null || said == null || isBuried() || said.ended() < inFlight.task()) {
            return; // it owes none, or no longer
        }
        long takenNow = link().taken();
        int now = inFlight == owed && takenNow == taken && listening ? looks + 1 : 0;
        if (now == LOOKS) {
            distrust("said that it had ended a task, sent no answer, and was killed");
        } else if (isExpected.compareAndSet(false, true)) {
            lookLater(inFlight, takenNow, now);
        }
    }

    /** Written by the serving thread: whether it takes answers, or waits for them. */
    void listen(boolean whether) {
        listening = whether;
    }

    // ---- tasks ahead ----

    /** The thread that serves it heard how long a task ran. */
    void ranFor(long nanos) {
        typicalNanos += (nanos - typicalNanos) / 4;
    }

    /** Whether nothing was sent ahead, and more is not needed. */
    boolean hasNothingAhead() {
        synchronized (aheadLock) {
            return ahead.isEmpty();
        }
    }

    /** How many more tasks to send ahead, for the thread that serves it; 0 unless half of what it may have is done. */
    int wantsAhead() {
        if (mostTasks != WorkerPolicy.NO_LIMIT) {
            return 0; // each is counted when it is sent, and none may be one too many
        }
        long most = Math.clamp(AHEAD_NANOS / Math.max(1, typicalNanos), 1, link().mostAhead());
        synchronized (aheadLock) {
            int has = ahead.size();
            return isCondemned() || standing != Standing.SERVING || has > most / 2 ? 0 : (int) most - has;
        }
    }

    /** Whether a task can be handed to it, being idle, without waiting for it to read. */
    boolean takesAtOnce(EncodedTask message) {
        try {
            return link().takesAtOnce(message.mostBytes());
        } catch (IOException e) {
            return true; // it is gone, and says so at once
        }
    }

    /** Whether a task can be sent ahead without waiting for the worker. */
    boolean takesAhead(EncodedTask message) throws IOException {
        StatusPage.Progress said = progress();
        return said != null && said.leavesWordFor(lastTask + 1) && link().takesAtOnce(message.mostBytes());
    }

    /** Sends a task, and before it the shapes in it that this worker was not told of. */
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
     * Adds a task to those ahead: only the serving thread, with the pool's lock, once for each task that the worker {@link #wantsAhead}. From here on
     * another worker may take the task back; the message is sent in any case, as the worker expects the numbers of tasks without a gap.
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
            lastTask = number; // the one after that in flight: see StatusPage for why none may be left out
            ahead.addLast(submission);
            return true;
        }
    }

    /** Sends the message of the task that was last {@linkplain #addAhead added}. */
    void sendAhead(EncodedTask message) throws IOException {
        send(lastTask, true, message);
    }

    /**
     * What was in flight has been answered: the first that was sent ahead is in flight now. Who calls it then says so to that,
     * with {@code startSent}.
     *
     * @return what is in flight; null when nothing was sent ahead
     */
    @Nullable RemoteSubmission<?> nextInFlight() {
        synchronized (aheadLock) {
            RemoteSubmission<?> next = ahead.pollFirst();
            current.set(next);
            return next;
        }
    }

    /** The tasks that a dead worker had begun ahead of their turn, which is against the rules; mostly none. */
    List<RemoteSubmission<?>> begunOutOfTurn() {
        List<RemoteSubmission<?>> begun;
        synchronized (aheadLock) {
            begun = List.copyOf(ahead);
            ahead.clear();
        }
        begun.forEach(RemoteSubmission::startSent);
        return begun;
    }

    /** Takes back the first task sent ahead that has not begun, for another worker; null when there is none. */
    @Nullable RemoteSubmission<?> takeBackAhead() {
        synchronized (aheadLock) {
            for (var each = ahead.iterator(); each.hasNext(); ) {
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

    /** Takes back all that has not begun, the last first. */
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
                return; // it is in flight, or was taken back, and says so
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

    /** Whether a task is in flight here, or begun ahead of its turn. */
    boolean has(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            return current.get() == submission || ahead.contains(submission);
        }
    }

    /** What it has: the one in flight, and those sent ahead. */
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
     * Ends the process for the sake of a task that does not end, unless that has ended; no other task dies with it.
     *
     * @param crash what is said of it if it is the task's fault, or null if it is on purpose
     * @return the tasks that were sent ahead, taken back and to be placed, the last first
     */
    List<RemoteSubmission<?>> killFor(RemoteSubmission<?> stopped, @Nullable String crash) {
        List<RemoteSubmission<?>> waited;
        boolean isToDie;
        synchronized (aheadLock) {
            waited = takeBackAllAhead(); // now the worker cannot begin another
            isToDie = has(stopped) && !hasEnded(stopped);
            condemned |= isToDie; // a kill that is under way stays so
        }
        if (isToDie && crash != null) {
            destroy(crash);
        } else if (isToDie) {
            kill();
        }
        return waited;
    }

    /** Whether it is about to be killed, and gets no other task. */
    boolean isCondemned() {
        return condemned || lineEnded;
    }

    /** Ends the process now, on purpose: that is no crash. */
    void kill() {
        endIntended = true;
        process.destroyForcibly();
    }

    /**
     * Ends a process that does not behave: that counts as a crash.
     *
     * @param why what is said of it
     */
    void destroy(String why) {
        if (whyDestroyed == null) {
            whyDestroyed = why;
        }
        process.destroyForcibly();
    }

    /**
     * Ends a process that does not keep to the rules, and whose answers are not taken any more.
     *
     * @param why what is said of it
     */
    void distrust(String why) {
        lineEnded = true;
        destroy(why);
    }

    /** Its line broke off: no answer can come any more, and it is to be buried. */
    void endLine() {
        lineEnded = true;
    }

    boolean hasLineEnded() {
        return lineEnded;
    }

    /** Why this side ended the process, or null. */
    @Nullable String whyDestroyed() {
        return whyDestroyed;
    }

    /** Whether the kernel has killed any process since this one started, or does not tell. */
    boolean kernelMayHaveKilled() {
        return oomKillsBefore < 0 || LinuxProcess.oomKills() != oomKillsBefore;
    }

    /** No later than when the process was started. */
    Instant startedAt() {
        return startedAt;
    }

    /** Asks the process to end by itself, which takes as long as its shutdown hooks do. Only the first call does. */
    void quit() {
        if (!asked.compareAndSet(false, true)) {
            return;
        }
        endIntended = true;
        try {
            Future<?> limit = Timers.after(EXIT_LIMIT, process::destroyForcibly); // first, as it may not even read that
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

    /** Called by who is about to send it the task in flight. */
    void noteWhetherDead() {
        wasDead = !process.isAlive();
    }

    /** Whether it was dead before it was sent what it has, and so did not die of that. */
    boolean wasDeadBefore() {
        return wasDead;
    }

    /** Whether it has connected; only then can it be asked to end. */
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

    /** Under the pool's lock. */
    void standAs(Standing next) {
        standing = next;
    }

    boolean isBuried() {
        return standing == Standing.BURIED;
    }

    /** Under the pool's lock: it has nothing to do. */
    void isIdleNow() {
        idleSince = Backend.current().nanoTime();
    }

    /** Under the pool's lock, of one that is idle. */
    long idleNanos() {
        return Backend.current().nanoTime() - idleSince;
    }

    /** How old it is. */
    long nanosSinceStart() {
        return Backend.current().nanoTime() - startedNanos;
    }

    /** A task was answered. */
    void countTask() {
        tasksDone.incrementAndGet();
    }

    long tasksDone() {
        return tasksDone.get();
    }

    void outgrew() {
        hasOutgrown = true;
    }

    /** Whether it has served long enough, and another should take its place. */
    boolean isSpent() {
        return standing == Standing.SERVING
                && (hasOutgrown || isExhausted() || lifespan.isOver(tasksDone.get(), nanosSinceStart()));
    }

    /** Whether it has done all tasks that it may ever be sent: with such a limit none is sent before the one before it was answered. */
    boolean isExhausted() {
        return tasksDone.get() >= mostTasks;
    }

    /** Waits for the end of a process that was asked for it. */
    int awaitExit() {
        return ProcessEnd.await(process);
    }

    /** Waits for the end of a process whose line is dead, and tells how it ended. */
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
