package dev.sennit;

import java.time.Duration;

/**
 * An immutable snapshot of the figures of a stage of a {@link Pipeline}.
 *
 * @param name the name of the stage
 * @param pool the name of its pool
 * @param waiting items that wait before the stage
 * @param running items that were submitted to its pool and whose runs are not over
 * @param held items, of those done, that find no room before the next stage or, {@linkplain Pipeline#inOrder in order},
 *     wait for an earlier item; a high count means that the next stage is too slow
 * @param done items that the stage passed on, or holds
 * @param failed items that failed in the stage
 * @param waitTime how long the runs that are over had waited in total, before the stage and in its pool
 * @param runTime total time of the runs that are over
 * @param mostAtOnce the greatest number of items that were submitted to its pool at once, up to its number of workers
 */
public record StageStatistics(
        String name,
        String pool,
        int waiting,
        int running,
        int held,
        long done,
        long failed,
        Duration waitTime,
        Duration runTime,
        int mostAtOnce) {}
