package dev.sennit.service;

/** A service did not become what was asked for; the message says which, and why. */
public final class ServiceException extends RuntimeException {
    @java.io.Serial
    private static final long serialVersionUID = 1L;

    /**
     * Creates one.
     *
     * @param message one line: what, where, what to do
     */
    public ServiceException(String message) {
        super(message);
    }
}
