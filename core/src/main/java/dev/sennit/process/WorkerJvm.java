package dev.sennit.process;

import dev.sennit.internal.Durations;
import dev.sennit.internal.Timers;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One worker process, from its start to its end, as the parent sees it.
 *
 * <p>{@link #start} makes the process, {@link #awaitReady} waits until it has connected; from then on {@link #link} speaks
 * to it, until that says the worker is gone, and {@link #bury} tells how.
 */
final class WorkerJvm {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);
    /** The output of a process that has ended is there at once, unless a child of its own holds the pipe. */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);

    private final WorkerSlot slot;
    private final Instant startedAt = Instant.now();
    private final Path folder;
    private final ServerSocketChannel server;
    private final StatusPage page;
    private final Process process;
    private final @Nullable OutputReader output;
    /** Written once by {@link #awaitReady}, in the thread that serves the slot, before the slot is offered tasks. */
    private @Nullable WorkerLink link;

    private volatile boolean up;
    private volatile boolean endIntended;
    private volatile boolean buried;
    private volatile boolean condemned;
    private volatile @Nullable String whyDestroyed;

    /** The task in flight. */
    final AtomicReference<@Nullable RemoteSubmission<?>> current = new AtomicReference<>();
    /** The number of the last task sent; touched by whoever may hand it a task, see {@link WorkerSlot}. */
    private long lastTask;

    private final Object aheadLock = new Object();
    /** Guarded by aheadLock. The task that was sent ahead and is neither in flight nor taken back. */
    private @Nullable RemoteSubmission<?> ahead;

    /** How a worker ended. */
    record End(int exitCode, List<String> lastLines) {}

    /** Starts the process; it is not ready yet. */
    WorkerJvm(ProcessPool.Builder settings, List<String> arguments, String name, WorkerSlot slot) throws IOException {
        this.slot = slot;
        folder = WorkerFolder.create();
        ServerSocketChannel opened = null;
        Process started = null;
        try {
            opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            opened.bind(UnixDomainSocketAddress.of(folder.resolve(WorkerFolder.SOCKET)));
            page = StatusPage.create(folder.resolve(WorkerFolder.STATUS));
            List<String> command = new ArrayList<>(
                    WorkerCommand.write(arguments, folder.resolve(WorkerFolder.ARGUMENTS)));
            command.addAll(List.of(folder.toString(), name));
            started = start(settings, command);
            output = settings.output() == WorkerOutput.INHERIT
                    ? null
                    : new OutputReader(name, started, settings.listenerOrDefault());
        } catch (Throwable e) { // no thread to be had, say
            if (started != null) {
                started.destroyForcibly();
            }
            removeTraces(opened, folder);
            throw e;
        }
        server = opened;
        process = started;
    }

    private static Process start(ProcessPool.Builder settings, List<String> command) throws IOException {
        var builder = new ProcessBuilder(command);
        if (settings.output() == WorkerOutput.INHERIT) {
            builder.redirectOutput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT);
        }
        WorkerCommand.removeOptions(builder.environment());
        return builder.start();
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
        WorkerFolder.remove(folder);
    }

    /** Waits until the worker has connected and says that it is ready; false if it ended before. */
    boolean awaitReady() throws IOException {
        process.onExit().thenRun(this::removeTraces); // ends accept(); in the constructor it could come too soon for that
        Future<?> tooLong = Timers.after(
                START_LIMIT, () -> destroy("was not ready after " + Durations.text(START_LIMIT) + " and was killed"));
        try {
            SocketChannel socket = server.accept();
            var connected = new PlainLink(process.getOutputStream(), socket);
            link = connected;
            WorkerLink.Reply first = connected.receive();
            up = first != null && first.kind() == WorkerLink.Kind.READY;
            return up;
        } catch (ClosedChannelException e) { // the process ended first
            return false;
        } finally {
            tooLong.cancel(false);
            removeTraces();
        }
    }

    WorkerSlot slot() {
        return slot;
    }

    long nextTask() {
        return ++lastTask;
    }

    WorkerLink link() {
        return java.util.Objects.requireNonNull(link, "not ready");
    }

    long pid() {
        return process.pid();
    }

    /** Whether a task had begun when the worker ended. */
    boolean hadBegun(long task) {
        return page.lastBegun() >= task;
    }

    // ---- one task ahead ----

    /**
     * Sends a task to a worker that is busy with another; only the thread that serves it, and at most once for each task
     * in flight, as what was taken back still fills the pipe.
     *
     * @return false when somebody else has the task, or it was dropped, or this worker is condemned
     */
    boolean sendAhead(RemoteSubmission<?> submission) throws IOException {
        synchronized (aheadLock) {
            if (condemned) {
                return false;
            }
            long number = lastTask + 1;
            submission.assign(this, number);
            page.offerAhead(number);
            if (!submission.sent()) {
                page.takeBack(number);
                return false;
            }
            lastTask = number; // the one after that in flight: see StatusPage for why none may be left out
            ahead = submission;
        }
        link().sendTask(submission.task(), true, submission.message());
        return true;
    }

    /** What was sent ahead is in flight now: the task before it has been answered. Null when there is none. */
    @Nullable RemoteSubmission<?> nextInFlight() {
        RemoteSubmission<?> next;
        synchronized (aheadLock) {
            next = ahead;
            ahead = null;
            current.set(next);
        }
        if (next != null) {
            next.startSent();
        }
        return next;
    }

    /** The task that a dead worker had begun ahead of its turn, which is against the rules; mostly null. */
    @Nullable RemoteSubmission<?> begunOutOfTurn() {
        RemoteSubmission<?> begun;
        synchronized (aheadLock) {
            begun = ahead;
            ahead = null;
        }
        if (begun != null) {
            begun.startSent();
        }
        return begun;
    }

    /** Takes back the task that was sent ahead, for another worker; null when there is none, or it has begun. */
    @Nullable RemoteSubmission<?> takeBackAhead() {
        synchronized (aheadLock) {
            RemoteSubmission<?> taken = ahead;
            if (taken == null || !page.takeBack(taken.task())) {
                return null;
            }
            ahead = null;
            taken.takenBack();
            return taken;
        }
    }

    /** See {@link RemoteSubmission#takeBackOrStart}. */
    void takeBackOrStart(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            if (ahead != submission) {
                return; // it is in flight, or was taken back, and says so
            }
            if (page.takeBack(submission.task())) {
                ahead = null;
                submission.takenBack();
                return;
            }
        }
        submission.startSent();
    }

    /** Whether a task is in flight here, or begun ahead of its turn. */
    boolean has(RemoteSubmission<?> submission) {
        synchronized (aheadLock) {
            return current.get() == submission || ahead == submission;
        }
    }

    @Nullable RemoteSubmission<?> ahead() {
        synchronized (aheadLock) {
            return ahead;
        }
    }

    /** Whether a task has ended, though its answer may not have been read yet. */
    boolean hasEnded(RemoteSubmission<?> submission) {
        return page.lastEnded() >= submission.task();
    }

    /**
     * Ends the process for the sake of a task that does not end, unless that has ended; no other task dies with it.
     *
     * @return the task that was sent ahead, taken back and to be placed, or null
     */
    @Nullable RemoteSubmission<?> killFor(RemoteSubmission<?> stopped) {
        RemoteSubmission<?> waited;
        synchronized (aheadLock) {
            waited = takeBackAhead(); // now the worker cannot begin another
            condemned = has(stopped) && !hasEnded(stopped);
        }
        if (condemned) {
            kill();
        }
        return waited;
    }

    /** Whether it is about to be killed, and gets no other task. */
    boolean isCondemned() {
        return condemned;
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

    /** Why this side ended the process, or null. */
    @Nullable String whyDestroyed() {
        return whyDestroyed;
    }

    /** No later than when the process was started. */
    Instant startedAt() {
        return startedAt;
    }

    /** Asks the process to end by itself, which takes as long as its shutdown hooks do. */
    void quit() {
        endIntended = true;
        try {
            link().quit();
        } catch (IOException e) {
            // it has ended
        }
        Future<?> limit = Timers.after(EXIT_LIMIT, process::destroyForcibly);
        process.onExit().thenRun(() -> limit.cancel(false));
    }

    /** Whether it has connected; only then can it be asked to end. */
    boolean isUp() {
        return up;
    }

    boolean endWasIntended() {
        return endIntended;
    }

    /** Whether nobody listens for its answers any more. Set before the slot's current task is looked at. */
    boolean isBuried() {
        return buried;
    }

    void markBuried() {
        buried = true;
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
