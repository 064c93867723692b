package dev.sennit.cli.services;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The time between the order to stop and the stop. Meanwhile the services go on as before, and the manager says that it
 * is not ready: a load balancer sees that, and sends no more requests before the first worker stops.
 */
final class PreStop {
    private final AtomicBoolean hasBegun = new AtomicBoolean();
    private final CompletableFuture<Void> over = new CompletableFuture<>();

    /** Whether there was an order to stop. */
    boolean hasBegun() {
        return hasBegun.get();
    }

    /**
     * Begins the delay. If it has begun before, nothing changes.
     *
     * @param delay may be zero
     * @return whether this call has begun it
     */
    boolean begin(Duration delay) {
        if (!hasBegun.compareAndSet(false, true)) {
            return false;
        }
        if (delay.isPositive()) {
            over.completeOnTimeout(null, delay.toNanos(), TimeUnit.NANOSECONDS);
        } else {
            over.complete(null);
        }
        return true;
    }

    /** Ends the delay at once, also if it has not begun. */
    void end() {
        hasBegun.set(true);
        over.complete(null);
    }

    /** Returns what is done when the delay is over. */
    CompletableFuture<Void> whenOver() {
        return over.copy();
    }
}
