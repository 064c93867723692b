package dev.sennit.testing;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A schedule under which a test body fails. The message says what happened, how to have the schedule again, and which thread
 * went on from where to where.
 */
public final class ScheduleFailure extends AssertionError {
    private static final long serialVersionUID = 1L;

    /** What a schedule can end with. */
    public enum Kind {
        /** The body, or a thread that it started, threw something; it is the cause. */
        THREW,
        /** No thread can go on, none waits for a time, and the body has not ended. A lost wake-up shows as this, too. */
        DEADLOCK,
        /** The schedule did not end within the limit of steps: a loop that waits for what does not come, or a low limit. */
        STEP_LIMIT,
        /**
         * A thread waits where it cannot suspend - below a class initializer or native code - and so holds the platform thread
         * that carries all of them. It was not run once more, and its steps are not told.
         */
        PINNED,
        /** Something outside made a thread go on, or ran part of the body: such a schedule cannot be had again. */
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
     * What happened.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Brings the schedule back: with {@link ScheduleExplorer#replay} or {@code -Dsennit.seed=}.
     *
     * @return the seed
     */
    public long seed() {
        return seed;
    }

    /**
     * Whether the schedule came out the same when it was run once more.
     *
     * @return whether; if not, the interleaving is that of another schedule
     */
    public boolean isRepeatable() {
        return repeatable;
    }

    /**
     * Who went on, from where to where.
     *
     * @return the steps, in order; empty in a copy of this from another process
     */
    public List<Step> interleaving() {
        return interleaving == null ? List.of() : interleaving;
    }

    /**
     * What was looked at until this was found.
     *
     * @return the figures; null in a copy of this from another process
     */
    public @Nullable Exploration exploration() {
        return exploration;
    }
}
