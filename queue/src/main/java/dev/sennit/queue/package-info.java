/**
 * Durable task queues: tasks that outlive their program, run on any worker that knows their type, and are retried,
 * delayed, limited and chained.
 *
 * <p>{@link dev.sennit.queue.TaskType} names what can run, {@link dev.sennit.queue.TaskQueue} takes tasks and brings
 * their results, {@link dev.sennit.queue.RunContext} is what a running task knows of itself.
 */
@NullMarked
package dev.sennit.queue;

import org.jspecify.annotations.NullMarked;
