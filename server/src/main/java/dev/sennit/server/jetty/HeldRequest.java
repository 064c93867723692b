package dev.sennit.server.jetty;

import org.eclipse.jetty.server.Request;

/** A request that holds its place in the server until it is completed, whatever threads work on it. */
public abstract class HeldRequest extends Request.Wrapper {
    /**
     * Wraps a request.
     *
     * @param request what Jetty has parsed
     */
    protected HeldRequest(Request request) {
        super(request);
    }

    /** Called by a thread that begins to work on the request, so that it is interrupted at the deadline. */
    public abstract void enters();

    /** Called by that thread when it works on the request no more. Calls may nest. */
    public abstract void leaves();

    /** Called by such a thread before it calls the application's code, so that it does not begin after the deadline. */
    public abstract void dispatches();
}
