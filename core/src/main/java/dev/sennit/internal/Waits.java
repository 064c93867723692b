package dev.sennit.internal;

/**
 * Encloses the waits of the library: each wait in a thread of a caller is in a block opened here, or is a {@link Wait},
 * which opens the block itself. A test checks all public methods that wait.
 *
 * <pre>
 *   try (var _ = Waits.outOfTurn()) {
 *       latch.await();
 *   }
 * </pre>
 *
 * <p>If the calling thread takes turns with others, it releases its {@linkplain RunPermits permit} at the beginning of
 * the block, which ends its turn, and waits for its next turn at the end. Otherwise the block has no effect.
 *
 * <p>A wait that ends with a lock held must not be in such a block unless all waits for that lock are: a thread that
 * has the turn might wait for the lock, whose holder waits for the turn. For waits on a condition of a lock there is
 * {@link WaitLock}.
 */
public final class Waits {
    private static final Block IN_TURN = () -> {};

    /** A block in which the thread has no turn. */
    @FunctionalInterface
    public interface Block extends AutoCloseable {
        /** Waits for the next turn, and ignores interrupts. */
        @Override
        void close();
    }

    private Waits() {}

    /**
     * Gives up the turn of the calling thread, if it has one.
     *
     * @return the block, which its {@code close} ends
     */
    public static Block outOfTurn() {
        RunPermits.Permit permit = RunPermits.current();
        return permit != null && permit.release() ? permit::reacquire : IN_TURN;
    }
}
