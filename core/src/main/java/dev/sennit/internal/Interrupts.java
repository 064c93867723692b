package dev.sennit.internal;

import java.util.concurrent.ConcurrentHashMap;

/**
 * Interrupts that cancel a task, and blocks of code that hold them back.
 *
 * <p>Entering and leaving such a block, and an interrupt, exclude one another for each thread: none hits a block that has
 * been entered. Interrupts that somebody else sends, past this class, are not held back.
 */
public final class Interrupts {
    /** For each thread inside of such blocks, how many, and whether an interrupt was held back. */
    private static final ConcurrentHashMap<Thread, State> HOLDING = new ConcurrentHashMap<>();

    private record State(int depth, boolean heldBack) {}

    private Interrupts() {}

    /**
     * Interrupts a thread, or lets it know when it leaves its outermost block.
     *
     * @param thread any thread
     */
    public static void interrupt(Thread thread) {
        HOLDING.compute(thread, (same, state) -> {
            if (state == null) {
                thread.interrupt();
                return null;
            }
            return new State(state.depth, true);
        });
    }

    /** Enters a block in the calling thread. An interrupt that has come already counts as held back. */
    public static void holdBack() {
        HOLDING.compute(
                Thread.currentThread(),
                (self, state) -> state == null
                        ? new State(1, Thread.interrupted())
                        : new State(state.depth + 1, state.heldBack));
    }

    /** Leaves a block; the outermost one lets an interrupt through that was held back. */
    public static void letThrough() {
        HOLDING.computeIfPresent(Thread.currentThread(), (self, state) -> {
            if (state.depth > 1) {
                return new State(state.depth - 1, state.heldBack);
            }
            if (state.heldBack) {
                self.interrupt();
            }
            return null;
        });
    }
}
