package dev.sennit.internal;

/**
 * Where the library waits: each wait of a thread that calls the library stands in a block that is opened here, or is a {@link
 * Wait}, which opens it itself. A test walks all public methods that wait.
 *
 * <pre>
 *   try (var _ = Waits.outOfTurn()) {
 *       latch.await();
 *   }
 * </pre>
 *
 * <p>Where threads take turns by agreement, the calling thread releases its {@linkplain RunPermits permit} at the beginning of the
 * block, which ends its turn, and waits for its next turn at the end of the block. Elsewhere nothing happens.
 *
 * <p>A wait that ends with a lock held does not stand in such a block unless all waits for that lock do: another thread may want
 * the lock in its turn, and would hold up all. For waits on a condition of a lock there is {@link WaitLock}.
 */
public final class Waits {
    private static final Block IN_TURN = () -> {};

    /** A block in which the thread has no turn. */
    @FunctionalInterface
    public interface Block extends AutoCloseable {
        /** Waits for the next turn, whatever interrupts come. */
        @Override
        void close();
    }

    private Waits() {}

    /**
     * Gives up the turn of the calling thread, if it has one.
     *
     * @return what ends the block
     */
    public static Block outOfTurn() {
        RunPermits.Permit permit = RunPermits.current();
        return permit != null && permit.release() ? permit::reacquire : IN_TURN;
    }
}
