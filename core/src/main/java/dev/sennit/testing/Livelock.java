package dev.sennit.testing;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Recognizes schedules without an end in which several threads go on in turn and none gets further: each undoes, or
 * waits in a loop for, what another does. Such a schedule is fair to each of them, so none merely waits for its turn.
 */
final class Livelock {
    /** With fewer turns of each thread, it may be a loop that ends. */
    private static final int LEAST_TURNS = 10;

    private Livelock() {}

    /**
     * Returns the threads that go round in circles; empty if these are not at least two.
     *
     * @param all the steps of a schedule that did not end; the limit interrupted the last one, wherever it was
     */
    static Set<String> of(List<Step> all) {
        List<Step> steps = all.subList(0, Math.max(0, all.size() - 1));
        int half = steps.size() / 2;
        int quarters = half + (steps.size() - half) / 2;
        Set<String> before = places(steps.subList(half, quarters));
        Set<String> names = new TreeSet<>();
        for (Step step : steps.subList(quarters, steps.size())) {
            if (!before.contains(place(step))) {
                return Set.of(); // it got further
            }
            names.add(step.thread());
        }
        for (String name : names) {
            if (steps.stream().filter(step -> step.thread().equals(name)).count() < LEAST_TURNS) {
                return Set.of();
            }
        }
        return names.size() < 2 ? Set.of() : names;
    }

    private static Set<String> places(List<Step> steps) {
        Set<String> places = new HashSet<>();
        steps.forEach(step -> places.add(place(step)));
        return places;
    }

    private static String place(Step step) {
        return step.thread() + ' ' + step.from() + ' ' + step.to();
    }
}
