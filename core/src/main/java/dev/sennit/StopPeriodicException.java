package dev.sennit;

/** Thrown by a periodic task to say that it is not to be run again. That is no failure. */
public final class StopPeriodicException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Without a reason. */
    public StopPeriodicException() {
        super("the periodic task asked not to be run again");
    }

    /**
     * With a reason.
     *
     * @param message why
     */
    public StopPeriodicException(String message) {
        super(message);
    }
}
