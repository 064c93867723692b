package dev.sennit.service;

import dev.sennit.internal.view.WorkerFigures;

/**
 * Receives the events of a run. Called from any thread, one call at a time for each run, and never with a lock held
 * that the methods of {@link Run} need. The methods must not block or throw.
 */
interface RunListener {
    /** The process is ready, by the condition of its settings. Called once at most. */
    void ready();

    /** The process has sent a heartbeat. */
    void heartbeat();

    /**
     * The process has done work.
     *
     * @param pieces the number of pieces since the last call
     */
    void worked(long pieces);

    /** The process has told its figures. */
    default void figures(WorkerFigures figures) {}

    /**
     * The process has ended, and its output has been read. Called exactly once, as the last call.
     *
     * @param end how
     */
    void ended(RunEnd end);
}
