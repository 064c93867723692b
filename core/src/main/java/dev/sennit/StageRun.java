package dev.sennit;

import java.time.Duration;

/**
 * A run of a stage of a {@link Pipeline} for one item, as recorded by {@link Pipeline#recording}.
 *
 * @param stage the stage
 * @param item the item's number, from 0 on, in the order of the source
 * @param start when it began, counted from the beginning of the pipeline's run; for a task with a retry, when its first
 *     attempt began
 * @param end when it was over
 * @param worker the name of the thread it ran in, or of the thread that serves its worker process; on a loop the name
 *     of its coroutine, which is the task's
 * @param succeeded whether it returned a value
 */
public record StageRun(String stage, long item, Duration start, Duration end, String worker, boolean succeeded) {}
