package dev.sennit.process;

import dev.sennit.WorkerStartException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.SuspendingFuture;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.internal.machine.OutputReader;
import dev.sennit.internal.machine.ProcessEnd;
import dev.sennit.process.Frames.Frame;
import dev.sennit.process.Frames.Kind;
import java.io.File;
import java.io.IOException;
import java.io.StreamCorruptedException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The JVM behind a {@link WorkerProcess} or a {@link PreparedProcess}, from its start to its end.
 *
 * <pre>
 * STARTING -> WAITING -> RUNNING -> ENDED     connects; gets its main; begins it. Each state may be the last but one.
 *         \____________/                      a main may be there before the JVM has connected
 * </pre>
 *
 * <p>One thread, the watch, reads messages of the process, calls the listener of its notes, and writes messages that
 * the socket did not take at once. The watch keeps this JVM alive, unless the process is a daemon.
 */
final class ChildJvm {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** The output of a process that has ended is there at once, unless a child of its own holds the pipe. */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);
    /** The exit code of a killed process: by SIGKILL, or on Windows. */
    private static final int KILLED = File.separatorChar == '/' ? 128 + 9 : 1;

    /** The settings of a {@link WorkerProcess.Builder}. */
    record Settings(
            WorkerSettings jvm,
            boolean daemon,
            Duration orphanLimit,
            boolean killedWithParent,
            @Nullable NoteListener listener,
            AllowList allowed) {}

    /** The encoded main, and the loader for the classes of its failures. */
    record Main(MessageBuffer task, ClassLoader loader) {}

    private final Settings settings;
    private final Path folder;
    private final ServerSocketChannel server;
    private final Process process;
    private final boolean killedWithParent;
    private final @Nullable OutputReader output;
    private final Outbox outbox = Outbox.ofParent();

    private final CompletableFuture<@Nullable Void> connected = new SuspendingFuture<>();
    private final CompletableFuture<@Nullable Void> ended = new SuspendingFuture<>();

    /** Written under lock. Changes at most once, before the main is sent. */
    private volatile String name;
    /** Written by any thread that kills the process. */
    private volatile boolean killed;
    /** Only the watch, until {@link #ended}. */
    private @Nullable Throwable failure;

    private final Object lock = new Object();
    /** Guarded by lock. Null while the process is only a {@link PreparedProcess}. */
    private @Nullable WorkerProcess owner;
    /** Guarded by lock. The main to send; null before there is one, and after it was sent. */
    private @Nullable Main waiting;
    /** Guarded by lock. The loader of the main that was sent; null until then. */
    private @Nullable ClassLoader loader;
    /** Guarded by lock. */
    private boolean isConnected;
    /** Guarded by lock. */
    private boolean isClosed;
    /** Guarded by lock. */
    private boolean isOver;
    /** Guarded by lock. Null until the process is asked to stop. */
    private @Nullable Deadline stopBy;
    /** Guarded by lock. Kills the process at {@code stopBy}. */
    private @Nullable Future<?> stopTimer;

    /** Starts the process. The caller {@linkplain #watch watches} it, or {@linkplain #abandon abandons} it. */
    ChildJvm(Settings settings, String name) throws IOException {
        this.settings = settings;
        this.name = name;
        folder = MeetingFolder.create();
        ServerSocketChannel opened = null;
        Process started = null;
        try {
            killedWithParent = settings.killedWithParent() && ParentDeathSignal.isAvailable();
            opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            opened.bind(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
            started = launch(settings.jvm(), folder, name, killedWithParent);
            LineListener lines = settings.jvm().listener();
            output = settings.jvm().output() == WorkerOutput.INHERIT
                    ? null
                    : new OutputReader(name, started, (error, line) -> lines.line(this.name, error, line));
        } catch (Throwable e) { // no thread available, say
            if (started != null) {
                started.destroyForcibly();
            }
            removeTraces(opened, folder);
            throw e;
        }
        server = opened;
        process = started;
    }

    private static Process launch(WorkerSettings settings, Path folder, String name, boolean killedWithParent)
            throws IOException {
        List<String> command = new ArrayList<>(WorkerCommand.write(
                WorkerCommand.arguments(settings, WorkerProcessMain.class), folder.resolve(MeetingFolder.ARGUMENTS)));
        command.addAll(List.of(name, folder.toString()));
        ProcessBuilder builder = settings.processFor(command);
        ParentDeathSignal atParentsEnd =
                killedWithParent ? ParentDeathSignal.KILL : ParentDeathSignal.CONTINUE; // so that it ends itself
        Process process = atParentsEnd.start(builder);
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // it has ended already
        }
        return process;
    }

    /** Removes the socket and the folder, once both ends are connected or never will be. */
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

    /**
     * Starts to watch the process.
     *
     * @throws OutOfMemoryError when no thread is available; the process is killed then
     */
    void watch() {
        try {
            Backend.start(new Watch());
        } catch (Throwable e) {
            abandon();
            throw e;
        }
    }

    /** Gives the process up without watching it. */
    void abandon() {
        kill();
        removeTraces(server, folder);
        end();
    }

    // ---- the main ----

    /**
     * Reserves this JVM for a process.
     *
     * @throws IllegalStateException if it has ended, was closed, or is reserved for another process
     */
    void reserve(WorkerProcess process, String newName) {
        synchronized (lock) {
            if (owner != null || isClosed) {
                throw new IllegalStateException(this + (owner != null ? " has a main already" : " was closed"));
            }
            if (isOver || isConnected && !this.process.isAlive()) {
                throw new IllegalStateException(this + " cannot begin a main any more");
            }
            owner = process;
            WorkerProcess.ACTIVE.add(process); // under the lock, as the end of the process removes it
            name = newName;
        }
    }

    /** Sends the main, once the process has connected. */
    void handOver(Main main) {
        synchronized (lock) {
            waiting = main;
            if (isConnected) {
                sendMain();
            }
        }
    }

    /** Under lock. */
    private void sendMain() {
        Main main = waiting;
        if (main != null && stopBy == null) {
            waiting = null;
            loader = main.loader();
            outbox.add(Frames.settings(name, settings.orphanLimit()));
            outbox.add(Kind.MAIN, main.task().bytes(), main.task().length());
            outbox.releaseNotes();
        }
    }

    boolean send(byte[] note) {
        return outbox.offer(note);
    }

    // ---- the end ----

    /** Ends a process that has no main, and will get none. */
    void close() {
        synchronized (lock) {
            if (owner != null) {
                return;
            }
            isClosed = true;
        }
        kill();
    }

    /** Asks the process to end, and kills it at the limit, or at once if no timer is available. */
    void stop(Duration limit) {
        if (!limit.isPositive()) {
            kill();
            return;
        }
        Future<?> former;
        synchronized (lock) {
            Deadline deadline = Deadline.in(limit);
            if (isOver || stopBy != null && stopBy.left() <= deadline.left()) {
                return;
            }
            former = stopTimer;
            try {
                stopTimer = Timers.after(limit, this::kill); // may fail, so it comes before the message to the process
                stopBy = deadline;
                if (isConnected) {
                    outbox.add(Frames.stop(limit));
                } else {
                    process.destroy(); // it runs no code of the user
                }
            } catch (Throwable e) { // no thread available
                kill();
            }
        }
        if (former != null) {
            former.cancel(false);
        }
    }

    void terminate() {
        process.destroy();
    }

    void kill() {
        if (process.isAlive()) {
            killed = true;
        }
        process.destroyForcibly();
    }

    /** Handles the end of the process, as the last action. */
    private void end() {
        Future<?> timer;
        WorkerProcess mine;
        synchronized (lock) {
            isOver = true;
            timer = stopTimer;
            mine = owner;
        }
        outbox.close();
        if (timer != null) {
            timer.cancel(false);
        }
        if (mine != null) {
            WorkerProcess.ACTIVE.remove(mine);
        }
        connected.completeExceptionally(
                failure != null ? failure : new WorkerStartException(this + " has not connected", null));
        ended.complete(null);
    }

    /**
     * Communicates with the process and waits for its end. If the process is no daemon, this thread keeps the JVM alive
     * until the end.
     */
    private final class Watch extends Thread {
        private final Frames.Reader in =
                new Frames.Reader(EnumSet.of(Kind.BEGUN, Kind.NOTE, Kind.TAKEN, Kind.FAILURE));
        private boolean began;

        Watch() {
            super(name + "-watch");
            setDaemon(settings.daemon());
        }

        @Override
        public void interrupt() {}

        @Override
        public void run() {
            Throwable cause = null;
            Future<?> tooLong = null;
            try {
                tooLong = Timers.after(START_LIMIT, ChildJvm.this::kill);
                new ProcessEnd(process).then(() -> removeTraces(server, folder)); // ends accept()
                ClassServer.serve(server.accept(), name);
                try (SocketChannel socket = server.accept(); Selector selector = Selector.open()) {
                    removeTraces(server, folder);
                    socket.configureBlocking(false);
                    outbox.add(Frames.greeting());
                    outbox.open(socket, socket.register(selector, SelectionKey.OP_READ));
                    listen(socket, selector, tooLong);
                }
            } catch (StreamCorruptedException e) {
                kill();
                cause = e;
            } catch (IOException e) {
                // it has ended
            } catch (Throwable e) { // no thread or memory available
                kill();
                cause = e;
            } finally {
                if (tooLong != null) {
                    tooLong.cancel(false);
                }
                outbox.close();
                removeTraces(server, folder);
            }
            conclude(cause);
        }

        /** Returns when the process has ended. */
        private void listen(SocketChannel socket, Selector selector, Future<?> tooLong) throws IOException {
            while (true) {
                selector.select();
                selector.selectedKeys().clear();
                outbox.flush();
                if (!in.fill(socket)) {
                    return;
                }
                for (Frame frame = in.next(); frame != null; frame = in.next()) {
                    take(frame, tooLong);
                }
            }
        }

        private void take(Frame frame, Future<?> tooLong) throws StreamCorruptedException {
            switch (frame.kind()) {
                case GREETING -> {
                    frame.ensureVersion();
                    tooLong.cancel(false);
                    hasConnected();
                }
                case BEGUN -> {
                    ensure(!began && mainLoader() != null, frame);
                    began = true;
                }
                case NOTE -> {
                    ensure(began, frame);
                    hear(frame.content());
                }
                case TAKEN -> {
                    ensure(began, frame);
                    outbox.taken(frame.number());
                }
                case FAILURE -> {
                    ensure(began && failure == null, frame);
                    ClassLoader known = mainLoader();
                    failure = TaskCodec.decodeFailure(
                            frame.content(), known != null ? known : ClassLoader.getSystemClassLoader(),
                            settings.allowed());
                }
                default -> ensure(false, frame);
            }
        }

        private static void ensure(boolean inPlace, Frame frame) throws StreamCorruptedException {
            if (!inPlace) {
                throw new StreamCorruptedException("a " + frame.kind() + " has no place here");
            }
        }

        private void hasConnected() {
            synchronized (lock) {
                isConnected = true;
                Deadline deadline = stopBy;
                if (deadline != null) {
                    outbox.add(Frames.stop(Duration.ofNanos(deadline.left())));
                }
                sendMain();
            }
            connected.complete(null);
        }

        private void hear(byte[] note) {
            NoteListener listener = settings.listener();
            WorkerProcess sender = owner();
            if (listener == null || sender == null) {
                return;
            }
            try {
                listener.note(sender, note);
            } catch (Throwable e) { // later notes are still delivered
                Uncaught.log("note listener of process " + name + " failed", e);
            }
        }

        private void conclude(@Nullable Throwable cause) {
            try {
                int exitCode = process.waitFor();
                if (output != null) {
                    output.awaitEnd(OUTPUT_LIMIT);
                }
                if (!began) {
                    failure = new WorkerStartException(
                            "process " + name + " (pid " + pid() + ") " + WorkerCrashedException.describeExit(exitCode)
                                    + " before its main began" + refused(cause) + said(),
                            cause);
                } else if (cause instanceof StreamCorruptedException) {
                    failure = new StreamCorruptedException("process " + name + " (pid " + pid() + ")" + refused(cause));
                } else if (cause != null) {
                    failure = cause;
                }
            } catch (InterruptedException e) {
                throw new AssertionError("threads that watch processes cannot be interrupted", e);
            } finally {
                end();
            }
        }

        private static String refused(@Nullable Throwable cause) {
            return cause instanceof StreamCorruptedException
                    ? "; it was killed, as what it said makes no sense: " + cause.getMessage()
                    : "";
        }

        private String said() {
            return output == null || output.lastLines().isEmpty()
                    ? ""
                    : "; it said: " + String.join(" | ", output.lastLines());
        }
    }

    // ---- state ----

    private @Nullable WorkerProcess owner() {
        synchronized (lock) {
            return owner;
        }
    }

    private @Nullable ClassLoader mainLoader() {
        synchronized (lock) {
            return loader;
        }
    }

    String name() {
        return name;
    }

    AllowList allowed() {
        return settings.allowed();
    }

    long pid() {
        return process.pid();
    }

    boolean isDaemon() {
        return settings.daemon();
    }

    boolean isKilledWithParent() {
        return killedWithParent;
    }

    ProcessHandle toHandle() {
        return process.toHandle();
    }

    /** Returns a future that is done when the process has connected, and fails if the process ends before. */
    CompletableFuture<@Nullable Void> connected() {
        return connected;
    }

    /** Returns a future that is done when the process has ended and all its messages were read. */
    CompletableFuture<@Nullable Void> ended() {
        return ended;
    }

    /** Returns whether the process has not ended. */
    boolean isAlive() {
        return !ended.isDone();
    }

    /** Once it has ended. */
    int exitValue() {
        return process.exitValue();
    }

    /** Once it has ended. */
    @Nullable Throwable failure() {
        return failure;
    }

    /**
     * Returns whether the library has killed the process. Only after its end. A SIGKILL of another process, or an end
     * by itself at the last moment, does not count.
     */
    boolean wasKilled() {
        return killed && process.exitValue() == KILLED;
    }

    /** Returns a text such as "runs" or "was killed by signal 9 (SIGKILL)". */
    String state() {
        return isAlive() ? "runs" : WorkerCrashedException.describeExit(process.exitValue());
    }

    @Override
    public String toString() {
        String does;
        synchronized (lock) {
            does = !process.isAlive()
                    ? WorkerCrashedException.describeExit(process.exitValue())
                    : owner != null ? "was started" : isConnected ? "waits for its main" : "starts";
        }
        return "PreparedProcess[" + name + ", pid " + pid() + ", " + does + "]";
    }
}
