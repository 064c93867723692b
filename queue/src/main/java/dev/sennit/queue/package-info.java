/**
 * Durable task queues: tasks that outlive their program, run on any worker that knows their type, and are retried,
 * delayed, limited and chained.
 *
 * <p>{@link dev.sennit.queue.TaskType} names what can run, {@link dev.sennit.queue.TaskQueue} takes tasks and brings
 * their results, {@link dev.sennit.queue.RunContext} is what a running task knows of itself.
 *
 * <p>{@link dev.sennit.queue.Workflow} describes tasks that wait for each other, and
 * {@link dev.sennit.queue.QueueSchedules} keeps those that are due again and again;
 * {@link dev.sennit.queue.Beat} fires them.
 */
@NullMarked
package dev.sennit.queue;

import org.jspecify.annotations.NullMarked;
