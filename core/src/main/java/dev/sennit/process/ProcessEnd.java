package dev.sennit.process;

/**
 * Hears of the end of a process. {@link Process#onExit} needs a thread of the common pool for that, and the user's code may
 * hold them all, waiting for what the end of this process would bring.
 */
final class ProcessEnd {
    private ProcessEnd() {}

    /** Runs an action, on a thread of its own, once the process has ended. */
    static void then(Process process, Runnable action) {
        Thread.startVirtualThread(() -> {
            await(process);
            action.run();
        });
    }

    /**
     * Waits for the end; for threads that nobody can interrupt.
     *
     * @return the exit code
     */
    static int await(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError("nobody knows this thread", e);
        }
    }
}
