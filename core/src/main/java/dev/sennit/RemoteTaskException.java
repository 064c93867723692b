package dev.sennit;

/**
 * Stands in for a task's exception that could not itself come home: its class cannot be serialized, is unknown here,
 * or is not on the pool's allow-list; or its own methods, such as {@code toString}, fail.
 *
 * <p>What it suppresses says why: a {@link TaskSerializationException} with what to allow, which class is missing here, or which field
 * cannot travel.
 *
 * <p>The message is the original's {@code toString()}, the stack trace the original's, and causes are kept the same way, as far
 * as each can be read: 65,536 characters, 4,096 frames and 32 causes at most.
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
     * The class of the exception that the task threw.
     *
     * @return the binary name of the class
     */
    public String originalClassName() {
        return originalClassName;
    }
}
