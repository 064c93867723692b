package dev.sennit.internal.view;

/** A thread that passes the progress of the task that it runs on to another process. */
public interface ProgressSink {
    /** Called by this thread, when code that it runs reports. Does nothing if it runs no task. */
    void progress(ProgressGate.Report report);
}
