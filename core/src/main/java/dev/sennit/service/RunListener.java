package dev.sennit.service;

/**
 * What a run tells. Called from any thread, one at a time for each run, and never with a lock held that the methods of
 * {@link Run} need. The methods may not block or throw.
 */
interface RunListener {
    /** It is ready, as its settings say. Called once at most. */
    void ready();

    /** It gives a sign of life. */
    void heartbeat();

    /**
     * It has done work.
     *
     * @param pieces how much since the last call
     */
    void worked(long pieces);

    /**
     * Its process has ended, and all that the process wrote has been read. Called exactly once, last.
     *
     * @param end how
     */
    void ended(RunEnd end);
}
