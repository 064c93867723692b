package dev.sennit;

/**
 * The whole that a submission is a part of: a {@link TaskScope}, a retried task, a {@code mapAsync}. The pool tells it of the
 * submission's way. Each method is called at most once for a submission.
 */
interface Owner {
    /**
     * The submission is in the pool and is about to be dispatched. From here on its future may be ended from outside. A failure
     * of this call ends the submission and is thrown to the submitter.
     *
     * @param part the submission
     */
    default void admitted(Submission<?> part) {}

    /**
     * A worker is about to run the submission.
     *
     * @return false if nobody wants its result any more, and it is to be cancelled
     */
    default boolean begins() {
        return true;
    }

    /** The run has ended. */
    default void ranFor(long nanos) {}

    /** The worker is free of the submission, or there never was one: the submission has left the pool. */
    default void over() {}

    /** Whether the pool's statistics count the submission. */
    default boolean countsParts() {
        return true;
    }

    /** Whether the submission has the scoped values of its submitter, unless it leaves this JVM. */
    default boolean inheritsScopedValues() {
        return false;
    }

    /** Whether the submission's body may be run again, by another. */
    default boolean repeatsParts() {
        return false;
    }

    /** Whether the submission waits for a place in a full pool. */
    default boolean partsWaitForPlace() {
        return true;
    }
}
