package dev.sennit.pipe;

import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcess;

/**
 * Two connected {@link Connection}s: messages sent into one come out of the other, in order and whole.
 *
 * <p>The process that opens a pipe gives an end away by letting it be captured: by the main of a {@link WorkerProcess},
 * by a task of a {@link ProcessPool}, or by sending it over another connection.
 *
 * {@snippet :
 * try (Pipe pipe = Pipe.open()) {
 *     Connection theirs = pipe.second();
 *     WorkerProcess.start(() -> theirs.send("hello from " + ProcessHandle.current().pid()));
 *     System.out.println(pipe.first().receive(String.class));
 * }
 * }
 *
 * <p>The ends connect when both have been used for the first time, wherever they are by then; from then on messages go
 * directly from process to process. Until then this process has to live: the ends find each other here, in a folder
 * that only this user can open and that exists only meanwhile.
 */
public final class Pipe implements AutoCloseable {
    private final Connection first;
    private final Connection second;

    private Pipe(Connection first, Connection second) {
        this.first = first;
        this.second = second;
    }

    /**
     * Opens a pipe whose ends both send and receive.
     *
     * @return a pipe; nothing of it exists outside of this process until an end is used or given away
     */
    public static Pipe open() {
        return between(true, CALLER.getCallerClass());
    }

    /**
     * Opens a pipe whose first end sends, and whose second receives.
     *
     * @return a pipe
     */
    public static Pipe oneWay() {
        return between(false, CALLER.getCallerClass());
    }

    private static final StackWalker CALLER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private static Pipe between(boolean bothWays, Class<?> opener) {
        MeetingPoint.End end = MeetingPoint.HERE.newPipe();
        return new Pipe(
                new Connection(end, true, bothWays, opener), new Connection(end.other(), bothWays, true, opener));
    }

    /**
     * Returns one end.
     *
     * @return the sending end of a one-way pipe
     */
    public Connection first() {
        return first;
    }

    /**
     * Returns the other end.
     *
     * @return the receiving end of a one-way pipe
     */
    public Connection second() {
        return second;
    }

    /** Closes the ends that are still in this process. An end that another process has got stays open. */
    @Override
    public void close() {
        first.close();
        second.close();
    }

    @Override
    public String toString() {
        return "Pipe[" + first + ", " + second + "]";
    }
}
