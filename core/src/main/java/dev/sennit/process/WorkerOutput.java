package dev.sennit.process;

/** Where the standard output and error of worker processes go. In a plan: {@code output=lines} and so on. */
public enum WorkerOutput {
    /**
     * Line by line to the pool's {@link LineListener}; by default to this process's own output, after the worker's
     * name.
     */
    LINES,
    /** Straight to this process's own output, as it is. Errors about a worker then cannot show its last lines. */
    INHERIT,
    /** Nowhere, but for the last lines, which errors about a worker show. */
    DISCARD;

    static WorkerOutput parse(String text) {
        for (WorkerOutput output : values()) {
            if (output.name().equalsIgnoreCase(text)) {
                return output;
            }
        }
        throw new IllegalArgumentException("output must be lines, inherit or discard, was \"" + text + "\"");
    }
}
