package dev.sennit.queue.celery;

import dev.sennit.queue.broker.QueuedTask;
import org.jspecify.annotations.Nullable;

/**
 * A message that a worker has.
 *
 * @param id the id of its task
 * @param attempt the number of the claim
 * @param crashes how often its worker was lost before
 * @param queue the queue as the worker calls it
 * @param place where it was taken from
 * @param worker the worker
 * @param message the message
 * @param task the task that it stands for, or null if it stands for none
 * @param since when it was claimed, in ms of this machine
 */
record Held(String id, int attempt, int crashes, String queue, Place place, String worker, Message message,
        @Nullable QueuedTask task, long since) {
    /** Returns how often it was begun: who takes a task to end it has no worker. */
    int attempts() {
        return worker.isEmpty() ? attempt - 1 : attempt;
    }
}
