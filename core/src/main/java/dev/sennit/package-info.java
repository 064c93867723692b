/**
 * java.util.concurrent for every execution unit.
 *
 * <p>{@link dev.sennit.Pools#open(String)} is the entry point; {@link dev.sennit.Pool} is the contract that every kind
 * keeps; {@code submit} returns a {@link dev.sennit.TaskFuture}; {@link dev.sennit.Futures} waits for several futures.
 * {@link dev.sennit.TaskScope} confines tasks to a block of code, {@link dev.sennit.CancelScope} limits the time of a
 * block, {@link dev.sennit.Retry} repeats failed calls, {@link dev.sennit.TaskContext} carries context into tasks,
 * {@link dev.sennit.PeriodicWorker} runs tasks repeatedly. {@link dev.sennit.Pipeline} passes items through stages on
 * several pools. {@link dev.sennit.Event}, {@link dev.sennit.BoundedSemaphore} and {@link dev.sennit.JoinableQueue} are
 * synchronizers that {@code java.util.concurrent} lacks.
 *
 * <p>Authors of further kinds of pool use {@link dev.sennit.PoolProvider}, {@link dev.sennit.AbstractPool}, {@link
 * dev.sennit.Submission} and {@link dev.sennit.PoolBuilder}.
 */
@NullMarked
package dev.sennit;

import org.jspecify.annotations.NullMarked;
