package dev.sennit.server.rest;

import dev.sennit.server.RefusedException;
import dev.sennit.server.WebRequest;

/**
 * Makes of a request what its job works on.
 *
 * @param <A> the type of that
 */
@FunctionalInterface
public interface JobReader<A> {
    /**
     * Reads a request.
     *
     * @param request the request, whose body was read
     * @param body the body
     * @return what the job works on
     * @throws RefusedException if it is no request for a job: with 400 or 422, for example
     * @throws Exception which is logged, and answered with 500
     */
    A read(WebRequest request, byte[] body) throws Exception;
}
