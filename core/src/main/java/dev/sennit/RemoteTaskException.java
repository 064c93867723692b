package dev.sennit;

/**
 * Stands in for a task's exception that could not be sent back itself: its class cannot be serialized, is unknown here,
 * or is not on the pool's allow-list; or its own methods, such as {@code toString}, fail.
 *
 * <p>Its suppressed exception tells why: a {@link TaskSerializationException} that names the class to allow, the class
 * that is missing here, or the field that cannot be serialized.
 *
 * <p>The message is the original's {@code toString()}, the stack trace is the original's, and causes are kept in the
 * same way, as far as each can be read: 65,536 characters, 4,096 frames and 32 causes at most.
 */
public final class RemoteTaskException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String originalClassName;

    /**
     * Creates a stand-in.
     *
     * @param originalClassName the class of the exception that the task threw
     * @param originalText its {@code toString()}
     */
    public RemoteTaskException(String originalClassName, String originalText) {
        super(originalText);
        this.originalClassName = originalClassName;
    }

    /**
     * Returns the class of the exception that the task threw.
     *
     * @return the binary name of the class
     */
    public String originalClassName() {
        return originalClassName;
    }
}
