/**
 * java.util.concurrent for every execution unit.
 *
 * <p>{@link dev.sennit.Pools#open(String)} is the way in; {@link dev.sennit.Pool} is the contract that every kind keeps;
 * {@link dev.sennit.TaskFuture} is what {@code submit} returns; {@link dev.sennit.Futures} waits for several.
 * {@link dev.sennit.TaskScope} keeps tasks within a block of code, {@link dev.sennit.CancelScope} limits its time, {@link
 * dev.sennit.Retry} calls again what failed, {@link dev.sennit.TaskContext} carries context into tasks, {@link dev.sennit.PeriodicWorker} does something now and then. {@link
 * dev.sennit.Pipeline} takes items through stages on several pools. {@link dev.sennit.Event}, {@link dev.sennit.BoundedSemaphore} and {@link dev.sennit.JoinableQueue} are what
 * {@code java.util.concurrent} lacks.
 *
 * <p>{@link dev.sennit.PoolProvider}, {@link dev.sennit.AbstractPool}, {@link dev.sennit.Submission} and {@link
 * dev.sennit.PoolBuilder} are for those who add a kind of pool.
 */
@NullMarked
package dev.sennit;

import org.jspecify.annotations.NullMarked;
