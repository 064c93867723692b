package dev.sennit.service;

import java.time.Duration;

/**
 * One process of a slot. All methods may be called from any thread, with locks held; they never block, and do nothing
 * once the process has ended.
 */
interface Run {
    /**
     * Returns the id of the process.
     *
     * @return the id, also after the end of the process
     */
    long pid();

    /**
     * Asks the process to end. Of several limits the earliest counts.
     *
     * @param limit how long the process may take; then it is killed
     */
    void terminate(Duration limit);

    /** Asks the process to read its configuration again. */
    void reload();

    /** Kills the process, with all processes that it has started. */
    void kill();
}
