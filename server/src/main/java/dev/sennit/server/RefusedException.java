package dev.sennit.server;

/**
 * The request is not answered as it should be, and the client may know why. A handler throws it instead of returning a
 * response: the client gets the status, and the message as a line of text.
 */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;

    /**
     * Makes a refusal.
     *
     * @param status from 400 to 599; with 503, the response has {@code Retry-After}
     * @param message what the client gets to read: one line, without a dot
     */
    public RefusedException(int status, String message) {
        super(message);
        if (status < 400 || status > 599) {
            throw new IllegalArgumentException("status must be from 400 to 599, was " + status);
        }
        this.status = status;
    }

    /**
     * The status.
     *
     * @return from 400 to 599
     */
    public int status() {
        return status;
    }
}
