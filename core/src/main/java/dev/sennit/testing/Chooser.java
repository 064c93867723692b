package dev.sennit.testing;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Says who goes on in one schedule. Everything it does follows from its seed and what it was asked before. */
abstract sealed class Chooser {
    /**
     * For PCT, the number of decisions that are reckoned with is part of the seed, as the power of two in these bits: so a
     * seed says all there is to say.
     */
    private static final int HORIZON_SHIFT = 56;

    private static final int MAX_HORIZON = 30;

    final SplittableRandom random;

    private Chooser(long seed) {
        random = new SplittableRandom(seed);
    }

    static Chooser of(Strategy strategy, int depth, long seed) {
        return switch (strategy) {
            case RANDOM -> new Uniform(seed);
            case PCT -> new Priorities(seed, depth);
        };
    }

    /** The seed of a schedule, for a body that made so many decisions so far. */
    static long seed(Strategy strategy, long first, long index, int decisions) {
        long plain = first + index;
        return switch (strategy) {
            case RANDOM -> plain;
            case PCT -> plain & ((1L << HORIZON_SHIFT) - 1) | (long) exponent(decisions) << HORIZON_SHIFT;
        };
    }

    /** Of the power of two that is at least this. */
    private static int exponent(int decisions) {
        return Math.min(MAX_HORIZON, 32 - Integer.numberOfLeadingZeros(Math.max(1, decisions) - 1));
    }

    /** Which of those that can go on does; they are at least two. */
    abstract int choose(List<Strand> ready);

    /** Whether at a memory point the running thread may have to make way; the driver then chooses among all. */
    abstract boolean interferes(Strand running, List<Strand> ready);

    void started(Strand strand) {}

    /** The thread wants others to go on. */
    void yielded(Strand strand) {}

    /** A thread has come to a memory point, or has suspended: where {@link Priorities} may change its mind. */
    void decisionAfter(Strand running) {}

    private static final class Uniform extends Chooser {
        private final int reluctance;

        Uniform(long seed) {
            super(seed);
            reluctance = 1 << random.nextInt(7);
        }

        @Override
        int choose(List<Strand> ready) {
            return random.nextInt(ready.size());
        }

        @Override
        boolean interferes(Strand running, List<Strand> ready) {
            return random.nextInt(reluctance) == 0;
        }
    }

    private static final class Priorities extends Chooser {
        /** So many memory points in a row are a loop that waits for somebody. */
        private static final int PATIENCE = 1000;

        /** Decisions after which the running thread goes behind all others; sorted. */
        private final int[] changes;

        private int changed;
        private int decisions;
        /** Below all priorities that are drawn. */
        private int floor;

        private int alone;

        Priorities(long seed, int depth) {
            super(seed);
            int horizon = 1 << Math.min(MAX_HORIZON, (int) (seed >>> HORIZON_SHIFT));
            changes = new int[depth - 1];
            for (int i = 0; i < changes.length; i++) {
                changes[i] = 1 + random.nextInt(horizon);
            }
            Arrays.sort(changes);
        }

        @Override
        void started(Strand strand) {
            strand.priority = random.nextInt(Integer.MAX_VALUE);
        }

        @Override
        void yielded(Strand strand) {
            strand.priority = --floor;
        }

        @Override
        void decisionAfter(Strand running) {
            decisions++;
            while (changed < changes.length && changes[changed] <= decisions) {
                changed++;
                running.priority = --floor;
            }
        }

        @Override
        int choose(List<Strand> ready) {
            alone = 0;
            int best = 0;
            for (int i = 1; i < ready.size(); i++) {
                Strand one = ready.get(i);
                Strand other = ready.get(best);
                if (one.priority > other.priority || one.priority == other.priority && one.number < other.number) {
                    best = i;
                }
            }
            return best;
        }

        @Override
        boolean interferes(Strand running, List<Strand> ready) {
            if (ready.isEmpty()) {
                alone = 0;
                return true;
            }
            if (++alone > PATIENCE) {
                alone = 0;
                yielded(running);
            }
            for (Strand one : ready) {
                if (one.priority > running.priority) {
                    return true;
                }
            }
            return false;
        }
    }
}
