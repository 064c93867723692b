package dev.sennit.internal.machine;

import dev.sennit.internal.Backend;
import java.util.ArrayList;
import java.util.List;

/**
 * Hears of the end of a process. {@link Process#onExit} needs a thread of the common pool for that, and a virtual
 * thread needs a carrier; the user's code may hold them all, waiting for what the end of this process would bring. So
 * it has a platform thread.
 */
public final class ProcessEnd {
    /** It does little: closes, cancels, removes. */
    private static final long STACK = 1 << 18;

    /** Guarded by this. What is still to be done. */
    private final List<Runnable> actions = new ArrayList<>();
    /** Guarded by this. */
    private boolean ended;

    /**
     * Starts a daemon thread that waits for the end.
     *
     * @param process whose end
     * @throws OutOfMemoryError when no thread is available
     */
    public ProcessEnd(Process process) {
        var thread = new Thread(null, () -> run(process), "sennit-end-of-" + process.pid(), STACK, false);
        thread.setDaemon(true);
        Backend.start(thread);
    }

    private void run(Process process) {
        await(process);
        List<Runnable> due;
        synchronized (this) {
            ended = true;
            due = List.copyOf(actions);
            actions.clear();
        }
        due.forEach(Runnable::run);
    }

    /**
     * Runs an action once the process has ended: in the thread that waits for it, or at once, in the caller's. It may
     * not wait or throw.
     *
     * @param action what to run
     */
    public void then(Runnable action) {
        synchronized (this) {
            if (!ended) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /**
     * Waits for the end; for threads that nobody can interrupt.
     *
     * @param process whose end
     * @return the exit code
     */
    public static int await(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
    }
}
