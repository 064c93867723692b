package dev.sennit.process;

import dev.sennit.Task;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Movable;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Timers;
import dev.sennit.pipe.Pipe;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
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
 * <h2>What it hears and says</h2>
 *
 * <p>Both sides send <em>notes</em>, which are bytes whose meaning is the program's: {@link #send} and {@link
 * Builder#onNote} here, {@link ParentProcess} in the process. {@link #stop} asks it to end within a time. No one is
 * held up by the other: what is not read at once waits, up to a bound.
 *
 * <h2>How it ends</h2>
 *
 * <p>As any JVM: when its main and its threads that are not daemons have ended, by {@link System#exit}, or by a signal.
 * When its main throws, the stack trace goes to its standard error and the exit code is 1, and {@link #failure} has the
 * exception. Ctrl-C and {@code systemctl stop}, which signal all processes of a program, end it too, other than the
 * workers of a {@link ProcessPool}.
 *
 * <p><b>Its parent's end is its own</b>, as it is for a thread: when this JVM ends, by its own will or by
 * {@code kill -9}, the process gets to know it, runs its stop listeners and shutdown hooks, and is gone after two
 * seconds at the latest, or {@linkplain Builder#orphanLimit another time}. Where the kernel can do it, one that was
 * stopped by {@code SIGSTOP} is continued for that. A JVM that hangs does not get to know it:
 * {@link Builder#killedWithParent} is for that. One that is not a
 * {@linkplain Builder#daemon daemon}, which is the default, keeps this JVM alive when its main method returns, as a
 * thread does; it does not survive {@link System#exit}. What is to survive this JVM is started by a
 * {@link ProcessBuilder}.
 */
public final class WorkerProcess {
    private static final AtomicInteger STARTED = new AtomicInteger();
    /** Those that have a main and have not ended. */
    static final Set<WorkerProcess> ACTIVE = ConcurrentHashMap.newKeySet();

    private final ChildJvm child;

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

    /** As a main travels. */
    record MainTask(Main main) implements Task<@Nullable Object> {
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

    /**
     * The process that started this one, if this code runs in a {@code WorkerProcess}.
     *
     * @return the parent; empty in a program that somebody else started, and in the workers of a pool
     */
    public static Optional<ParentProcess> parent() {
        return Optional.ofNullable(WorkerProcessMain.parent());
    }

    private WorkerProcess(ChildJvm child) {
        this.child = child;
    }

    static String ensureName(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        return text;
    }

    /** A main that is ready to be sent, with what moves with it. */
    record Given(String name, ChildJvm.Main main, List<Movable> moving) {
        static Given of(String name, Main main, AllowList allowed) {
            Objects.requireNonNull(main, "main");
            List<Movable> moving = new ArrayList<>();
            MessageBuffer task = TaskCodec.encodeTask(new MainTask(main), main.getClass(), name, moving, allowed);
            if (!Frames.Kind.MAIN.takes(task.length())) {
                moving.forEach(Movable::isNotSent);
                throw new TaskSerializationException(
                        "task " + name + " cannot travel to a worker process: it has " + task.length() + " bytes",
                        null);
            }
            ClassLoader loader = main.getClass().getClassLoader();
            return new Given(name,
                    new ChildJvm.Main(task, loader != null ? loader : ClassLoader.getSystemClassLoader()), moving);
        }

        void isNotSent() {
            moving.forEach(Movable::isNotSent);
        }

        /** Has a process run it. */
        WorkerProcess to(ChildJvm child) {
            var process = new WorkerProcess(child);
            try {
                child.reserve(process, name);
            } catch (Throwable e) {
                isNotSent();
                throw e;
            }
            try {
                moving.forEach(Movable::receiverStarted);
                child.ended().thenRun(() -> moving.forEach(Movable::receiverEnded));
                child.handOver(main);
                return process;
            } catch (Throwable e) { // no memory, say
                child.kill();
                throw e;
            }
        }
    }

    // ---- what it is ----

    /**
     * Its name, which is the name of its main thread, and stands before the lines it writes.
     *
     * @return the name
     */
    public String name() {
        return child.name();
    }

    /**
     * Its process id.
     *
     * @return the id, also when the process has ended
     */
    public long pid() {
        return child.pid();
    }

    /**
     * Whether it lets this JVM end while it runs.
     *
     * @return true if it does
     */
    public boolean isDaemon() {
        return child.isDaemon();
    }

    /**
     * Whether the operating system kills it when this JVM ends.
     *
     * @return true if that was {@linkplain Builder#killedWithParent wanted} and is possible here
     */
    public boolean isKilledWithParent() {
        return child.isKilledWithParent();
    }

    /**
     * The process as the operating system knows it.
     *
     * @return a handle
     */
    public ProcessHandle toHandle() {
        return child.toHandle();
    }

    // ---- how it ends ----

    /**
     * Whether it has not ended. When it has, all it wrote has been read, and {@link #exitCode} and {@link #failure} are
     * there.
     *
     * @return true from its start to its end
     */
    public boolean isAlive() {
        return child.isAlive();
    }

    /**
     * Waits until it has ended.
     *
     * @throws InterruptedException if the calling thread is interrupted; the process goes on
     */
    public void join() throws InterruptedException {
        try {
            child.ended().get();
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
            child.ended().get(Timers.nanos(longest), TimeUnit.NANOSECONDS);
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
        return child.ended().thenApply(_ -> this);
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
        OptionalInt signal = WorkerCrashedException.signalOf(child.exitValue());
        return OptionalInt.of(signal.isPresent() ? -signal.getAsInt() : child.exitValue());
    }

    /**
     * What its main threw.
     *
     * @return empty while it runs, and when its main threw nothing; a {@link dev.sennit.RemoteTaskException} for an
     *     exception that cannot travel, or is of a class that is not allowed; a {@link WorkerStartException} if it
     *     ended before its main began; a {@link java.io.StreamCorruptedException} if it was killed because what it said
     *     to this JVM made no sense; or the {@link Error}, such as too little memory, for which this JVM could not hear
     *     of it and killed it
     */
    public Optional<Throwable> failure() {
        return isAlive() ? Optional.empty() : Optional.ofNullable(child.failure());
    }

    /**
     * Sends it a note, for the listener that its main {@linkplain ParentProcess#onNote sets}. Does not wait for the
     * process: notes wait here until it has begun its main, and there until there is a listener. Notes of one thread
     * arrive in order.
     *
     * @param note at most 64 KiB; it is copied
     * @return false if the process has ended, or 1 MiB of notes wait for its listener already. True does not say that
     *     the note arrives, as the process may end first
     * @throws IllegalArgumentException if it is longer
     */
    public boolean send(byte[] note) {
        return child.send(note);
    }

    /**
     * Asks it to end, and kills it if it has not within a time. Its {@linkplain ParentProcess#onStop stop listeners}
     * run; without any, it exits as by {@link #terminate}, and so does one whose main has not begun. A later stop can
     * make the time shorter, not longer.
     *
     * @param limit the time; zero or less kills it at once, and so does a lack of threads, of which the limit needs one
     * @return as {@link #onExit}; {@link #wasKilled} tells then whether it had to be killed
     */
    public CompletableFuture<WorkerProcess> stop(Duration limit) {
        child.stop(limit);
        return onExit();
    }

    /**
     * Whether it ended because this JVM killed it: by {@link #kill}, at the limit of {@link #stop}, as it took too long
     * to start, or as what it said made no sense.
     *
     * @return false while it runs, and if it ended in another way, such as by the signal of another program
     */
    public boolean wasKilled() {
        return !isAlive() && child.wasKilled();
    }

    /** Asks it to end: SIGTERM, where there are signals. Its shutdown hooks run, for as long as they like. */
    public void terminate() {
        child.terminate();
    }

    /** Ends it at once: SIGKILL, where there are signals. */
    public void kill() {
        child.kill();
    }

    @Override
    public String toString() {
        return "WorkerProcess[" + name() + ", pid " + pid() + ", " + child.state() + (isDaemon() ? ", daemon]" : "]");
    }

    /** Settings of a {@link WorkerProcess}. */
    public static final class Builder {
        /** What is the same for the workers of a pool. */
        private final WorkerSettings.Builder jvm = new WorkerSettings.Builder();
        private @Nullable String name;
        private boolean daemon;
        private Duration orphanLimit = Duration.ofSeconds(2);
        private boolean killedWithParent;
        private @Nullable NoteListener listener;

        private Builder() {}

        /**
         * What it is called; the default is {@code process-N}.
         *
         * @param text not empty
         * @return this
         * @throws IllegalArgumentException if it is empty
         */
        public Builder name(String text) {
            name = ensureName(text);
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
         * Who gets the notes that it {@linkplain ParentProcess#send sends}. The default drops them.
         *
         * @param newListener called by one thread for each process
         * @return this
         */
        public Builder onNote(NoteListener newListener) {
            listener = Objects.requireNonNull(newListener, "newListener");
            return this;
        }

        /**
         * How long its stop listeners and shutdown hooks have, all together, when this JVM has ended; the default is
         * two seconds. Then it is halted.
         *
         * @param limit zero to halt at once, without them
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder orphanLimit(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException("orphanLimit must be >= 0, was " + limit);
            }
            orphanLimit = limit;
            return this;
        }

        /**
         * Whether the operating system shall kill it when this JVM ends, however that ends; the default is false. Then
         * none outlives this JVM, not even one that hangs or was stopped by {@code SIGSTOP}; but its stop listeners and
         * shutdown hooks do not run at that end.
         *
         * <p>Works on Linux with the program {@code setpriv} of util-linux. Elsewhere the process ends as without this
         * setting, and {@link WorkerProcess#isKilledWithParent} is false.
         *
         * @param wanted whether it shall
         * @return this
         */
        public Builder killedWithParent(boolean wanted) {
            killedWithParent = wanted;
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
         * Checks that a main can travel, and starts nothing.
         *
         * @param main what a process may run later
         * @throws TaskSerializationException naming what the main captured that cannot travel
         */
        public void ensureTravels(Main main) {
            Given.of(chosenName(), main, settings().allowed()).isNotSent();
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
            String chosen = chosenName();
            ChildJvm.Settings settings = settings();
            Given given = Given.of(chosen, main, settings.allowed());
            ChildJvm child;
            try {
                child = launch(settings, chosen);
            } catch (Throwable e) {
                given.isNotSent();
                throw e;
            }
            WorkerProcess process;
            try {
                process = given.to(child); // before anybody can see it end
            } catch (Throwable e) {
                child.abandon();
                throw e;
            }
            child.watch();
            return process;
        }

        /**
         * Starts a process that waits for its main; the settings may be used again.
         *
         * @return the process, which has not connected yet
         * @throws WorkerStartException as {@link #start}
         */
        public PreparedProcess prepare() {
            ChildJvm child = launch(settings(), chosenName());
            child.watch();
            return new PreparedProcess(child);
        }

        private String chosenName() {
            return name != null ? name : "process-" + STARTED.incrementAndGet();
        }

        private ChildJvm.Settings settings() {
            WorkerSettings built = jvm.build(1);
            return new ChildJvm.Settings(
                    built, daemon, orphanLimit, killedWithParent, listener, built.newAllowList());
        }

        private static ChildJvm launch(ChildJvm.Settings settings, String name) {
            WorkerCommand.ensureLauncher();
            try {
                return new ChildJvm(settings, name);
            } catch (IOException e) {
                throw new WorkerStartException("process " + name + " cannot be started: " + e.getMessage(), e);
            }
        }
    }
}
