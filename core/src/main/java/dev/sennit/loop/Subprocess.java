package dev.sennit.loop;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import dev.sennit.internal.SignalSender;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A program that coroutines of a loop run: they read its output as it comes, write to it, and wait for it, while other
 * coroutines go on.
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
 * <p>{@link #close} kills the program and the processes that it has started; so a coroutine that is cancelled in a
 * {@code try} like this one leaves nothing running. The loop closes open programs at its end; start a program that is
 * to outlive the loop with {@link ProcessBuilder#start}.
 *
 * <p>At most 64 KiB of each stream are held here: a program that prints more waits until its output is read. Read its
 * error output too, or redirect it. Each stream has a thread, which ends when the program has closed its end and all
 * output was read, or with {@link #close}: so also close a program that has ended. A process that the program has left
 * behind when it ended is not killed; while that process keeps the other end of a stream open and prints nothing, the
 * stream's thread may wait for it, even after {@code close}.
 */
public final class Subprocess implements AutoCloseable {
    private final EventLoop loop;
    private final Process process;
    private final String name;
    private final PumpedTransport input;
    private final PumpedTransport output;
    private final PumpedTransport errors;
    private final ByteStream stdin;
    private final ByteStream stdout;
    private final ByteStream stderr;

    private Subprocess(EventLoop loop, Process process, String name) {
        this.loop = loop;
        this.process = process;
        this.name = name;
        String inputName = name + " stdin";
        input = PumpedTransport.of(process.getOutputStream(), inputName);
        stdin = new ByteStream(loop, input, inputName, null, null);
        String outputName = name + " stdout";
        output = PumpedTransport.of(process.getInputStream(), outputName);
        stdout = new ByteStream(loop, output, outputName, null, null);
        String errorsName = name + " stderr";
        errors = PumpedTransport.of(process.getErrorStream(), errorsName);
        stderr = new ByteStream(loop, errors, errorsName, null, null);
    }

    /**
     * Starts a program.
     *
     * @param builder the program; a stream that it redirects is at its end here
     * @return the program, running
     * @throws IOException if it cannot be started
     * @throws InterruptedException if the coroutine is cancelled; then nothing runs
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Subprocess start(ProcessBuilder builder) throws IOException, InterruptedException {
        EventLoop loop = EventLoop.current();
        String program = builder.command().isEmpty() ? "" : builder.command().getFirst();
        CompletableFuture<Process> starting = new CompletableFuture<>();
        // starting a process takes some milliseconds
        Backend.start(Thread.ofPlatform().daemon().name(loop.name() + "-start").unstarted(() -> {
            try {
                starting.complete(builder.start());
            } catch (Throwable e) {
                starting.completeExceptionally(e);
            }
        }));
        Process process;
        try {
            process = EventLoop.suspending(starting::get);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException) {
                throw new IOException(cause.getMessage(), cause);
            }
            if (cause instanceof RuntimeException wrong) { // no command, for instance
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
        return belonging(loop, process, program);
    }

    private static Subprocess belonging(EventLoop loop, Process process, String program) throws IOException {
        Subprocess subprocess;
        try {
            subprocess = new Subprocess(loop, process, program + " (" + process.pid() + ")");
        } catch (Throwable e) { // no thread could be started for its streams, for instance
            process.destroyForcibly();
            throw e;
        }
        if (!loop.openResources.add(subprocess)) {
            subprocess.close();
            throw new IOException(subprocess.name + " was killed: " + LoopSelector.ended(loop));
        }
        process.onExit().thenRun(() -> subprocess.input.end("the program has ended")); // its output can still be read
        return subprocess;
    }

    /**
     * Returns the program's input; {@code shutdownOutput()} ends it.
     *
     * @return a stream that can only be written to
     */
    public ByteStream stdin() {
        return stdin;
    }

    /**
     * Returns the program's output.
     *
     * @return a stream that can only be read
     */
    public ByteStream stdout() {
        return stdout;
    }

    /**
     * Returns the program's error output.
     *
     * @return a stream that can only be read
     */
    public ByteStream stderr() {
        return stderr;
    }

    /**
     * The whole output of a program.
     *
     * @param exitCode the exit code, as {@link #waitFor()} returns it
     * @param stdout what it printed
     * @param stderr its error output
     */
    public record Output(int exitCode, byte[] stdout, byte[] stderr) {}

    /**
     * Writes an input and ends it, reads both outputs to their ends, and waits until the program has ended; all at the
     * same time, so that neither side waits for the other. A program need not read its input to the end.
     *
     * {@snippet :
     * import dev.sennit.loop.Subprocess;
     * import java.nio.charset.StandardCharsets;
     *
     * try (Subprocess sort = Subprocess.start(new ProcessBuilder("sort"))) {
     *     byte[] fruits = "pear\napple\n".getBytes(StandardCharsets.UTF_8);
     *     Subprocess.Output sorted = sort.communicate(fruits, 1_000_000, Duration.ofSeconds(10));
     *     System.out.print(new String(sorted.stdout(), StandardCharsets.UTF_8));
     * }
     * }
     *
     * <p>When this fails, the program goes on until {@link #close}. Its output so far can still be read from its
     * streams; a part of the input may have been written.
     *
     * @param in the input; may be empty
     * @param limit how many bytes each of the two outputs may have
     * @param timeout the limit for the whole call; null for none
     * @return the outputs and the exit code
     * @throws InputTooLongException if the program prints more than the limit
     * @throws java.net.SocketTimeoutException if the call takes longer
     * @throws StreamClosedException if the program is closed meanwhile
     * @throws IOException if its output cannot be read
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads one of its outputs
     */
    public Output communicate(byte[] in, int limit, @Nullable Duration timeout)
            throws IOException, InterruptedException {
        if (limit < 0) {
            throw new IllegalArgumentException("limit must be >= 0, was " + limit);
        }
        Deadline deadline = Deadline.in(Durations.checkedTimeout(timeout));
        ByteBuffer rest = ByteBuffer.wrap(in);
        stdout.beginReading();
        try {
            stderr.beginReading();
            try {
                communicate(rest, limit, deadline);
                return new Output(process.exitValue(), stdout.takeUnread(), stderr.takeUnread());
            } finally {
                stderr.endReading();
            }
        } finally {
            stdout.endReading();
        }
    }

    private void communicate(ByteBuffer rest, int limit, Deadline deadline) throws IOException, InterruptedException {
        var news = new Semaphore(0);
        List<PumpedTransport> streams = List.of(input, output, errors);
        streams.forEach(one -> one.whenChanged(news::release));
        try {
            process.onExit().thenRun(news::release);
            boolean outputEnded = false;
            boolean errorsEnded = false;
            while (true) {
                news.drainPermits(); // first, so that the wait below sees every later change
                feed(rest);
                outputEnded = outputEnded || hasEnded(stdout, limit);
                errorsEnded = errorsEnded || hasEnded(stderr, limit);
                if (outputEnded && errorsEnded && !process.isAlive()) {
                    return;
                }
                if (!deadline.acquire(news)) {
                    throw deadline.missed("communicating with " + name);
                }
            }
        } finally {
            streams.forEach(one -> one.whenChanged(() -> {}));
        }
    }

    /** Hands over as much of the input as possible without waiting, and ends it after its last byte. */
    private void feed(ByteBuffer rest) throws StreamClosedException {
        input.ensureOpen();
        try {
            while (rest.hasRemaining() && input.writeNow(rest)) {}
        } catch (IOException e) { // the program does not read any more
            rest.position(rest.limit());
        }
        if (!rest.hasRemaining()) {
            input.end("communicate() has written its input");
        }
    }

    /** Keeps the bytes of an output that are there; returns whether it has ended. */
    private static boolean hasEnded(ByteStream stream, int limit) throws IOException {
        int count;
        do {
            if (stream.unread() > limit) {
                throw stream.tooLong("output", limit);
            }
            count = stream.receiveNow();
        } while (count > 0);
        return count < 0;
    }

    /**
     * Waits until the program has ended.
     *
     * @return its exit code; on Linux and macOS, 128 plus the number of the signal that has killed it
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public int waitFor() throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return process.waitFor();
        }
    }

    /**
     * Waits until the program has ended, for a limited time.
     *
     * @param timeout the limit
     * @return whether it has ended
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public boolean waitFor(Duration timeout) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return process.waitFor(Timers.nanos(timeout), TimeUnit.NANOSECONDS);
        }
    }

    /**
     * Returns the program's process id.
     *
     * @return the process id
     */
    public long pid() {
        return process.pid();
    }

    /**
     * Returns whether the program runs.
     *
     * @return true until it has ended
     */
    public boolean isAlive() {
        return process.isAlive();
    }

    /**
     * Asks the program to end, by {@code SIGTERM} on Linux and macOS. Its further output can be read. May be called
     * from any thread; does nothing once the program has ended.
     */
    public void terminate() {
        process.toHandle().destroy();
    }

    /**
     * Sends a signal to the program. May be called from any thread.
     *
     * <p>The signal does not reach another process: as the system reuses process ids, this checks that the process with
     * the id was started when this program was. On Linux, if the library may use native code, the signal goes through a
     * descriptor of the process, so that nothing can happen between check and signal; elsewhere the system's program
     * {@code kill} sends it, some milliseconds after the check.
     *
     * {@snippet :
     * import dev.sennit.loop.Subprocess;
     *
     * try (Subprocess server = Subprocess.start(new ProcessBuilder("nginx", "-g", "daemon off;"))) {
     *     server.signal("HUP"); // reads its settings again
     *     server.waitFor();
     * }
     * }
     *
     * @param signal its name without {@code SIG}: {@code INT}, {@code TERM}, {@code HUP}, {@code USR1}, ...
     * @return whether it was sent; false if the program has ended
     * @throws IllegalArgumentException if there is no such signal
     * @throws UnsupportedOperationException on Windows, for all but {@code TERM} and {@code KILL}
     * @throws IOException if the system refuses it
     * @throws InterruptedException if the thread is interrupted; the signal may have been sent
     */
    public boolean signal(String signal) throws IOException, InterruptedException {
        return SignalSender.send(process.toHandle(), SignalSender.numberOf(signal));
    }

    /**
     * Sends a signal to the program, as {@link #signal(String)} does.
     *
     * @param signal its number in this system, from 1 to 64
     * @return whether it was sent; false if the program has ended
     * @throws IllegalArgumentException if there can be no such signal
     * @throws UnsupportedOperationException on Windows, for all but 15 and 9
     * @throws IOException if the system refuses it
     * @throws InterruptedException if the thread is interrupted; the signal may have been sent
     */
    public boolean signal(int signal) throws IOException, InterruptedException {
        return SignalSender.send(process.toHandle(), signal);
    }

    /** Kills the program if it runs, and its descendants, and closes its streams. May be called from any thread. */
    @Override
    public void close() {
        loop.openResources.remove(this);
        List<ProcessHandle> descendants = process.isAlive() ? process.descendants().toList() : List.of();
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
        stdin.close();
        stdout.close();
        stderr.close();
    }

    /**
     * Returns the program's name, and whether it runs.
     *
     * @return such as {@code sort (4711), running}
     */
    @Override
    public String toString() {
        return name + (process.isAlive() ? ", running" : ", exit code " + process.exitValue());
    }
}
