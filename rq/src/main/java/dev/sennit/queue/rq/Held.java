package dev.sennit.queue.rq;

/**
 * A job that a worker has.
 *
 * @param attempt the number of the claim
 * @param failures how often it has failed before
 * @param crashes how often its worker was lost before
 * @param worker the worker
 * @param job the job
 */
record Held(int attempt, int failures, int crashes, String worker, Job job) {}
