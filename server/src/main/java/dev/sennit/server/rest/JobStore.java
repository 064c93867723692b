package dev.sennit.server.rest;

import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Where jobs are, and what runs them. {@link Jobs#over} has one in memory, whose jobs end with their worker and are
 * known to no other worker. One over a durable queue lets a client ask any worker, also after a restart.
 *
 * <p>Methods are called by several threads at the same time, and may block.
 *
 * @param <A> the type of what jobs work on
 * @param <R> the type of their results
 */
public interface JobStore<A, R extends @Nullable Object> {
    /**
     * Takes a job.
     *
     * @param argument what it works on
     * @param key names the request; null if the client gave no name
     * @return the job, or the one that the key names already. Of several submissions with one key at the same time, one
     *     makes a job
     * @throws RejectedExecutionException if there are too many jobs
     * @throws Exception if the job cannot be stored
     */
    JobSubmission submit(A argument, @Nullable IdempotencyKey key) throws Exception;

    /**
     * Finds a job.
     *
     * @param id any text: it comes from a client
     * @return the job; empty if there is none, or it is not kept any more
     * @throws Exception if the store does not answer
     */
    Optional<Job<R>> find(String id) throws Exception;

    /**
     * Cancels a job that has not ended, also if it runs.
     *
     * @param id any text
     * @return the job, which may run for a moment still; empty if there is none
     * @throws Exception if the store does not answer
     */
    Optional<Job<R>> cancel(String id) throws Exception;
}
