package dev.sennit;

/**
 * The whole that a submission is a part of: a {@link TaskScope}, a retried task, a {@code mapAsync}. The pool notifies
 * it of the submission's progress; each notification comes at most once for a submission.
 */
interface Owner {
    /**
     * Called when a submission is admitted, and is about to be dispatched. From now on its future may be settled from
     * outside. An exception of this method fails the submission and is thrown to the submitter.
     *
     * @param part the submission
     */
    default void admitted(Submission<?> part) {}

    /**
     * Called when a worker is about to run the submission.
     *
     * @return false if its result is not wanted any more, and it is to be cancelled
     */
    default boolean begins() {
        return true;
    }

    /** Called when the run has ended, with its times; the second is less than 0 if it is not known. */
    default void ranFor(long nanos, long cpuNanos) {}

    /** Called when the submission has left the pool: its worker is free of it, if it ever had one. */
    default void over() {}

    /** Returns whether the pool's statistics count the submission. */
    default boolean countsParts() {
        return true;
    }

    /** Returns whether the submission inherits the scoped values of its submitter, unless it leaves this JVM. */
    default boolean inheritsScopedValues() {
        return false;
    }

    /** Returns whether another submission may run the body again. */
    default boolean repeatsParts() {
        return false;
    }

    /** Returns whether the submission waits for a place in a full pool. */
    default boolean partsWaitForPlace() {
        return true;
    }
}
