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
     * @param builder what to run; streams that it redirects are at their end here
     * @return the program, running
     * @throws IOException if it cannot be started
     * @throws InterruptedException if the coroutine is cancelled; then nothing runs
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static Subprocess start(ProcessBuilder builder) throws IOException, InterruptedException {
        EventLoop loop = EventLoop.current();
        String program = builder.command().isEmpty() ? "" : builder.command().getFirst();
        CompletableFuture<Process> starting = new CompletableFuture<>();
        // starting one takes some milliseconds
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
        return belonging(loop, process, program);
    }

    private static Subprocess belonging(EventLoop loop, Process process, String program) throws IOException {
        Subprocess subprocess;
        try {
            subprocess = new Subprocess(loop, process, program + " (" + process.pid() + ")");
        } catch (Throwable e) { // there may be no thread to be had for its streams
            process.destroyForcibly();
            throw e;
        }
        if (!loop.openResources.add(subprocess)) {
            subprocess.close();
            throw new IOException(subprocess.name + " was killed: " + LoopSelector.ended(loop));
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
     * The output of a program, from its start to its end.
     *
     * @param exitCode as {@link #waitFor()} returns it
     * @param stdout what it printed
     * @param stderr what it printed to its error output
     */
    public record Output(int exitCode, byte[] stdout, byte[] stderr) {}

    /**
     * Writes all of an input, closes it, reads both outputs to their ends, and waits until the program has ended; all at the same
     * time, so that neither side waits for the other. A program that does not read its input to the end is no error.
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
     * <p>When this fails the program goes on, until {@link #close}. What it has printed by then can still be read from its
     * streams; of the input, a part may have gone.
     *
     * @param in the input; empty is none
     * @param limit how many bytes each of the two outputs may have
     * @param timeout how long all of it may take; null is as long as it takes
     * @return the outputs and the exit code
     * @throws InputTooLongException if the program prints more than the limit
     * @throws java.net.SocketTimeoutException if it takes longer
     * @throws StreamClosedException if the program is closed meanwhile
     * @throws IOException if its output cannot be read
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IllegalStateException if another coroutine reads one of its outputs
     */
    public Output communicate(byte[] in, int limit, @Nullable Duration timeout) throws IOException, InterruptedException {
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
                news.drainPermits(); // before looking: a change after that is seen by the wait
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

    /** Hands over as much of the input as is taken without waiting; its end, once all of it is. */
    private void feed(ByteBuffer rest) throws StreamClosedException {
        input.ensureOpen();
        try {
            while (rest.hasRemaining() && input.writeNow(rest)) {
                // as long as it is taken
            }
        } catch (IOException e) { // nobody reads any more
            rest.position(rest.limit());
        }
        if (!rest.hasRemaining()) {
            input.end("communicate() has written its input");
        }
    }

    /** Keeps all that has come of an output; whether it has come to its end. */
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
     * Waits until it has ended.
     *
     * @return its exit code; on Linux and macOS 128 and the number of the signal, if one has killed it
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public int waitFor() throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return process.waitFor();
        }
    }

    /**
     * Waits until it has ended, but not for ever.
     *
     * @param timeout how long at most
     * @return whether it has ended
     * @throws InterruptedException if the coroutine is cancelled; the program goes on
     */
    public boolean waitFor(Duration timeout) throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            return process.waitFor(Timers.nanos(timeout), TimeUnit.NANOSECONDS);
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

    /**
     * Asks it to end: {@code SIGTERM} on Linux and macOS. What it still prints can be read. From any thread; does nothing once it has
     * ended.
     */
    public void terminate() {
        process.toHandle().destroy();
    }

    /**
     * Sends it a signal. From any thread.
     *
     * <p>No other process is ever hit: a process id is used again some time after its process has ended, so this looks whether the
     * process that has it now was started when this program was. On Linux, where the library may use native code, the signal goes
     * through a descriptor of the process, so that nothing can happen in between; elsewhere the system's program {@code kill} sends
     * it, some milliseconds after that look.
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
     * Sends it a signal, as {@link #signal(String)} does.
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

    /** Kills it if it runs, and the processes that it has started and that still are its own; and closes its streams. From any thread. */
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
     * The program, and how it is.
     *
     * @return such as {@code sort (4711), running}
     */
    @Override
    public String toString() {
        return name + (process.isAlive() ? ", running" : ", exit code " + process.exitValue());
    }
}
