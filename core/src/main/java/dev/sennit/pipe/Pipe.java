package dev.sennit.pipe;

import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcess;

/**
 * Two connected {@link Connection}s: what is sent into one comes out of the other, in order, whole messages at a time.
 *
 * <p>The process that opens it gives an end away by letting it be captured: by the main of a {@link WorkerProcess}, by a task of
 * a {@link ProcessPool}, or by sending it over another connection.
 *
 * {@snippet :
 * try (Pipe pipe = Pipe.open()) {
 *     Connection theirs = pipe.second();
 *     WorkerProcess.start(() -> theirs.send("hello from " + ProcessHandle.current().pid()));
 *     System.out.println(pipe.first().receive(String.class));
 * }
 * }
 *
 * <p>The ends connect when both have been used for the first time, wherever they are by then; from then on messages go from one
 * process to the other directly. Until that, this process has to live: it is where they find each other, in a folder for this
 * user alone that is there only meanwhile.
 */
public final class Pipe implements AutoCloseable {
    private final Connection first;
    private final Connection second;

    private Pipe(Connection first, Connection second) {
        this.first = first;
        this.second = second;
    }

    /**
     * Opens a pipe both ends of which send and receive.
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
     * One end.
     *
     * @return the end that sends, if it is one way
     */
    public Connection first() {
        return first;
    }

    /**
     * The other end.
     *
     * @return the end that receives, if it is one way
     */
    public Connection second() {
        return second;
    }

    /** Closes both ends, as far as they are here. One that another process has taken is not touched. */
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
