package dev.sennit;

import java.time.Duration;

/**
 * One run of one stage of a {@link Pipeline}, for a picture of what ran when; see {@link Pipeline#recording}.
 *
 * @param stage the stage
 * @param item the item's number, from 0 on, in the order of the source
 * @param start when it began, counted from the beginning of the pipeline's run; of a task that is tried again, its first
 *     attempt
 * @param end when it was over
 * @param worker the name of the thread it ran in, or that serves its worker process; on a loop that of its coroutine, which
 *     is the task's
 * @param succeeded whether it brought a value
 */
public record StageRun(String stage, long item, Duration start, Duration end, String worker, boolean succeeded) {}
