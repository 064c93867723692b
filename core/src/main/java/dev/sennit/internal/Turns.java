package dev.sennit.internal;

import org.jspecify.annotations.Nullable;

/** The turns of threads that run one at a time by agreement. {@link Waits} tells them of each wait. */
public final class Turns {
    private static final ThreadLocal<@Nullable Turn> OF_THREAD = new ThreadLocal<>();

    /** Whether there has ever been a turn: most programs have none. */
    private static volatile boolean any;

    /** The leave to run of one thread. */
    public interface Turn {
        /**
         * Lets others run. Called by its thread.
         *
         * @return false if it had been given up already, and is not to be regained by the one that asked
         */
        boolean giveUp();

        /** Waits until it is this thread's turn again, whatever interrupts come. Called by its thread. */
        void regain();
    }

    private Turns() {}

    /**
     * Says that the calling thread takes turns from now on.
     *
     * @param turn its turn; null if it takes none any more
     */
    public static void set(@Nullable Turn turn) {
        any = true;
        OF_THREAD.set(turn);
    }

    /**
     * The turn of the calling thread.
     *
     * @return the turn, or null if it takes none
     */
    public static @Nullable Turn current() {
        return any ? OF_THREAD.get() : null;
    }
}
