package dev.sennit.internal;

import org.jspecify.annotations.Nullable;

/**
 * Tells whoever makes threads take turns, by agreement alone, that one of them is about to wait. The library's own waits go
 * through here; nothing happens in a thread that takes no turns.
 *
 * <pre>
 *   Turn mine = Turns.giveUp();
 *   try {
 *       wait
 *   } finally {
 *       Turns.regain(mine);
 *   }
 * </pre>
 *
 * <p>Not around a wait that ends with a lock held: another thread may want the lock in its turn.
 */
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

    /**
     * Gives up the turn of the calling thread, if it has one.
     *
     * @return what to {@link #regain}
     */
    public static @Nullable Turn giveUp() {
        Turn mine = current();
        return mine != null && mine.giveUp() ? mine : null;
    }

    /**
     * Waits for the next turn.
     *
     * @param given what {@link #giveUp} returned
     */
    public static void regain(@Nullable Turn given) {
        if (given != null) {
            given.regain();
        }
    }
}
