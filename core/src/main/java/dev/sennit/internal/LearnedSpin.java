package dev.sennit.internal;

/**
 * Decides whether to spin for a short while before sleeping, from how often spinning has helped. A wake-up takes tens
 * of microseconds, mostly until a halted processor runs again.
 *
 * <p>For one thread at a time; a race only makes the estimate worse.
 */
public final class LearnedSpin {
    /** How long to spin: about twice the time of a wake-up. */
    private static final long NANOS = 100_000;

    private static final int MOST = 16;
    private static final int LOSS = 2;
    /** When spinning has not helped, it is tried again once in so many calls. */
    private static final int NOW_AND_THEN = 32;

    private int hope = MOST / 2;
    private int skipped;

    /** The condition of a wait. */
    public interface Condition<E extends Exception> {
        boolean holds() throws E;
    }

    /** Spins until the condition holds, if that is likely to help; returns whether the condition holds. */
    public <E extends Exception> boolean until(Condition<E> condition) throws E {
        if (hope == 0 && ++skipped % NOW_AND_THEN != 0) {
            return condition.holds();
        }
        long start = Backend.current().nanoTime();
        do {
            for (int i = 0; i < 8; i++) {
                if (condition.holds()) {
                    hope = Math.min(MOST, hope + 1);
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (Backend.current().nanoTime() - start < NANOS);
        hope = Math.max(0, hope - LOSS);
        return false;
    }
}
