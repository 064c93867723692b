package dev.sennit.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * All that was decided in one schedule: which thread ran in each step, where it made way, and which waits ended without
 * a reason. Only the driver writes it.
 */
final class ScheduleTrace {
    private int[] threads = new int[32];
    /** The memory points of each step. */
    private int[] points = new int[32];
    /** Whether the thread made way at the last of these, and did not suspend or end. */
    private boolean[] madeWay = new boolean[32];
    private int steps;
    /** The steps before those threads were interrupted that were left; -1 if none were. */
    private int stepsUntilDrained = -1;

    private long hash = 1;
    private final Set<Script.Wake> wakes = new HashSet<>();

    /** Adds a step in which a thread came to so many memory points, and made way at the last of them or did not. */
    void add(int thread, long pointsOfStep, boolean hasMadeWay) {
        if (steps == threads.length) {
            threads = Arrays.copyOf(threads, 2 * steps);
            points = Arrays.copyOf(points, 2 * steps);
            madeWay = Arrays.copyOf(madeWay, 2 * steps);
        }
        threads[steps] = thread;
        points[steps] = (int) pointsOfStep;
        madeWay[steps] = hasMadeWay;
        steps++;
        hash = (hash * 31 + thread) * 0x9E3779B97F4A7C15L + pointsOfStep;
    }

    /** Adds a wait that ends without a reason. */
    void add(Script.Wake wake) {
        wakes.add(wake);
    }

    /** Notes that the threads that are left are ended now, which is no part of the schedule. */
    void isDrained() {
        stepsUntilDrained = steps;
    }

    int steps() {
        return steps;
    }

    /** Returns a hash that almost surely differs between different schedules. */
    long hash() {
        return hash;
    }

    Set<Script.Wake> wakes() {
        return wakes;
    }

    /** Returns the steps of the schedule itself. */
    private int told() {
        return stepsUntilDrained < 0 ? steps : stepsUntilDrained;
    }

    /** Returns a script that has this schedule again. */
    Script script() {
        List<Script.Segment> segments = new ArrayList<>(told());
        for (int i = 0; i < told(); i++) {
            segments.add(new Script.Segment(threads[i], madeWay[i] ? points[i] : 0));
        }
        return new Script(segments, wakes);
    }

    /** Returns the memory points in each segment of that script. */
    List<Integer> points() {
        return Arrays.stream(points, 0, told()).boxed().toList();
    }

    /** Returns the size of the schedule. */
    Size size() {
        int switches = 0;
        int preemptions = 0;
        for (int i = 1; i < told(); i++) {
            if (threads[i] != threads[i - 1]) {
                switches++;
                preemptions += madeWay[i - 1] ? 1 : 0;
            }
        }
        return new Size(preemptions, wakes.size(), switches, told());
    }

    /**
     * How long and how involved a schedule is.
     *
     * @param preemptions how often another thread ran although the one before could have gone on
     * @param wakes how many waits ended without a reason
     * @param switches how often another thread ran than in the step before
     * @param steps the steps
     */
    record Size(int preemptions, int wakes, int switches, int steps) implements Comparable<Size> {
        /** Compares what does not happen by itself first: that is what a reader has to understand. */
        @Override
        public int compareTo(Size other) {
            int byForce = Integer.compare(preemptions + wakes, other.preemptions + other.wakes);
            int bySwitches = byForce == 0 ? Integer.compare(switches, other.switches) : byForce;
            return bySwitches == 0 ? Integer.compare(steps, other.steps) : bySwitches;
        }

        @Override
        public String toString() {
            return preemptions + (preemptions == 1 ? " preemption" : " preemptions")
                    + (wakes == 0 ? "" : " and " + wakes + (wakes == 1 ? " spurious wake-up" : " spurious wake-ups"))
                    + " in " + steps + (steps == 1 ? " step" : " steps");
        }
    }

    /**
     * Returns the first step in which another thread ran, or the same thread ran for longer or shorter; -1 if there is
     * none.
     */
    int firstDifference(ScheduleTrace other) {
        int common = Math.min(steps, other.steps);
        int different = Arrays.mismatch(threads, 0, common, other.threads, 0, common);
        if (different >= 0) {
            return different;
        }
        return steps == other.steps && hash == other.hash ? -1 : common;
    }
}
