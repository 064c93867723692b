package dev.sennit.internal;

import org.jspecify.annotations.Nullable;

/** Waits that no interrupt ends: an interrupt that comes meanwhile is in the thread's status afterwards. */
public final class Uninterruptibles {
    /** A wait without a value. */
    @FunctionalInterface
    public interface Action {
        /** Waits; called again after an interrupt. */
        void await() throws InterruptedException;
    }

    /**
     * A wait for a value.
     *
     * @param <V> the type of the value
     */
    @FunctionalInterface
    public interface Call<V extends @Nullable Object> {
        /** Waits; called again after an interrupt. */
        V await() throws InterruptedException;
    }

    private Uninterruptibles() {}

    /**
     * Waits to the end.
     *
     * @param wait the wait
     */
    public static void await(Action wait) {
        boolean ignored = get(() -> {
            wait.await();
            return true;
        });
    }

    /**
     * Waits for a value to the end.
     *
     * @param wait the wait
     * @param <V> the type of the value
     * @return what the wait returned
     */
    public static <V extends @Nullable Object> V get(Call<V> wait) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
