package dev.sennit.internal;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Interrupts that cancel a task, and blocks of code that hold them back.
 *
 * <p>Blocks nest: a thread is at depth 0 outside of all, and one deeper in each. An interrupt is meant for what runs at a
 * depth; while the thread is deeper than that it is held back, and sent when the thread comes back up. A block is a shield
 * around some lines of a task, or another task that runs inside of a waiting one.
 *
 * <p>Entering and leaving a block, and an interrupt, exclude one another for each thread: none hits a block that has been
 * entered. Interrupts that somebody else sends, past this class, are not held back.
 */
public final class Interrupts {
    private static final int DEEPEST = Long.SIZE - 1;

    /** For each thread inside of a block or of a {@linkplain #watch watched} one. */
    private static final ConcurrentHashMap<Thread, State> INSIDE = new ConcurrentHashMap<>();

    /**
     * Where a thread is.
     *
     * @param depth how many blocks it is in
     * @param watched how many watched ones
     * @param heldBack a bit for each depth that an interrupt waits for
     * @param came whether one was sent since the first watched block was entered
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
     * How many blocks the calling thread is in.
     *
     * @return 0 outside of all
     */
    public static int depth() {
        State state = INSIDE.get(Thread.currentThread());
        return state == null ? 0 : state.depth;
    }

    /**
     * Interrupts what runs at some depth of a thread, now or when the thread is back there.
     *
     * @param thread any thread
     * @param depth the depth
     */
    public static void interrupt(Thread thread, int depth) {
        interrupt(thread, depth, () -> true, thread::interrupt);
    }

    /**
     * The same, for a thread that knows when an interrupt is too late. Both may be called with a lock of this class held.
     *
     * @param thread any thread
     * @param depth the depth
     * @param wanted whether it is not too late; asked when the interrupt would be held back
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
     * Enters a block in the calling thread. An interrupt that has come already counts as held back.
     *
     * @return the depth in it
     */
    public static int holdBack() {
        State entered = INSIDE.compute(Thread.currentThread(), (self, known) -> {
            State state = known == null ? State.OUTSIDE : known;
            State outside = Thread.interrupted() ? state.holding(state.depth) : state;
            return outside.at(state.depth + 1);
        });
        return entered.depth;
    }

    /** Leaves a block; an interrupt that was held back for what is around it comes now. */
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
            self.interrupt(); // not above: it may take locks of the thread's own
        }
    }

    /** Enters a block of the calling thread that clears the thread's interrupt status in its end. */
    public static void watch() {
        INSIDE.compute(Thread.currentThread(), (self, known) -> {
            State state = known == null ? State.OUTSIDE : known;
            return state.watchedBy(state.watched + 1);
        });
    }

    /**
     * Leaves such a block.
     *
     * @param clear whether it clears the status: only what this class has not sent is cleared
     */
    public static void unwatch(boolean clear) {
        Thread self = Thread.currentThread();
        boolean[] came = new boolean[1];
        INSIDE.computeIfPresent(self, (same, state) -> {
            if (clear) {
                Thread.interrupted(); // here, where none can come between
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
