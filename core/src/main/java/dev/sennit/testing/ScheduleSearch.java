package dev.sennit.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The search through all schedules of a body, for {@link Strategy#EXHAUSTIVE}.
 *
 * <p>A run is a row of <i>events</i>: a thread does what it came to at a memory point, and goes on to its next one. At
 * most of them, several threads could have gone on: such a state is a <i>fork</i>. The next run goes the way of the
 * last one up to a fork, takes another thread there, and then goes on as it likes. The search is over when no fork has
 * a thread that is to be taken.
 *
 * <h2>Which threads are to be taken</h2> Two events are independent if they are of two threads and touch nothing in
 * common, or only read it. Runs that differ in the order of independent events only are the same to the program, and
 * one of them is enough. So a thread is to be taken at a fork only if the event that was taken there depends on a later
 * one of that thread, and nothing between the two orders them: the other order of the two is still to be seen. What is
 * ordered is known from vector clocks: an event comes after those of its thread, those that made its thread ready, and
 * those before it on which it depends. This is dynamic partial-order reduction.
 *
 * <p>A thread that was taken at a fork <i>sleeps</i> in the later runs through this fork, until an event comes that
 * depends on what it would do: before that, these runs are the same as those that have taken it.
 *
 * <h2>Bound</h2> To make a thread wait that could go on is a preemption. Most bugs need few, so the search goes through
 * all schedules without preemptions first, then those with one, with two, with three, and then through all. In a search
 * with a bound, a thread may be refused at the fork where it is wanted and be free at an earlier one: it is taken also
 * where the running thread was chosen. And no thread sleeps, as the runs that have taken it were cut.
 *
 * <h2>Loops that wait</h2> A thread that yields or reads the same again and again rests until each of the others that
 * are ready has done something: else there would be schedules without an end.
 *
 * <p>Sources: C. Flanagan, P. Godefroid: Dynamic Partial-Order Reduction for Model Checking Software, POPL 2005. P.
 * Godefroid: Partial-Order Methods for the Verification of Concurrent Systems, 1996 (sleep sets). K. Coons, M.
 * Musuvathi, K. McKinley: Bounded Partial-Order Reduction, OOPSLA 2013. M. Musuvathi, S. Qadeer: Fair Stateless Model
 * Checking, PLDI 2008.
 */
final class ScheduleSearch {
    /** For a search through all schedules. */
    static final int UNBOUNDED = Integer.MAX_VALUE;

    /** The searches with a bound that come before the one through all. */
    private static final int LAST_BOUND = 3;
    /** A thread that has read the same so often in a row counts as one that waits for another. */
    private static final int SAME_READS = 3;
    /** The same in a search through all schedules: a loop with fewer turns may end by itself. */
    private static final int SAME_READS_OF_ALL = 100;
    /** The same for calls, which may change something. */
    private static final int SAME_CALLS = 20;

    private static final int NONE = -1;

    /** A state at which several threads could go on. */
    private static final class Fork {
        /** The threads that could go on, by their numbers. */
        final BitSet able;
        /** Those that are to be taken, or were. */
        final BitSet wanted = new BitSet();
        /** Those that were taken in runs before. */
        final BitSet taken = new BitSet();
        final BitSet asleep;
        /** The thread that ran before, if it could go on; else none. */
        final int running;
        /** How many preemptions there were before. */
        final int preemptions;

        int chosen;

        Fork(BitSet able, BitSet asleep, int running, int preemptions) {
            this.able = able;
            this.asleep = asleep;
            this.running = running;
            this.preemptions = preemptions;
        }

        int preemptionsWith(int thread) {
            return preemptions + (running != NONE && running != thread ? 1 : 0);
        }

        void choose(int thread) {
            chosen = thread;
            wanted.set(thread);
        }
    }

    /** A thread has done what it came to. */
    private static final class Event {
        /** The number of the event in its run. */
        final int index;

        final int thread;
        /** The number of the event among those of its thread, from 1 on. */
        final int number;
        /** The fork at which the thread was chosen; null if no other could go on. */
        final @Nullable Fork fork;
        /** The number of that fork. */
        final int depth;

        Access access;
        /** Of each thread the last event that comes before this one, or is this one. */
        int[] clock = {};

        Event(int index, int thread, int number, @Nullable Fork fork, int depth, Access access) {
            this.index = index;
            this.thread = thread;
            this.number = number;
            this.fork = fork;
            this.depth = depth;
            this.access = access;
        }
    }

    /** What a thread does next, as far as it is known. */
    private record Access(@Nullable Object place, int part, boolean writes) {
        /** Of a thread that has not come to a memory point: known when it comes to one, or does not. */
        static final Access START = new Access(Strand.NOWHERE, 0, false);
        static final Access ANYTHING = new Access(Strand.ANYWHERE, 0, true);

        boolean isStart() {
            return place == Strand.NOWHERE;
        }

        boolean isAnything() {
            return place == Strand.ANYWHERE;
        }

        boolean conflictsWith(Access other) {
            return (writes || other.writes) && Strand.areSame(place, part, other.place, other.part);
        }
    }

    private final int most;
    /** Whether of schedules that are the same to the program only one is run. */
    private final boolean isReduced;
    /** The forks on the way of the last run, or of the next one. */
    private final List<Fork> forks = new ArrayList<>();

    /** Whether threads were in a callback when they came to a point. */
    private final Map<Object, Boolean> callbacks = new HashMap<>();

    private int bound;
    /** Whether a thread was refused as it would be one preemption too many. */
    private boolean isCut;

    private int seenUpTo = NONE;
    private boolean isOver;
    private boolean hasDiverged;

    /** Makes a search through all schedules with at most so many preemptions. */
    ScheduleSearch(int most) {
        this(most, true);
    }

    /** Makes a search for a test, which may do without the reduction. */
    ScheduleSearch(int most, boolean isReduced) {
        this.most = most;
        this.isReduced = isReduced;
    }

    /** Returns the chooser of the next run; before {@link #goesOn}, of the same run again. */
    Chooser next() {
        return new Way();
    }

    /** Returns whether there is another run, after the last one has ended. */
    boolean goesOn() {
        while (!isOver && !turns()) {
            forks.clear();
            if (!isCut) {
                seenUpTo = UNBOUNDED;
                isOver = true;
            } else {
                seenUpTo = bound;
                isOver = bound == most;
                bound = bound < Math.min(LAST_BOUND, most) ? bound + 1 : most;
                isCut = false;
            }
            if (!isOver) {
                return true;
            }
        }
        return !isOver;
    }

    /** Turns to another thread at the last fork where one is to be taken; returns false if there is none. */
    private boolean turns() {
        if (hasDiverged) {
            isOver = true;
            return true;
        }
        while (!forks.isEmpty()) {
            Fork last = forks.getLast();
            last.taken.set(last.chosen);
            if (bound == UNBOUNDED && isReduced) {
                last.asleep.set(last.chosen);
            }
            for (int thread = last.wanted.nextSetBit(0); thread >= 0; thread = last.wanted.nextSetBit(thread + 1)) {
                if (last.taken.get(thread) || last.asleep.get(thread)) {
                    continue;
                }
                if (last.preemptionsWith(thread) > bound) {
                    isCut = true;
                    continue;
                }
                last.choose(thread);
                return true;
            }
            forks.removeLast();
        }
        return false;
    }

    /**
     * Returns with how many preemptions at most all schedules were seen; {@link #UNBOUNDED} if all were, and -1 if none
     * were.
     */
    int seenUpTo() {
        return seenUpTo;
    }

    /** Returns whether a run did not go the same way as the one before: the body depends on something else. */
    boolean hasDiverged() {
        return hasDiverged;
    }

    /** Ends the search, as two runs of the same way were not the same. */
    void diverges() {
        hasDiverged = true;
    }

    /** One run. */
    private final class Way extends Chooser {
        private final List<Event> events = new ArrayList<>();
        private final Done done = new Done();
        /** By the numbers of threads. */
        private final List<Rider> riders = new ArrayList<>();
        private BitSet asleep = new BitSet();
        /** The event that is under way. */
        private @Nullable Event open;
        /** The number of the next fork. */
        private int depth;
        /** The fork at which the next event is chosen. */
        private @Nullable Fork fork;
        /** The thread of the last event. */
        private int last = NONE;
        private int preemptions;

        Way() {
            super(0);
        }

        private Rider rider(Strand strand) {
            while (riders.size() <= strand.number) {
                riders.add(new Rider());
            }
            return riders.get(strand.number);
        }

        // ---- choices ----

        @Override
        int choose(List<Strand> ready) {
            BitSet able = able(ready);
            boolean isKnown = depth < forks.size();
            Fork here = isKnown ? forks.get(depth) : newFork(able);
            if (isKnown && !here.able.equals(able)) {
                hasDiverged = true;
            }
            if (!isKnown) {
                forks.add(here);
            }
            depth++;
            fork = here;
            asleep = (BitSet) here.asleep.clone();
            preemptions = here.preemptionsWith(here.chosen);
            for (int i = 0; i < ready.size(); i++) {
                if (ready.get(i).number == here.chosen) {
                    return i;
                }
            }
            hasDiverged = true;
            return 0;
        }

        /** Returns the threads that may go on. */
        private BitSet able(List<Strand> ready) {
            var all = new BitSet();
            for (Strand one : ready) {
                all.set(one.number);
            }
            var able = (BitSet) all.clone();
            for (Strand one : ready) {
                if (rider(one).rests(one.number, all)) {
                    able.clear(one.number);
                    isCut |= bound != UNBOUNDED;
                }
            }
            return able.isEmpty() ? all : able;
        }

        private Fork newFork(BitSet able) {
            boolean canGoOn = last != NONE && able.get(last) && riders.get(last).isAtPoint;
            var sleepers = (BitSet) asleep.clone();
            sleepers.and(able);
            var made = new Fork(able, sleepers, canGoOn ? last : NONE, preemptions);
            var awake = (BitSet) able.clone();
            awake.andNot(sleepers);
            if (awake.isEmpty()) { // the same as a run before; it is harmless to see the rest once more
                awake = able;
            }
            if (!isReduced) {
                made.wanted.or(able);
            }
            made.choose(canGoOn && awake.get(last) ? last : awake.nextSetBit(0));
            return made;
        }

        /** Each thread makes way at each point, so that it is known which others are ready. */
        @Override
        boolean interferes(Strand running, List<Strand> ready) {
            return true;
        }

        // ---- events ----

        @Override
        void begins(Strand strand) {
            Rider rider = rider(strand);
            for (Rider other : riders) {
                other.waitsFor.clear(strand.number);
            }
            rider.isAtPoint = false;
            var event = new Event(events.size(), strand.number, ++rider.events, fork, depth - 1, rider.next);
            fork = null;
            last = strand.number;
            events.add(event);
            order(event, rider);
            open = event;
        }

        @Override
        void reaches(Strand strand) {
            Rider rider = rider(strand);
            end(rider, rider.isDirect(strand) ? Access.START : Access.ANYTHING);
            rider.next = isInCallback(rider, strand) || strand.part == 0 && DataRaces.sharesState(strand.place)
                    ? Access.ANYTHING
                    : new Access(strand.place, strand.part, strand.writes);
            rider.isAtPoint = true;
            if (rider.waitsInLoop(strand, bound == UNBOUNDED ? SAME_READS_OF_ALL : SAME_READS)) {
                rider.mustRest = true;
            }
        }

        /**
         * Returns whether code without memory points has called, or will be returned to. To look at the stack takes
         * longer than all else, so what was found in one run counts in the others for the same event of a thread.
         */
        private boolean isInCallback(Rider rider, Strand strand) {
            record Key(int thread, int event, int site) {}
            return !rider.isDirect(strand)
                    || callbacks.computeIfAbsent(
                            new Key(strand.number, rider.events, strand.site), _ -> Foreign.isInCallback());
        }

        /** It suspends elsewhere, in a call that it had come to, and goes on with that. */
        @Override
        void suspends(Strand strand) {
            Rider rider = rider(strand);
            end(rider, Access.ANYTHING);
            if (strand.thread.getState() == Thread.State.TERMINATED) {
                threadEnds(strand, rider);
            } else if (rider.next.isStart()) {
                rider.next = Access.ANYTHING;
            }
        }

        @Override
        void yielded(Strand strand) {
            Rider rider = rider(strand);
            if (++rider.yields >= SAME_READS) {
                rider.yields = 0;
                rider.mustRest = true;
            }
        }

        @Override
        void woken(Strand strand, @Nullable Strand by) {
            Rider rider = rider(strand);
            if (by != null) {
                rider.comesAfter(rider(by).clock);
            } else {
                for (Rider other : riders) { // no thread could go on, so some time has passed
                    rider.comesAfter(other.clock);
                }
            }
        }

        /** The end of a thread belongs to its last event, but is another access. */
        private void threadEnds(Strand strand, Rider rider) {
            Event last = events.getLast();
            var end = new Event(events.size(), strand.number, ++rider.events, last.fork, last.depth,
                    new Access(strand.thread, Strand.END, true));
            events.add(end);
            order(end, rider);
            open = end;
            end(rider, Access.ANYTHING);
        }

        /** Ends the event under way; it is this if it was the start of its thread. */
        private void end(Rider rider, Access start) {
            Event event = open;
            if (event == null) {
                return;
            }
            open = null;
            if (event.access.isStart() && !start.isStart()) {
                event.access = start;
                order(event, rider);
            }
            for (int one = asleep.nextSetBit(0); one >= 0; one = asleep.nextSetBit(one + 1)) {
                Access next = riders.get(one).next;
                if (one == event.thread || next.isStart() || event.access.part == Strand.END
                        || next.conflictsWith(event.access)) {
                    asleep.clear(one);
                }
            }
        }

        /** Finds out after which events another one comes, and with which it could change places. */
        private void order(Event event, Rider rider) {
            if (!event.access.isStart()) {
                Event nearest = null;
                List<Event> earlier = done.conflictsOf(event);
                for (Event one : earlier) {
                    if (!rider.hasSeen(one) && (nearest == null || one.index > nearest.index)) {
                        nearest = one;
                    }
                }
                if (nearest != null) {
                    wantOtherOrder(nearest, event.thread, rider);
                }
                earlier.forEach(one -> rider.comesAfter(one.clock));
                done.add(event);
            }
            rider.comesAfter(event.thread, event.number);
            event.clock = rider.clock.clone();
        }

        /** Has a later run take a thread, or what it depends on, before an earlier event. */
        private void wantOtherOrder(Event earlier, int thread, Rider rider) {
            Fork at = earlier.fork;
            if (at == null) {
                return;
            }
            want(at, earlier.index, thread, rider);
            if (bound != UNBOUNDED) {
                int start = earlier.depth;
                while (start > 0 && forks.get(start).running == forks.get(start).chosen) {
                    start--;
                }
                Fork first = forks.get(start);
                if (first != at) {
                    if (first.able.get(thread)) {
                        first.wanted.set(thread);
                    } else {
                        first.wanted.or(first.able);
                    }
                }
            }
        }

        private void want(Fork at, int index, int thread, Rider rider) {
            if (at.able.get(thread)) {
                at.wanted.set(thread);
                return;
            }
            for (int i = index + 1; i < events.size(); i++) { // which of them leads to that thread's event
                Event between = events.get(i);
                if (at.able.get(between.thread) && rider.hasSeen(between)) {
                    at.wanted.set(between.thread);
                    return;
                }
            }
            at.wanted.or(at.able);
        }
    }

    /**
     * The last events of each thread at each place. Those before them are of no interest: what comes after an event of
     * a thread comes after all that this thread has done before.
     */
    private static final class Done {
        private static final Object STATIC = new Object();

        /** The last events at a part of a place, by threads. */
        private static final class Last {
            final Map<Integer, Event> all = new HashMap<>();
            final Map<Integer, Event> writes = new HashMap<>();

            void add(Event event) {
                all.put(event.thread, event);
                if (event.access.writes) {
                    writes.put(event.thread, event);
                }
            }
        }

        private final Last anything = new Last();
        private final Last everything = new Last();
        private final Map<Object, Map<Integer, Last>> places = new IdentityHashMap<>();

        private Map<Integer, Last> at(Access access) {
            return places.computeIfAbsent(access.place == null ? STATIC : access.place, _ -> new HashMap<>());
        }

        void add(Event event) {
            everything.add(event);
            if (event.access.isAnything()) {
                anything.add(event);
            } else {
                at(event.access).computeIfAbsent(event.access.part, _ -> new Last()).add(event);
            }
        }

        /** Returns those of other threads that an event depends on. */
        List<Event> conflictsOf(Event event) {
            List<Event> found = new ArrayList<>();
            Access access = event.access;
            if (access.isAnything()) {
                add(found, everything, event);
                return found;
            }
            add(found, anything, event);
            at(access).forEach((part, last) -> {
                if (Strand.areSame(access.place, access.part, access.place, part)) {
                    add(found, last, event);
                }
            });
            return found;
        }

        private static void add(List<Event> found, Last last, Event event) {
            for (Event one : (event.access.writes ? last.all : last.writes).values()) {
                if (one.thread != event.thread) {
                    found.add(one);
                }
            }
        }
    }

    /** What a run knows of one of its threads. */
    private static final class Rider {
        Access next = Access.START;
        int events;
        /** Of each thread the last event that comes before the next one of this. */
        int[] clock = {};
        /** Whether it made way at a memory point, and could go on. */
        boolean isAtPoint;
        /** Whether it rests from the next fork on. */
        boolean mustRest;
        /** The threads that it gives a turn, while it rests. */
        BitSet waitsFor = new BitSet();

        /** What it has come to since it last wrote, or came to something new. */
        private final Set<Object> seen = new HashSet<>();

        private int repeats;
        /** How often it has yielded since. */
        int yields;
        private @Nullable Boolean isDirect;

        boolean hasSeen(Event event) {
            return event.thread < clock.length && clock[event.thread] >= event.number;
        }

        void comesAfter(int[] other) {
            if (clock.length < other.length) {
                clock = Arrays.copyOf(clock, other.length);
            }
            for (int i = 0; i < other.length; i++) {
                clock[i] = Math.max(clock[i], other[i]);
            }
        }

        void comesAfter(int thread, int number) {
            if (clock.length <= thread) {
                clock = Arrays.copyOf(clock, thread + 1);
            }
            clock[thread] = number;
        }

        /** Returns whether it still gives others a turn; these are the threads that are ready. */
        boolean rests(int self, BitSet ready) {
            if (mustRest) {
                mustRest = false;
                waitsFor = (BitSet) ready.clone();
                waitsFor.clear(self);
            }
            waitsFor.and(ready);
            return !waitsFor.isEmpty();
        }

        /** Returns whether it comes to the same again and again. */
        boolean waitsInLoop(Strand strand, int sameReads) {
            record Visit(int site, int place, int part) {}
            boolean isField = strand.part != 0 && strand.part < Strand.MONITOR;
            if (strand.writes && isField) {
                seen.clear();
                repeats = 0;
                yields = 0;
                return false;
            }
            if (seen.add(new Visit(strand.site, System.identityHashCode(strand.place), strand.part))) {
                repeats = 0;
                return false;
            }
            if (++repeats < (strand.writes ? SAME_CALLS : sameReads)) {
                return false;
            }
            repeats = 0;
            return true;
        }

        /** Returns whether all that the thread did up to its first memory point is code with such points. */
        boolean isDirect(Strand strand) {
            Boolean known = isDirect;
            if (known == null) {
                known = strand.number == 0 || Foreign.isDirect();
                isDirect = known;
            }
            return known;
        }
    }

    /** The frames of the running thread. */
    private static final class Foreign {
        private static final StackWalker WALKER = StackWalker.getInstance();

        private Foreign() {}

        /** Returns whether code without memory points lies below the first code with such points. */
        static boolean isDirect() {
            return !looks(true);
        }

        /** Returns whether code without memory points lies between code with such points. */
        static boolean isInCallback() {
            return looks(false);
        }

        private static boolean looks(boolean below) {
            return WALKER.walk(frames -> {
                boolean hasPoints = false;
                boolean foreign = false;
                for (var all = frames.iterator(); all.hasNext();) {
                    String name = all.next().getClassName();
                    if (MemoryPoints.has(name)) {
                        if (foreign && !below) {
                            return true;
                        }
                        hasPoints = true;
                        foreign = false;
                    } else if (hasPoints && !isHarmless(name)) {
                        foreign = true;
                    }
                }
                return below && foreign;
            });
        }

        /** Returns whether a class only calls others: it holds nothing that threads share. */
        private static boolean isHarmless(String name) {
            return name.equals("java.lang.VirtualThread") || name.equals("java.lang.Thread")
                    || name.startsWith("java.lang.reflect.") || name.startsWith("jdk.internal.")
                    || name.startsWith("java.lang.invoke.");
        }
    }
}
