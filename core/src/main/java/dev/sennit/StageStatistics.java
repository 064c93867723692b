package dev.sennit;

import java.time.Duration;

/**
 * What one stage of a {@link Pipeline} has done so far: an immutable snapshot.
 *
 * @param name the stage
 * @param pool the name of its pool
 * @param waiting items that wait before it
 * @param running items that its pool was given and whose runs are not over
 * @param held items, of those done, that find no room before the next stage, or in {@linkplain Pipeline#inOrder order}
 *     wait for one before them: where it is high, what comes next is too slow
 * @param done items that it passed on, or holds
 * @param failed items that left the pipeline here
 * @param waitTime total time that the runs which are over had waited for their beginning, before the stage and in its pool
 * @param runTime total time of the runs that are over
 * @param mostAtOnce the most items that its pool was given at once, as far as it has workers for them
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
