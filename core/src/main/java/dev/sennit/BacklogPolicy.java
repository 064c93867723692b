package dev.sennit;

/**
 * The behaviour of {@code submit} when a pool with a bounded backlog is full.
 *
 * <p>A pool is full when {@code workers} tasks run and {@code backlog} more wait. In a plan:
 * {@code threads:4?backlog=100&full=reject}.
 */
public enum BacklogPolicy {
    /**
     * Wait until there is room. The wait ends with a {@link RejectedSubmissionException} when the waiting thread is
     * interrupted or the pool is shut down. A task that submits to its own pool does not wait and may exceed the bound,
     * as it would wait for itself.
     */
    BLOCK,
    /** Throw a {@link RejectedSubmissionException} that carries the figures. */
    REJECT,
    /** Run the task in the submitting thread, in this JVM, before {@code submit} returns. */
    CALLER_RUNS;

    /**
     * Parses a policy as written in plans: {@code block}, {@code reject} or {@code caller-runs}.
     *
     * @param text the word
     * @return the policy
     * @throws IllegalArgumentException for any other word
     */
    static BacklogPolicy parse(String text) {
        for (BacklogPolicy policy : values()) {
            if (policy.toString().equals(text)) {
                return policy;
            }
        }
        throw new IllegalArgumentException("full must be block, reject or caller-runs, was \"" + text + "\"");
    }

    @Override
    public String toString() {
        return switch (this) {
            case BLOCK -> "block";
            case REJECT -> "reject";
            case CALLER_RUNS -> "caller-runs";
        };
    }
}
