package dev.sennit.service;

/** A service did not reach the requested state; the message names the service and the reason. */
public final class ServiceException extends RuntimeException {
    @java.io.Serial
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message one line: what, where, what to do
     */
    public ServiceException(String message) {
        super(message);
    }
}
