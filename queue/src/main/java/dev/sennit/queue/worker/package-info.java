/**
 * What is behind {@link dev.sennit.queue.QueueWorker}: claims, leases and ends of tasks. Not exported.
 *
 * <p>{@link dev.sennit.queue.worker.Worker} is the way in, {@link dev.sennit.queue.worker.Holdings} the hard class.
 */
@NullMarked
package dev.sennit.queue.worker;

import org.jspecify.annotations.NullMarked;
