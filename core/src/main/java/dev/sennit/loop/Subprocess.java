package dev.sennit.loop;

import dev.sennit.internal.Timers;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A program that runs beside the coroutines of a loop: they read what it prints as it comes, write to it, and wait for it, and the
 * others go on.
 *
 * {@snippet :
 * import dev.sennit.loop.Subprocess;
 *
 * try (Subprocess sort = Subprocess.start(new ProcessBuilder("sort"))) {
 *     sort.stdin().write("pear\napple\n");
 *     sort.stdin().shutdownOutput();
 *     for (String line = sort.stdout().readLine(100); line != null; line = sort.stdout().readLine(100)) {
 *         System.out.println(line);
 *     }
 *     System.out.println("exit code " + sort.waitFor());
 * }
 * }
 *
 * <p>{@link #close} kills it, with the processes it has started; so a coroutine that is cancelled in a {@code try} like this one leaves
 * nothing running. One that is not closed is closed when the loop has ended; what is to outlive it, start with {@link
 * ProcessBuilder#start}.
 *
 * <p>At most 64 KiB of each stream are held here: a program that prints more waits until it is read. Read its error output too,
 * or redirect it. Each stream has a thread, which ends when the program has closed its end of it and what it has printed was read, or
 * with {@link #close}: so close also one that has ended. Another program that it has started, and has left behind when it ended, is not
 * killed; while that has the other end of a stream and prints nothing, the stream's thread may wait for it, even after {@code close}.
 */
public final class Subprocess implements AutoCloseable {
    private final EventLoop loop;
    private final Process process;
    private final String name;
    private final PumpedTransport input;
    private final ByteStream stdin;
    private final ByteStream stdout;
    private final ByteStream stderr;

    private Subprocess(LoopSelector selector, Process process, String name) {
        loop = selector.loop();
        this.process = process;
        this.name = name;
        String inputName = name + " stdin";
        input = PumpedTransport.of(process.getOutputStream(), inputName);
        stdin = new ByteStream(selector, input, inputName, null, null);
        stdout = stream(selector, name + " stdout", process.getInputStream());
        stderr = stream(selector, name + " stderr", process.getErrorStream());
    }

    private static ByteStream stream(LoopSelector selector, String name, InputStream in) {
        return new ByteStream(selector, PumpedTransport.of(in, name), name, null, null);
    }

    /**
     * Starts a program.
     *
     * @param builder what to run; streams that it redirects are at their end here
     * @return the program, running
     * @throws IOException if it cannot be started
     * @throws InterruptedException if the coroutine is cancelled; then nothing runs
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Subprocess start(ProcessBuilder builder) throws IOException, InterruptedException {
        LoopSelector selector = EventLoop.current().selector();
        String program = builder.command().isEmpty() ? "" : builder.command().getFirst();
        CompletableFuture<Process> starting = new CompletableFuture<>();
        // starting one takes some milliseconds
        Thread.ofPlatform().daemon().name(selector.loop().name() + "-start").start(() -> {
            try {
                starting.complete(builder.start());
            } catch (Throwable e) {
                starting.completeExceptionally(e);
            }
        });
        Process process;
        try {
            process = EventLoop.suspending(starting::get);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException) {
                throw new IOException(cause.getMessage(), cause);
            }
            if (cause instanceof RuntimeException wrong) { // no command, say
                throw wrong;
            }
            throw new IOException("cannot start " + program + ": " + cause, cause);
        } catch (InterruptedException e) {
            starting.thenAccept(Process::destroyForcibly);
            throw e;
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        return belonging(selector, process, program);
    }

    private static Subprocess belonging(LoopSelector selector, Process process, String program) throws IOException {
        Subprocess subprocess;
        try {
            subprocess = new Subprocess(selector, process, program + " (" + process.pid() + ")");
        } catch (Throwable e) { // there may be no thread to be had for its streams
            process.destroyForcibly();
            throw e;
        }
        if (!subprocess.loop.belongings.add(subprocess)) {
            subprocess.close();
            throw new IOException(subprocess.name + " was killed: " + LoopSelector.ended(subprocess.loop));
        }
        process.onExit().thenRun(() -> subprocess.input.end("the program has ended")); // what it has printed can still be read
        return subprocess;
    }

    /**
     * Where it reads; {@code shutdownOutput()} is the end of its input.
     *
     * @return a stream that can only be written to
     */
    public ByteStream stdin() {
        return stdin;
    }

    /**
     * What it prints.
     *
     * @return a stream that can only be read
     */
    public ByteStream stdout() {
        return stdout;
    }

    /**
     * What it prints to its error output.
     *
     * @return a stream that can only be read
     */
    public ByteStream stderr() {
        return stderr;
    }

    /**
     * Waits until it has ended.
     *
     * @return its exit code; on Linux and macOS 128 and the number of the signal, if one has killed it
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public int waitFor() throws InterruptedException {
        return suspending(process::waitFor);
    }

    /**
     * Waits until it has ended, but not for ever.
     *
     * @param timeout how long at most
     * @return whether it has ended
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public boolean waitFor(Duration timeout) throws InterruptedException {
        return suspending(() -> process.waitFor(Timers.nanos(timeout), TimeUnit.NANOSECONDS));
    }

    private interface Wait<T> {
        T call() throws InterruptedException;
    }

    private static <T> T suspending(Wait<T> wait) throws InterruptedException {
        try {
            return EventLoop.suspending(wait::call);
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Its number in the operating system.
     *
     * @return the process id
     */
    public long pid() {
        return process.pid();
    }

    /**
     * Whether it runs.
     *
     * @return whether
     */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Asks it to end: {@code SIGTERM} on Linux and macOS. */
    public void terminate() {
        process.destroy();
    }

    /** Kills it if it runs, and the processes that it has started and that still are its own; and closes its streams. From any thread. */
    @Override
    public void close() {
        loop.belongings.remove(this);
        List<ProcessHandle> descendants = process.isAlive() ? process.descendants().toList() : List.of();
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
        stdin.close();
        stdout.close();
        stderr.close();
    }

    /**
     * The program, and how it is.
     *
     * @return such as {@code sort (4711), running}
     */
    @Override
    public String toString() {
        return name + (process.isAlive() ? ", running" : ", exit code " + process.exitValue());
    }
}
