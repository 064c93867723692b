package dev.sennit.internal;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Sends interrupts that cancel a task, and holds them back while the thread is in a shielded block.
 *
 * <p>Blocks nest: a thread is at depth 0 outside of all blocks, and each block is one deeper. An interrupt is meant for
 * the code at a certain depth. While the thread is deeper, the interrupt is held back, and it is sent when the thread
 * returns to that depth. A block is a shield around some lines of a task, or another task that runs inside a waiting
 * task.
 *
 * <p>For each thread, entering a block, leaving a block and interrupting exclude one another, so no interrupt for an
 * outer depth hits a block that has been entered. Interrupts that do not go through this class are not held back.
 */
public final class Interrupts {
    private static final int DEEPEST = Long.SIZE - 1;

    /** For each thread inside a block or a {@linkplain #watch watched} block. */
    private static final ConcurrentHashMap<Thread, State> INSIDE = new ConcurrentHashMap<>();

    /**
     * The blocks that a thread is in, and the interrupts held back for it.
     *
     * @param depth how many blocks it is in
     * @param watched how many watched blocks it is in
     * @param heldBack a bit for each depth for which an interrupt is held back
     * @param came whether this class interrupted it since it entered the outermost watched block
     */
    private record State(int depth, int watched, long heldBack, boolean came) {
        static final State OUTSIDE = new State(0, 0, 0, false);

        boolean isInside() {
            return depth > 0 || watched > 0;
        }

        State at(int newDepth) {
            return new State(newDepth, watched, heldBack, came);
        }

        State watchedBy(int count) {
            return new State(depth, count, heldBack, came && count > 0);
        }

        State holding(int forDepth) {
            return new State(depth, watched, heldBack | bit(forDepth), came);
        }

        State without(int forDepth) {
            return new State(depth, watched, heldBack & ~bit(forDepth), came);
        }

        State interrupted() {
            return new State(depth, watched, heldBack, watched > 0);
        }

        boolean holdsFor(int someDepth) {
            return (heldBack & bit(someDepth)) != 0;
        }

        private static long bit(int depth) {
            return 1L << Math.min(depth, DEEPEST);
        }
    }

    private Interrupts() {}

    /**
     * Returns how many blocks the calling thread is in.
     *
     * @return the depth; 0 outside of all blocks
     */
    public static int depth() {
        State state = INSIDE.get(Thread.currentThread());
        return state == null ? 0 : state.depth;
    }

    /**
     * Interrupts the code at a certain depth of a thread, now or when the thread returns to that depth.
     *
     * @param thread any thread
     * @param depth the depth
     */
    public static void interrupt(Thread thread, int depth) {
        interrupt(thread, depth, () -> true, thread::interrupt);
    }

    /**
     * Interrupts the code at a certain depth, unless it is too late. Both arguments may be called with a lock of this
     * class held.
     *
     * @param thread any thread
     * @param depth the depth
     * @param wanted returns false if it is too late; called when the interrupt would be held back
     * @param deliver interrupts the thread unless it is too late
     */
    public static void interrupt(Thread thread, int depth, BooleanSupplier wanted, Runnable deliver) {
        INSIDE.compute(thread, (same, state) -> {
            if (state != null && state.depth > depth) {
                return wanted.getAsBoolean() ? state.holding(depth) : state;
            }
            deliver.run();
            return state == null ? null : state.interrupted();
        });
    }

    /**
     * Enters a block in the calling thread. If the thread is interrupted already, this interrupt is held back too.
     *
     * @return the depth inside the block
     */
    public static int holdBack() {
        return holdBack(false);
    }

    /**
     * Enters a block in the calling thread.
     *
     * @param clear whether an interrupt that the thread has already is cleared; without this, or if this class has sent
     *     one, it is held back
     * @return the depth inside the block
     */
    public static int holdBack(boolean clear) {
        State entered = INSIDE.compute(Thread.currentThread(), (self, known) -> {
            State state = known == null ? State.OUTSIDE : known;
            boolean isHeld = Thread.interrupted() && (!clear || state.came);
            return (isHeld ? state.holding(state.depth) : state).at(state.depth + 1);
        });
        return entered.depth;
    }

    /** Leaves a block, and sends an interrupt that was held back for the code around it. */
    public static void letThrough() {
        Thread self = Thread.currentThread();
        boolean[] comes = new boolean[1];
        INSIDE.computeIfPresent(self, (same, state) -> {
            State left = state.at(state.depth - 1);
            comes[0] = left.holdsFor(left.depth);
            left = comes[0] ? left.without(left.depth).interrupted() : left;
            return left.isInside() ? left : null;
        });
        if (comes[0]) {
            self.interrupt(); // not inside compute: it may take locks of the thread
        }
    }

    /** Enters a watched block: code in the calling thread that clears the interrupt status at its end. */
    public static void watch() {
        INSIDE.compute(Thread.currentThread(), (self, known) -> {
            State state = known == null ? State.OUTSIDE : known;
            return state.watchedBy(state.watched + 1);
        });
    }

    /**
     * Leaves a watched block.
     *
     * @param clear whether to clear the interrupt status; an interrupt that this class sent is then sent again
     */
    public static void unwatch(boolean clear) {
        Thread self = Thread.currentThread();
        boolean[] came = new boolean[1];
        INSIDE.computeIfPresent(self, (same, state) -> {
            if (clear) {
                Thread.interrupted(); // inside compute, so that no interrupt of this class comes in between
                came[0] = state.came;
            }
            State left = state.watchedBy(state.watched - 1);
            return left.isInside() ? left : null;
        });
        if (came[0]) {
            self.interrupt();
        }
    }
}
