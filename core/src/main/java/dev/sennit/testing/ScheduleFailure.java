package dev.sennit.testing;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A schedule under which a test body fails. The message says what happened, how to repeat the schedule, and which
 * thread ran from where to where.
 */
public final class ScheduleFailure extends AssertionError {
    private static final long serialVersionUID = 1L;

    /** The kind of a failure. */
    public enum Kind {
        /** The body, or a thread that it started, threw an exception, which is the cause. */
        THREW,
        /**
         * No thread can go on, none waits for a time, and the body has not ended. A lost wake-up shows as this, too.
         */
        DEADLOCK,
        /** The schedule did not end within the limit of steps: a loop waits in vain, or the limit is too low. */
        STEP_LIMIT,
        /**
         * A thread waits where it cannot suspend - below a class initializer or native code - and so holds the platform
         * thread that carries all threads. The schedule was not run once more, and its steps are not recorded.
         */
        PINNED,
        /**
         * A thread outside of the schedule woke one of its threads, or ran part of the body: such a schedule cannot be
         * repeated.
         */
        OUTSIDE
    }

    private final Kind kind;
    private final long seed;
    private final boolean repeatable;
    private final transient List<Step> interleaving;
    private final transient Exploration exploration;

    ScheduleFailure(
            String message,
            @Nullable Throwable cause,
            Kind kind,
            long seed,
            boolean repeatable,
            List<Step> interleaving,
            Exploration exploration) {
        super(message, cause);
        this.kind = kind;
        this.seed = seed;
        this.repeatable = repeatable;
        this.interleaving = interleaving;
        this.exploration = exploration;
    }

    /**
     * Returns the kind of the failure.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Returns the seed, which repeats the schedule with {@link ScheduleExplorer#replay} or {@code -Dsennit.seed=}.
     *
     * @return the seed
     */
    public long seed() {
        return seed;
    }

    /**
     * Returns whether the schedule was the same when it was run once more.
     *
     * @return false if the {@link #interleaving} is that of another schedule
     */
    public boolean isRepeatable() {
        return repeatable;
    }

    /**
     * Returns the steps: which thread ran from where to where.
     *
     * @return the steps, in order; empty in a copy of this from another process
     */
    public List<Step> interleaving() {
        return interleaving == null ? List.of() : interleaving;
    }

    /**
     * Returns the figures of the exploration that found this.
     *
     * @return the figures; null in a copy of this from another process
     */
    public @Nullable Exploration exploration() {
        return exploration;
    }
}
