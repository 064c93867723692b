package dev.sennit.testing;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Chooses the threads of one schedule. Every choice follows from the seed and the questions before. */
abstract sealed class Chooser {
    /**
     * For PCT, the seed holds the expected number of decisions in these bits, as a power of two, so that the seed alone
     * determines the schedule.
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

    /** Returns the seed of a schedule, for a body that took up to so many decisions before. */
    static long seed(Strategy strategy, long first, long index, int decisions) {
        long plain = first + index;
        return switch (strategy) {
            case RANDOM -> plain;
            case PCT -> plain & ((1L << HORIZON_SHIFT) - 1) | (long) exponent(decisions) << HORIZON_SHIFT;
        };
    }

    /** Returns the exponent of the smallest power of two that is at least this. */
    private static int exponent(int decisions) {
        return Math.min(MAX_HORIZON, 32 - Integer.numberOfLeadingZeros(Math.max(1, decisions) - 1));
    }

    /** Chooses one of the ready threads, which are at least two. */
    abstract int choose(List<Strand> ready);

    /** Returns whether the running thread makes way at a memory point; the driver then chooses among all. */
    abstract boolean interferes(Strand running, List<Strand> ready);

    void started(Strand strand) {}

    /** Notes that a thread has yielded. */
    void yielded(Strand strand) {}

    /** Notes that a thread is at a memory point, or has suspended: {@link Priorities} may then change a priority. */
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
        /** So many memory points in a row count as a busy loop that waits for another thread. */
        private static final int PATIENCE = 1000;

        /** The decisions after which the running thread goes behind all others; sorted. */
        private final int[] changes;

        private int changed;
        private int decisions;
        /** The lowest priority so far, below all that are drawn. */
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
