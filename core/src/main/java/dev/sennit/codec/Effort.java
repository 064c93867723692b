package dev.sennit.codec;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import java.io.Serial;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Limits the work of a manager's server for one call: the call fails when its client is gone, or after half a minute.
 *
 * <p>A client chooses what the server reads, hashes and compares: all keys may have the same hash, and lists may
 * contain one list so many times that hashing them never ends. So the server refuses a message that would be longer
 * than {@code most} if nothing in it occurred twice, which bounds one hash and one comparison. Code that does many of
 * them takes a {@link #step} for each, where it can be stopped.
 *
 * <p>Used by the thread of the call alone.
 */
public final class Effort {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** How many steps pass between two looks at the clock. */
    private static final int STEPS_A_LOOK = 16;

    /** The least time between two checks of the client. */
    private static final Duration PAUSE = Duration.ofMillis(10);

    private final long most;
    private final BooleanSupplier isUnwanted;
    private final long begun = Backend.current().nanoTime();
    private long looked = begun;
    private int steps;

    /**
     * Begins the work of a call.
     *
     * @param most bytes
     * @param isUnwanted whether no client waits for the call any more
     */
    public Effort(long most, BooleanSupplier isUnwanted) {
        this.most = most;
        this.isUnwanted = isUnwanted;
    }

    /** Returns how many bytes a message may have if nothing in it occurred twice. */
    long most() {
        return most;
    }

    /**
     * Counts a step.
     *
     * @throws TooMuchException if no client waits for the call any more, or it has taken too long
     */
    public void step() {
        if (++steps % STEPS_A_LOOK != 0) {
            return;
        }
        long now = Backend.current().nanoTime();
        if (now - looked < PAUSE.toNanos()) {
            return;
        }
        looked = now;
        if (isUnwanted.getAsBoolean()) {
            throw new TooMuchException("its client waits no more");
        }
        if (now - begun > LIMIT.toNanos()) {
            throw new TooMuchException("it would take the server more than " + Durations.text(LIMIT));
        }
    }

    /** Ends a call. */
    static final class TooMuchException extends IllegalStateException {
        @Serial
        private static final long serialVersionUID = 1L;

        TooMuchException(String message) {
            super(message);
        }
    }
}
