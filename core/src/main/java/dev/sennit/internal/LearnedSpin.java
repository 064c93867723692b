package dev.sennit.internal;


/**
 * Whether to look for a short while before going to sleep, learned from how often that helped: to be woken takes tens of
 * microseconds, most of it until a halted processor runs again.
 *
 * <p>For one thread at a time; what is lost to a race is a guess.
 */
public final class LearnedSpin {
    /** How long: about twice what is saved. */
    private static final long NANOS = 100_000;

    private static final int MOST = 16;
    private static final int LOSS = 2;
    /** One look in so many, when it has not helped: it may by now. */
    private static final int NOW_AND_THEN = 32;

    private int hope = MOST / 2;
    private int skipped;

    /** What is waited for. */
    public interface Condition<E extends Exception> {
        boolean holds() throws E;
    }

    /** Looks, if that is likely to help; returns whether the condition holds. */
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
