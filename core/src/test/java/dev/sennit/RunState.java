package dev.sennit;

/** What a pool knows of the run of a task, for tests in other packages. */
public final class RunState {
    private RunState() {}

    /** Returns whether a worker process has ended the run, although its answer may not have been read. */
    public static boolean hasRun(TaskFuture<?> future) {
        return future.submission().hasRun();
    }
}
