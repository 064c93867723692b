package dev.sennit.internal;

import org.jspecify.annotations.Nullable;

/**
 * Permits of threads that run one at a time by agreement: a thread holds its permit while it runs. {@link Waits}
 * releases the permit for each wait, and reacquires it.
 */
public final class RunPermits {
    private static final ThreadLocal<@Nullable Permit> OF_THREAD = new ThreadLocal<>();

    /** Whether a thread has ever had a permit: in most programs none has. */
    private static volatile boolean any;

    /** A thread's permission to run. */
    public interface Permit {
        /**
         * Lets other threads run. Called by the permit's thread.
         *
         * @return false if the permit was released before; the caller then does not reacquire it
         */
        boolean release();

        /** Waits until the thread may run again, and ignores interrupts. Called by the permit's thread. */
        void reacquire();
    }

    private RunPermits() {}

    /**
     * Sets the permit of the calling thread, without which it must not run.
     *
     * @param permit its permit; null if it needs none any more
     */
    public static void set(@Nullable Permit permit) {
        any = true;
        OF_THREAD.set(permit);
    }

    /**
     * Returns the permit of the calling thread.
     *
     * @return the permit, or null if the thread needs none
     */
    public static @Nullable Permit current() {
        return any ? OF_THREAD.get() : null;
    }
}
