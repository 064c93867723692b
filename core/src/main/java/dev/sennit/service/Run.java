package dev.sennit.service;

import java.time.Duration;

/**
 * One process of a slot. All methods may be called from any thread, with locks held; they never block, and do nothing
 * once it has ended.
 */
interface Run {
    /**
     * The id of the process.
     *
     * @return the id, also once it has ended
     */
    long pid();

    /**
     * Asks it to end. Of several limits the one that ends first counts.
     *
     * @param limit how long it may take; then it is killed
     */
    void terminate(Duration limit);

    /** Asks it to read its configuration again. */
    void reload();

    /** Kills it, with all that it has started. */
    void kill();
}
