package dev.sennit.internal;

import org.jspecify.annotations.Nullable;

/** The turns of threads that run one at a time by agreement. {@link Waits} tells them of each wait. */
public final class RunPermits {
    private static final ThreadLocal<@Nullable Permit> OF_THREAD = new ThreadLocal<>();

    /** Whether there has ever been a turn: most programs have none. */
    private static volatile boolean any;

    /** The leave to run of one thread. */
    public interface Permit {
        /**
         * Lets others run. Called by its thread.
         *
         * @return false if it had been given up already, and is not to be regained by the one that asked
         */
        boolean release();

        /** Waits until it is this thread's turn again, whatever interrupts come. Called by its thread. */
        void reacquire();
    }

    private RunPermits() {}

    /**
     * Says that the calling thread takes turns from now on.
     *
     * @param turn its turn; null if it takes none any more
     */
    public static void set(@Nullable Permit turn) {
        any = true;
        OF_THREAD.set(turn);
    }

    /**
     * The turn of the calling thread.
     *
     * @return the turn, or null if it takes none
     */
    public static @Nullable Permit current() {
        return any ? OF_THREAD.get() : null;
    }
}
