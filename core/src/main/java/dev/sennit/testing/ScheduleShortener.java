package dev.sennit.testing;

import dev.sennit.testing.ScheduleRun.Ending;
import dev.sennit.testing.Script.Segment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Makes the schedule of a failure as short as it can: few switches away from threads that could have gone on, then few
 * switches at all, then few steps. A schedule that was found at random switches all the time, and most of that has
 * nothing to do with the bug.
 *
 * <h2>How</h2> The schedule is written down as a {@link Script}, and changed scripts are run. A run that fails in the
 * same way, and is shorter, replaces the script by what was followed of it. So no change has to be understood before: a
 * script that makes no sense any more just fails in another way, or not at all. The changes, from coarse to fine:
 * <ol>
 *   <li>The tail is cut. Behind it threads run on until they suspend, which mostly removes what follows the bug.
 *   <li>A wait that ended without a reason does not.
 *   <li>Segments are left out: half of all, a quarter, and so on, as in delta debugging. Their threads run later.
 *   <li>A segment moves to the next one of its thread, or that one moves to it: both become one, as what the thread
 *       waited for between them may not be there any more; if it still is, both stay.
 *   <li>A thread that made way runs on.
 * </ol>
 * These are repeated until none of them makes the schedule shorter.
 *
 * <p>Source: N. Jalbert, K. Sen: A Trace Simplification Technique for Effective Debugging of Concurrent Programs, FSE
 * 2010. As theirs, this finds a local optimum, not the shortest schedule.
 *
 * <h2>The same failure</h2> It is of the same kind, and what was thrown has the same class. The message may differ: it
 * often has numbers that do. A schedule without an end counts only if it goes on and on when threads take turns behind
 * the end of the script, as otherwise any script is one that lets a thread wait in a loop for another that has no turn.
 *
 * <h2>When it ends</h2> After so many runs, steps, waits that really take their time (without the agent), or threads
 * that failed schedules have left behind; never after a time, as its result has to follow from the seed.
 */
final class ScheduleShortener {
    private static final int MOST_RUNS = 1000;
    private static final long MOST_DECISIONS = 1_000_000;
    private static final long MOST_WAITED = TimeUnit.SECONDS.toNanos(1);
    private static final int MOST_LEFT = 1000;
    /** A shorter schedule may pass more memory points than a longer one: by so many. */
    private static final int MORE_DECISIONS = 1000;

    /** Runs the body under a schedule, with a limit of steps; threads that it leaves are ended. */
    @FunctionalInterface
    interface Runs {
        ScheduleRun run(Chooser chooser, int stepLimit);
    }

    private final ScheduleRun original;
    private final Runs runs;
    private final int stepLimit;
    private final Set<Script> tried = new HashSet<>();

    private Script shortest;
    /** The memory points in each segment of it. */
    private List<Integer> points;
    private ScheduleTrace.Size size;

    private int runsLeft = MOST_RUNS;
    private long decisionsLeft = MOST_DECISIONS;
    private long waitsLeft = MOST_WAITED;
    private int threadsLeft = MOST_LEFT;

    ScheduleShortener(ScheduleRun original, int stepLimit, Runs runs) {
        this.original = original;
        this.runs = runs;
        this.stepLimit =
                original.ending() == Ending.STEP_LIMIT
                        ? stepLimit
                        : (int) Math.min(stepLimit, 2L * original.decisions() + MORE_DECISIONS);
        shortest = original.trace().script();
        points = original.trace().points();
        size = original.trace().size();
        tried.add(shortest);
    }

    /** Returns whether a failure of this kind is one of the schedule alone. */
    static boolean isFor(Ending ending) {
        return switch (ending) {
            case THREW, EXIT, DEADLOCK, STEP_LIMIT -> true;
            case PASSED, OUTSIDE, REAL_TIME, DATA_RACE -> false;
        };
    }

    /** Returns a script that fails in the same way, and is as short as possible. */
    Script shortest() {
        cutTail();
        boolean better = shortest.segments().size() + shortest.wakes().size() > 0;
        while (better && isInBudget()) {
            better = leaveOutWakes();
            better |= leaveOutSegments();
            better |= joinSegments();
            better |= letRunOn();
            better |= cutTail();
        }
        return shortest;
    }

    /** Returns whether a run of the shortest script has failed as it did before. */
    boolean isShortest(ScheduleRun run) {
        return run.ending() == original.ending()
                && classOf(run) == classOf(original)
                && run.trace().size().equals(size);
    }

    private boolean isInBudget() {
        return runsLeft > 0 && decisionsLeft > 0 && waitsLeft > 0 && threadsLeft > 0;
    }

    /** Returns whether a script fails in the same way, and is shorter: then it is the shortest. */
    private boolean tries(List<Segment> segments, Set<Script.Wake> wakes) {
        var script = new Script(segments, wakes);
        if (!isInBudget() || !tried.add(script)) {
            return false;
        }
        Chooser.Following chooser = Chooser.following(script);
        ScheduleRun run = runs.run(chooser, stepLimit);
        runsLeft--;
        decisionsLeft -= run.decisions();
        waitsLeft -= run.reallyWaited();
        threadsLeft -= run.threadsLeft();
        if (!isSameFailure(run, chooser)) {
            return false;
        }
        Script followed = chooser.followed(run.trace());
        ScheduleTrace.Size found = run.trace().size();
        int order = found.compareTo(size);
        if (order > 0 || order == 0 && lengthOf(followed) >= lengthOf(shortest)) {
            return false;
        }
        tried.add(followed);
        shortest = followed;
        points = chooser.passed();
        size = found;
        return true;
    }

    private boolean isSameFailure(ScheduleRun run, Chooser.Following chooser) {
        return run.ending() == original.ending()
                && switch (run.ending()) {
                    case THREW -> classOf(run) == classOf(original);
                    case STEP_LIMIT -> chooser.free() >= stepLimit / 2;
                    default -> true;
                };
    }

    private static Class<?> classOf(ScheduleRun run) {
        Throwable cause = run.cause();
        return cause == null ? Void.class : cause.getClass();
    }

    private static int lengthOf(Script script) {
        int length = script.segments().size();
        for (Segment segment : script.segments()) {
            length += segment.points() > 0 ? 1 : 0;
        }
        return length;
    }

    /**
     * Cuts the script where it is not needed any more. Tries short beginnings first: a schedule without an end is long.
     */
    private boolean cutTail() {
        Script before = shortest;
        List<Segment> all = before.segments();
        int tooFew = -1;
        int enough = all.size();
        for (int count = 0; count < all.size(); count = Math.max(1, 2 * count)) {
            if (tries(all.subList(0, count), before.wakes())) {
                enough = count;
                break;
            }
            tooFew = count;
        }
        while (enough - tooFew > 1) {
            int middle = (tooFew + enough) >>> 1;
            if (tries(all.subList(0, middle), before.wakes())) {
                enough = middle;
            } else {
                tooFew = middle;
            }
        }
        return shortest != before;
    }

    private boolean leaveOutWakes() {
        Script before = shortest;
        for (Script.Wake wake : before.wakes()) {
            Set<Script.Wake> others = new HashSet<>(shortest.wakes());
            others.remove(wake);
            tries(shortest.segments(), others);
        }
        return shortest != before;
    }

    private boolean leaveOutSegments() {
        Script before = shortest;
        for (int count = Math.max(1, before.segments().size() / 2); count > 0; count /= 2) {
            int from = 0;
            while (from < shortest.segments().size() && isInBudget()) {
                List<Segment> fewer = new ArrayList<>(shortest.segments());
                fewer.subList(from, Math.min(fewer.size(), from + count)).clear();
                from += tries(fewer, shortest.wakes()) ? 0 : count;
            }
        }
        return shortest != before;
    }

    private boolean joinSegments() {
        Script before = shortest;
        for (int i = 0; i < shortest.segments().size() && isInBudget(); i++) {
            List<Segment> segments = shortest.segments();
            int next = nextOfSameThread(segments, i);
            if (next < 0) {
                continue;
            }
            Segment one = segments.get(i);
            Segment other = segments.get(next);
            var whole = new Segment(one.thread(), other.points() == 0 ? 0 : points.get(i) + other.points());
            boolean joined = tries(with(segments, i, next, next, List.of(whole)), shortest.wakes())
                    || tries(with(segments, i, next, i, List.of(whole)), shortest.wakes())
                    || one.points() == 0
                            && (tries(with(segments, i, next, next, List.of(one, other)), shortest.wakes())
                                    || tries(with(segments, i, next, i, List.of(one, other)), shortest.wakes()));
            i -= joined ? 1 : 0;
        }
        return shortest != before;
    }

    private static int nextOfSameThread(List<Segment> segments, int index) {
        for (int i = index + 1; i < segments.size(); i++) {
            if (segments.get(i).thread() == segments.get(index).thread()) {
                return i;
            }
        }
        return -1;
    }

    /** Returns the segments without two of them, but with others at a place. */
    private static List<Segment> with(List<Segment> segments, int first, int second, int at, List<Segment> both) {
        List<Segment> changed = new ArrayList<>();
        for (int i = 0; i < segments.size(); i++) {
            if (i == at) {
                changed.addAll(both);
            } else if (i != first && i != second) {
                changed.add(segments.get(i));
            }
        }
        return changed;
    }

    private boolean letRunOn() {
        Script before = shortest;
        for (int i = 0; i < shortest.segments().size() && isInBudget(); i++) {
            Segment segment = shortest.segments().get(i);
            if (segment.points() > 0) {
                List<Segment> changed = new ArrayList<>(shortest.segments());
                changed.set(i, new Segment(segment.thread(), 0));
                tries(changed, shortest.wakes());
            }
        }
        return shortest != before;
    }
}
