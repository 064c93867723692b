package dev.sennit.codec;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import java.io.Serial;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * The work of a manager's server for one call, which ends with the client, and after half a minute.
 *
 * <p>A client chooses what the server reads, hashes and compares: keys may all have one hash, and lists may hold one list so often that no
 * processor comes to the end of them. So no message is read that would be longer than {@code most} if nothing in it came twice,
 * which bounds one hash and one comparison. Whatever does many of them takes a {@link #step} for each, and is ended there.
 *
 * <p>Used by the thread of the call alone.
 */
public final class Effort {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    /** How often it looks at the clock, and how long at least between two looks for its client. */
    private static final int STEPS_A_LOOK = 16;

    private static final Duration PAUSE = Duration.ofMillis(10);

    private final long most;
    private final BooleanSupplier isUnwanted;
    private final long begun = Backend.current().nanoTime();
    private long looked = begun;
    private int steps;

    /**
     * Begins.
     *
     * @param most bytes
     * @param isUnwanted whether nobody waits for the call any more
     */
    public Effort(long most, BooleanSupplier isUnwanted) {
        this.most = most;
        this.isUnwanted = isUnwanted;
    }

    /** How many bytes a message may have if nothing in it came twice. */
    long most() {
        return most;
    }

    /**
     * One step.
     *
     * @throws TooMuchException if nobody waits for the call any more, or it has taken too long
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
