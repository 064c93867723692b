package dev.sennit.server;

/** Answers the requests of a route. Called by several threads at the same time, each of which may block. */
@FunctionalInterface
public interface WebHandler {
    /**
     * Answers a request.
     *
     * @param request the request
     * @return the response
     * @throws Exception which is logged, and answered with 500
     * @throws InterruptedException if the deadline of the request is over
     */
    WebResponse handle(WebRequest request) throws Exception;
}
