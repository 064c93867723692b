package dev.sennit;

/** Thrown by a periodic task that must not be run again. The run does not count as failed. */
public final class StopPeriodicException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates the exception without a reason. */
    public StopPeriodicException() {
        super("the periodic task asked not to be run again");
    }

    /**
     * Creates the exception with a reason.
     *
     * @param message why
     */
    public StopPeriodicException(String message) {
        super(message);
    }
}
