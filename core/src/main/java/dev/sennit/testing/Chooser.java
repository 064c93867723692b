package dev.sennit.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Chooses the threads of one schedule. Every choice follows from the seed and the questions before. */
abstract class Chooser {
    /**
     * For PCT, the seed holds the expected number of decisions in these bits, as a power of two, so that the seed alone
     * determines the schedule.
     */
    private static final int HORIZON_SHIFT = 56;

    private static final int MAX_HORIZON = 30;

    /** Of so many schedules of a portfolio each strategy has one; that by priorities has this. */
    private static final long SHARES = 4;

    private static final int PRIORITIES = 0;
    /** So deep are bugs at most that a portfolio looks for with {@link Priorities}: hardly any is deeper. */
    private static final int MOST_DEPTH = 5;
    /** So many memory points in a row count as a busy loop that waits for another thread. */
    private static final int PATIENCE = 1000;

    /** In so many schedules one may have waits that end without a reason, and so many waits are one of these. */
    private static final int SELDOM = 4;

    final SplittableRandom random;
    /** One of so many waits ends without a reason; 0 for none. */
    int spuriousOneIn;

    Chooser(long seed) {
        random = new SplittableRandom(seed);
    }

    static Chooser of(Strategy strategy, int depth, long seed) {
        return switch (strategy) {
            case RANDOM -> new Uniform(seed, false);
            case SPURIOUS -> new Uniform(seed, true);
            case BALANCED -> new Balanced(seed);
            case PCT -> new Priorities(seed, depth);
            case POS -> new PartialOrder(seed);
            case EXHAUSTIVE -> throw new IllegalArgumentException("a search has no seeds");
            case PORTFOLIO -> switch ((int) Math.floorMod(seed, SHARES)) {
                case PRIORITIES -> new Priorities(seed, new SplittableRandom(seed).nextInt(MOST_DEPTH) + 1);
                case 1 -> new PartialOrder(seed);
                case 2 -> new Balanced(seed);
                default -> new Uniform(seed, false);
            };
        };
    }

    /** Returns the seed of a schedule, for a body that took up to so many decisions before. */
    static long seed(Strategy strategy, long first, long index, int decisions) {
        long plain = first + index;
        return switch (strategy) {
            case RANDOM, SPURIOUS, BALANCED, POS, EXHAUSTIVE -> plain;
            case PCT -> withHorizon(plain, decisions);
            case PORTFOLIO -> Math.floorMod(plain, SHARES) == PRIORITIES ? withHorizon(plain, decisions) : plain;
        };
    }

    private static long withHorizon(long plain, int decisions) {
        return plain & ((1L << HORIZON_SHIFT) - 1) | (long) exponent(decisions) << HORIZON_SHIFT;
    }

    /** Returns the exponent of the smallest power of two that is at least this. */
    private static int exponent(int decisions) {
        return Math.min(MAX_HORIZON, 32 - Integer.numberOfLeadingZeros(Math.max(1, decisions) - 1));
    }

    /** Returns a chooser that follows a script. */
    static Following following(Script script) {
        return new Following(script);
    }

    /** Chooses the thread of the next step, even if only one is ready. */
    int next(List<Strand> ready) {
        return ready.size() > 1 ? choose(ready) : 0;
    }

    /** Chooses one of the ready threads, which are at least two. */
    abstract int choose(List<Strand> ready);

    /** Returns whether the running thread makes way at a memory point; the driver then chooses among all. */
    abstract boolean interferes(Strand running, List<Strand> ready);

    /** Returns whether a wait that the running thread begins ends without a reason, as the JDK allows it to. */
    boolean wakesForNoReason(Strand running) {
        return spuriousOneIn > 0 && random.nextInt(spuriousOneIn) == 0;
    }

    void started(Strand strand) {}

    /** Notes that a thread goes on, from where it suspended or from the memory point that it has just reached. */
    void begins(Strand strand) {}

    /** Notes that the running thread has come to a memory point. */
    void reaches(Strand strand) {}

    /** Notes that a thread has suspended elsewhere, or ended. */
    void suspends(Strand strand) {}

    /** Notes that a thread can go on, because of what another has done; null if because time has passed. */
    void woken(Strand strand, @Nullable Strand by) {}

    /** Notes that a thread has yielded. */
    void yielded(Strand strand) {}

    /** Notes that a thread is at a memory point, or has suspended: {@link Priorities} may then change a priority. */
    void decisionAfter(Strand running) {}

    /** Returns the thread with the highest priority. */
    private static int indexOfFirst(List<Strand> ready) {
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

    private static final class Uniform extends Chooser {
        private final int reluctance;

        Uniform(long seed, boolean spurious) {
            super(seed);
            reluctance = 1 << random.nextInt(7);
            spuriousOneIn = spurious ? 2 : random.nextInt(SELDOM) == 0 ? SELDOM : 0;
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

    /**
     * Chooses a place in code first, and then a thread that is there. Of a hundred threads that do the same, and one
     * that does something else, the one has its turn as often as all others together. And threads that were started at
     * the same place are as reluctant to make way as each other: some kinds run on and on while others go step by step.
     */
    private static final class Balanced extends Chooser {
        private static final int MOST_RELUCTANT = 10;

        /** Of each place, one of the threads that are there. */
        private final List<Strand> here = new ArrayList<>();

        private final Map<Integer, Integer> reluctance = new HashMap<>();

        Balanced(long seed) {
            super(seed);
            spuriousOneIn = random.nextInt(SELDOM) == 0 ? SELDOM : 0;
        }

        @Override
        int choose(List<Strand> ready) {
            here.clear();
            for (Strand one : ready) {
                if (here.stream().noneMatch(one::isLike)) {
                    here.add(one);
                }
            }
            Strand like = here.get(random.nextInt(here.size()));
            int among = (int) ready.stream().filter(like::isLike).count();
            int left = random.nextInt(among);
            for (int i = 0;; i++) {
                if (ready.get(i).isLike(like) && left-- == 0) {
                    return i;
                }
            }
        }

        @Override
        boolean interferes(Strand running, List<Strand> ready) {
            int oneIn = reluctance.computeIfAbsent(running.kind, _ -> 1 << random.nextInt(MOST_RELUCTANT));
            return random.nextInt(oneIn) == 0;
        }
    }

    /** Chooses the thread with the highest priority. Threads that may wait in a loop go behind all others. */
    private abstract static class ByPriority extends Chooser {
        /** The lowest priority so far, below all that are drawn. */
        private int floor;
        /** The memory points that the running thread has come to while others were ready. */
        private int alone;

        private ByPriority(long seed) {
            super(seed);
        }

        final void draw(Strand strand) {
            strand.priority = random.nextInt(Integer.MAX_VALUE);
        }

        final void goesBehind(Strand strand) {
            strand.priority = --floor;
        }

        /** Notes that a thread does what it has come to. */
        void does(Strand strand, List<Strand> ready) {}

        @Override
        final void started(Strand strand) {
            draw(strand);
        }

        @Override
        final int choose(List<Strand> ready) {
            alone = 0;
            int first = indexOfFirst(ready);
            does(ready.get(first), ready);
            return first;
        }

        @Override
        final boolean interferes(Strand running, List<Strand> ready) {
            if (ready.isEmpty()) {
                alone = 0;
                return true;
            }
            if (++alone > PATIENCE) {
                alone = 0;
                goesBehind(running);
            }
            if (isBehindAny(running, ready)) {
                return true;
            }
            does(running, ready);
            return false;
        }

        private static boolean isBehindAny(Strand running, List<Strand> ready) {
            for (Strand one : ready) {
                if (one.priority > running.priority) {
                    return true;
                }
            }
            return false;
        }
    }

    private static final class Priorities extends ByPriority {
        /** The decisions after which the running thread goes behind all others; sorted. */
        private final int[] changes;

        private int changed;
        private int decisions;

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
        void yielded(Strand strand) {
            goesBehind(strand);
        }

        @Override
        void decisionAfter(Strand running) {
            decisions++;
            while (changed < changes.length && changes[changed] <= decisions) {
                changed++;
                goesBehind(running);
            }
        }
    }

    /**
     * Partial order sampling: what each thread does next has a priority of its own, drawn anew whenever another thread
     * has done something whose order with it matters. So the orders of conflicting accesses are sampled evenly, and not
     * the interleavings of all accesses, most of which are the same to the program.
     */
    private static final class PartialOrder extends ByPriority {
        PartialOrder(long seed) {
            super(seed);
            spuriousOneIn = random.nextInt(SELDOM) == 0 ? SELDOM : 0;
        }

        /** It may wait for another thread in a loop, or only make way. */
        @Override
        void yielded(Strand strand) {
            if (random.nextBoolean()) {
                goesBehind(strand);
            }
        }

        /** It comes to something else. */
        @Override
        void decisionAfter(Strand running) {
            if (!running.ready || running.priority >= 0) {
                draw(running);
            }
        }

        @Override
        void does(Strand one, List<Strand> ready) {
            for (Strand other : ready) {
                if (other != one && other.conflictsWith(one)) {
                    draw(other);
                }
            }
        }
    }

    /** Follows a {@link Script}, which says what happens where the script says nothing. */
    static final class Following extends Chooser {
        private final Script script;
        /** The segments that were followed so far, as far as they went. */
        private final List<Script.Segment> followed = new ArrayList<>();
        /** The memory points of each of these, but for one that is followed now. */
        private final List<Integer> passed = new ArrayList<>();

        /** The number of the segment to come. */
        private int next;
        /** The segment that is followed; null if the script does not tell of this step. */
        private Script.@Nullable Segment segment;
        /** The memory points that the running thread has come to in this step. */
        private int points;
        /** The decisions since the script has ended. */
        private long free;
        /** The lowest priority so far, for threads that may wait for others. */
        private int floor;

        private Following(Script script) {
            super(0);
            this.script = script;
        }

        /** Returns the segments of the script that were followed, as far as they went, and the waits that occurred. */
        Script followed(ScheduleTrace trace) {
            return new Script(followed, trace.wakes());
        }

        /** Returns the memory points in each segment that was followed. */
        List<Integer> passed() {
            notePoints();
            return List.copyOf(passed);
        }

        private void notePoints() {
            if (passed.size() < followed.size()) {
                passed.add(points);
            }
        }

        /** Returns the number of decisions that were made after the end of the script. */
        long free() {
            return free;
        }

        @Override
        int next(List<Strand> ready) {
            notePoints();
            points = 0;
            segment = null;
            while (next < script.segments().size()) {
                Script.Segment candidate = script.segments().get(next);
                int chosen = indexOf(candidate.thread(), ready);
                if (chosen >= 0) {
                    next++;
                    segment = candidate;
                    followed.add(new Script.Segment(candidate.thread(), 0));
                    return chosen;
                }
                if (ready.size() == 1) {
                    return 0; // there is no choice yet
                }
                next++;
            }
            free++;
            return choose(ready);
        }

        private static int indexOf(int thread, List<Strand> ready) {
            for (int i = 0; i < ready.size(); i++) {
                if (ready.get(i).number == thread) {
                    return i;
                }
            }
            return -1;
        }

        @Override
        int choose(List<Strand> ready) {
            return indexOfFirst(ready);
        }

        @Override
        boolean interferes(Strand running, List<Strand> ready) {
            points++;
            if (segment != null) {
                if (points != segment.points()) {
                    return false;
                }
                followed.set(followed.size() - 1, segment);
                return true;
            }
            free += next < script.segments().size() ? 0 : 1;
            if (points <= PATIENCE || ready.isEmpty()) {
                return false;
            }
            yielded(running);
            return true;
        }

        @Override
        void yielded(Strand strand) {
            strand.priority = --floor;
        }

        @Override
        boolean wakesForNoReason(Strand running) {
            return script.wakes().contains(new Script.Wake(running.number, running.waits));
        }
    }
}
