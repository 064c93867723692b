package dev.sennit.process;

import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Movable;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.SuspendingFuture;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.pipe.Pipe;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A process that runs one piece of your program: as a {@link Thread}, but with memory of its own, and one that can be
 * killed.
 *
 * <p>For a part of a program that runs for long and has a life of its own. For many tasks with results, use a {@link
 * ProcessPool}. Processes speak to each other through a {@link Pipe}.
 *
 * {@snippet :
 * WorkerProcess process =
 *         WorkerProcess.start(() -> System.out.println("this is process " + ProcessHandle.current().pid()));
 * process.join();
 * System.out.println("it ended with exit code " + process.exitCode().getAsInt());
 * }
 *
 * <h2>What it gets</h2>
 *
 * <p>It is a JVM with this one's class path and modules, system properties of its command line, and environment;
 * classes that are not there are borrowed from this JVM. Its main comes by serialization, with copies of what it
 * captured. It gets nothing else: no open file but its output, no static variable, no thread, and a standard input that
 * is at its end.
 *
 * <h2>How it ends</h2>
 *
 * <p>As any JVM: when its main and its threads that are not daemons have ended, by {@link System#exit}, or by a signal.
 * When its main throws, the stack trace goes to its standard error and the exit code is 1, and {@link #failure} has the
 * exception. Ctrl-C and {@code systemctl stop}, which signal all processes of a program, end it too, other than the
 * workers of a {@link ProcessPool}.
 *
 * <p><b>Its parent's end is its own</b>, as it is for a thread: when this JVM ends, by its own will or by
 * {@code kill -9}, the process gets to know it, runs its shutdown hooks, and is gone after two seconds at the latest.
 * One that is not a {@linkplain Builder#daemon daemon}, which is the default, keeps this JVM alive when its main method
 * returns, as a thread does; it does not survive {@link System#exit}. What is to survive this JVM is started by a
 * {@link ProcessBuilder}.
 */
public final class WorkerProcess {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** The output of a process that has ended is there at once, unless a child of its own holds the pipe. */
    private static final Duration OUTPUT_LIMIT = Duration.ofMillis(500);

    private static final AtomicInteger STARTED = new AtomicInteger();
    private static final Set<WorkerProcess> ACTIVE = ConcurrentHashMap.newKeySet();

    private final String name;
    private final boolean daemon;
    private final AllowList allowed;
    private final Path folder;
    private final ServerSocketChannel server;
    private final Process process;
    private final @Nullable OutputReader output;
    private final CompletableFuture<WorkerProcess> ended = new SuspendingFuture<>();
    /** Only the watching thread, until {@link #ended}. */
    private @Nullable Throwable failure;

    /** What a process runs. As a program's main method, it may throw anything. */
    @FunctionalInterface
    public interface Main extends Serializable {
        /**
         * Runs in the new process, in its main thread.
         *
         * @throws Exception which is printed, and ends the process with exit code 1
         */
        void run() throws Exception;
    }

    private record MainTask(Main main) implements Task<@Nullable Object> {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        public @Nullable Object call() throws Exception {
            main.run();
            return null;
        }
    }

    /**
     * Starts a process with the defaults.
     *
     * @param main what it runs; a lambda will do
     * @return the process, which runs
     * @throws TaskSerializationException naming what the main captured that cannot travel
     * @throws WorkerStartException when the system has no room for another process
     */
    public static WorkerProcess start(Main main) {
        return builder().start(main);
    }

    /**
     * For a process with settings.
     *
     * @return a builder with the defaults
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The processes that this one has started and that have not ended.
     *
     * @return a snapshot, in the order of their process ids
     */
    public static List<WorkerProcess> active() {
        return ACTIVE.stream().sorted(Comparator.comparingLong(WorkerProcess::pid)).toList();
    }

    /**
     * The name of the {@code WorkerProcess} that this code runs in.
     *
     * @return its name; empty in a program that somebody else started, and in the workers of a pool
     */
    public static Optional<String> currentName() {
        return Optional.ofNullable(WorkerProcessMain.name());
    }

    private WorkerProcess(WorkerSettings settings, String name, boolean daemon, AllowList allowed) throws IOException {
        this.name = name;
        this.daemon = daemon;
        this.allowed = allowed;
        folder = MeetingFolder.create();
        ServerSocketChannel opened = null;
        Process started = null;
        try {
            opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            opened.bind(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
            started = launch(settings, folder, name);
            output = settings.output() == WorkerOutput.INHERIT
                    ? null
                    : new OutputReader(name, started, settings.listener());
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

    private static Process launch(WorkerSettings settings, Path folder, String name) throws IOException {
        List<String> command = new ArrayList<>(WorkerCommand.write(
                WorkerCommand.arguments(settings, WorkerProcessMain.class), folder.resolve(MeetingFolder.ARGUMENTS)));
        command.addAll(List.of(name, folder.toString()));
        Process process = settings.processFor(command).start();
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // it has ended already
        }
        return process;
    }

    /** Once both ends are connected, or never will be, nothing is left in the file system. */
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

    /** Nobody watches it, and nobody has it. */
    private void abandon() {
        process.destroyForcibly();
        removeTraces(server, folder);
        ACTIVE.remove(this);
        ended.complete(this);
    }

    /**
     * Sends the main and waits for the end. One that is no daemon keeps this JVM alive, so that the process may end.
     */
    private final class Watch extends Thread {
        private final ClassLoader loader;
        /** Only this thread; null when it has been sent. */
        private @Nullable MessageBuffer main;

        Watch(MessageBuffer main, ClassLoader loader) {
            super(name + "-watch");
            this.main = main;
            this.loader = loader;
            setDaemon(daemon);
        }

        /** An interrupt would close the channel, which tells the process that its parent is gone. */
        @Override
        public void interrupt() {}

        @Override
        public void run() {
            boolean began = false;
            Future<?> tooLong = null;
            Throwable cause = null;
            try {
                tooLong = Timers.after(START_LIMIT, process::destroyForcibly);
                new ProcessEnd(process).then(() -> removeTraces(server, folder)); // ends accept()
                ClassServer.serve(server.accept(), name);
                try (SocketChannel socket = server.accept()) {
                    tooLong.cancel(false);
                    removeTraces(server, folder);
                    began = true;
                    send(socket, Objects.requireNonNull(main));
                    main = null;
                    listen(socket);
                }
            } catch (IOException e) {
                // it has ended
            } catch (Throwable e) { // no thread or memory to be had
                process.destroyForcibly();
                cause = e;
            } finally {
                if (tooLong != null) {
                    tooLong.cancel(false);
                }
                removeTraces(server, folder);
            }
            conclude(began, cause);
        }

        private static void send(SocketChannel socket, MessageBuffer message) throws IOException {
            var out = new DataOutputStream(Channels.newOutputStream(socket));
            out.writeInt(message.length());
            out.write(message.bytes(), 0, message.length());
        }

        private void listen(SocketChannel socket) throws IOException {
            var in = new DataInputStream(Channels.newInputStream(socket));
            int length = in.readInt(); // ends with the process, if its main does not fail
            byte[] message = in.readNBytes(length);
            if (message.length == length) {
                failure = TaskCodec.decodeFailure(message, loader, allowed);
            }
            while (in.read() >= 0) {
                // the process lives on until its other threads have ended
            }
        }

        private void conclude(boolean began, @Nullable Throwable cause) {
            try {
                int exitCode = process.waitFor();
                if (output != null) {
                    output.awaitEnd(OUTPUT_LIMIT);
                }
                if (!began) {
                    failure = new WorkerStartException(
                            "process " + name + " (pid " + pid() + ") " + WorkerCrashedException.describeExit(exitCode)
                                    + " before its main began" + said(),
                            cause);
                } else if (cause != null) {
                    failure = cause;
                }
            } catch (InterruptedException e) {
                throw new AssertionError("threads that watch processes cannot be interrupted", e);
            } finally {
                ACTIVE.remove(WorkerProcess.this);
                ended.complete(WorkerProcess.this);
            }
        }

        private String said() {
            return output == null || output.lastLines().isEmpty()
                    ? ""
                    : "; it said: " + String.join(" | ", output.lastLines());
        }
    }

    // ---- what it is ----

    /**
     * Its name, which is the name of its main thread, and stands before the lines it writes.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Its process id.
     *
     * @return the id, also when the process has ended
     */
    public long pid() {
        return process.pid();
    }

    /**
     * Whether it lets this JVM end while it runs.
     *
     * @return true if it does
     */
    public boolean isDaemon() {
        return daemon;
    }

    /**
     * The process as the operating system knows it.
     *
     * @return a handle
     */
    public ProcessHandle toHandle() {
        return process.toHandle();
    }

    // ---- how it ends ----

    /**
     * Whether it has not ended. When it has, all it wrote has been read, and {@link #exitCode} and {@link #failure} are
     * there.
     *
     * @return true from its start to its end
     */
    public boolean isAlive() {
        return !ended.isDone();
    }

    /**
     * Waits until it has ended.
     *
     * @throws InterruptedException if the calling thread is interrupted; the process goes on
     */
    public void join() throws InterruptedException {
        try {
            ended.get();
        } catch (ExecutionException e) {
            throw new AssertionError("ends in no other way", e);
        }
    }

    /**
     * Waits until it has ended, some time at most.
     *
     * @param longest how long; zero or less only looks
     * @return whether it has ended
     * @throws InterruptedException if the calling thread is interrupted; the process goes on
     */
    public boolean join(Duration longest) throws InterruptedException {
        try {
            ended.get(Timers.nanos(longest), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError("ends in no other way", e);
        }
    }

    /**
     * A future of its end.
     *
     * @return a new future, done with this process when that has ended; to cancel it has no effect on the process
     */
    public CompletableFuture<WorkerProcess> onExit() {
        return ended.copy();
    }

    /**
     * How it ended.
     *
     * @return empty while it runs; its exit code; or -N if signal N ended it, or it exited with code 128 + N as a JVM
     *     does that is told to end by signal N
     */
    public OptionalInt exitCode() {
        if (isAlive()) {
            return OptionalInt.empty();
        }
        OptionalInt signal = WorkerCrashedException.signalOf(process.exitValue());
        return OptionalInt.of(signal.isPresent() ? -signal.getAsInt() : process.exitValue());
    }

    /**
     * What its main threw.
     *
     * @return empty while it runs, and when its main threw nothing; a {@link dev.sennit.RemoteTaskException} for an
     *     exception that cannot travel, or is of a class that is not allowed; a {@link WorkerStartException} if it
     *     ended before its main began; or the {@link Error}, such as too little memory, for which this JVM could not
     *     hear of it and killed it
     */
    public Optional<Throwable> failure() {
        return isAlive() ? Optional.empty() : Optional.ofNullable(failure);
    }

    /** Asks it to end: SIGTERM, where there are signals. Its shutdown hooks run, for as long as they like. */
    public void terminate() {
        process.destroy();
    }

    /** Ends it at once: SIGKILL, where there are signals. */
    public void kill() {
        process.destroyForcibly();
    }

    @Override
    public String toString() {
        String state = isAlive() ? "runs" : WorkerCrashedException.describeExit(process.exitValue());
        return "WorkerProcess[" + name + ", pid " + pid() + ", " + state + (daemon ? ", daemon]" : "]");
    }

    /** Settings of a {@link WorkerProcess}. */
    public static final class Builder {
        /** What is the same for the workers of a pool. */
        private final WorkerSettings.Builder jvm = new WorkerSettings.Builder();
        private @Nullable String name;
        private boolean daemon;

        private Builder() {}

        /**
         * What it is called; the default is {@code process-N}.
         *
         * @param text not empty
         * @return this
         * @throws IllegalArgumentException if it is empty
         */
        public Builder name(String text) {
            if (text.isBlank()) {
                throw new IllegalArgumentException("name must not be blank");
            }
            name = text;
            return this;
        }

        /**
         * Whether this JVM may end while the process runs, which ends it; the default is false.
         *
         * @param lets true if it may
         * @return this
         */
        public Builder daemon(boolean lets) {
            daemon = lets;
            return this;
        }

        /**
         * The most heap memory that it may use, see {@link ProcessPool.Builder#heap}; the default is the JVM's, a
         * quarter of what there is.
         *
         * @param size such as {@code 256m}
         * @return this
         * @throws IllegalArgumentException if it is not a size
         */
        public Builder heap(String size) {
            jvm.heap(size);
            return this;
        }

        /**
         * Options for its JVM, after those that Sennit sets.
         *
         * @param options one option each
         * @return this
         */
        public Builder jvmOptions(String... options) {
            jvm.jvmOptions(options);
            return this;
        }

        /**
         * Its class path, see {@link ProcessPool.Builder#classPath}.
         *
         * @param parts jars and folders
         * @return this
         */
        public Builder classPath(Path... parts) {
            jvm.classPath(parts);
            return this;
        }

        /**
         * Environment variables that it gets besides those of this process, or with another value.
         *
         * @param variables values by name
         * @return this
         * @throws IllegalArgumentException if a name is empty or has a {@code =}
         */
        public Builder environment(Map<String, String> variables) {
            jvm.environment(variables);
            return this;
        }

        /**
         * Its working directory; the default is that of this process.
         *
         * @param folder a folder that exists
         * @return this
         */
        public Builder directory(Path folder) {
            jvm.directory(folder);
            return this;
        }

        /**
         * Where its standard output and error go; the default is {@link WorkerOutput#LINES}.
         *
         * @param target where to
         * @return this
         */
        public Builder output(WorkerOutput target) {
            jvm.output(target);
            return this;
        }

        /**
         * Who gets the lines that it writes. The default prints each after the process's name.
         *
         * @param listener called by two threads
         * @return this
         */
        public Builder onLine(LineListener listener) {
            jvm.onLine(listener);
            return this;
        }

        /**
         * Lets exceptions of more classes come home as they are, see {@link ProcessPool.Builder#allow}.
         *
         * @param patterns class names, {@code package.*}, or {@code package.**} for the packages below it as well
         * @return this
         */
        public Builder allow(String... patterns) {
            jvm.allow(patterns);
            return this;
        }

        /**
         * Starts a process; the settings may be used again.
         *
         * @param main what it runs; a lambda will do
         * @return the process, which runs; its main has not begun yet
         * @throws TaskSerializationException naming what the main captured that cannot travel
         * @throws WorkerStartException when the system has no room for another process, there is no such directory, or
         *     none could start here, as this runtime image has no launcher, or its temporary folder is not writable
         */
        public WorkerProcess start(Main main) {
            Objects.requireNonNull(main, "main");
            WorkerCommand.ensureLauncher();
            String chosen = name != null ? name : "process-" + STARTED.incrementAndGet();
            List<Movable> given = new ArrayList<>();
            WorkerSettings settings = jvm.build(1);
            AllowList allowed = settings.newAllowList();
            MessageBuffer message = TaskCodec.encodeTask(new MainTask(main), main.getClass(), chosen, given, allowed);
            WorkerProcess process;
            try {
                process = new WorkerProcess(settings, chosen, daemon, allowed);
            } catch (RuntimeException | Error e) {
                given.forEach(Movable::isNotSent);
                throw e;
            } catch (IOException e) {
                given.forEach(Movable::isNotSent);
                throw new WorkerStartException("process " + chosen + " cannot be started: " + e.getMessage(), e);
            }
            given.forEach(Movable::receiverStarted);
            process.onExit().thenRun(() -> given.forEach(Movable::receiverEnded));
            ACTIVE.add(process);
            ClassLoader loader = main.getClass().getClassLoader();
            try {
                Backend.start(process.new Watch(message, loader != null ? loader : ClassLoader.getSystemClassLoader()));
            } catch (Throwable e) { // no thread to be had
                process.abandon();
                throw e;
            }
            return process;
        }
    }
}
