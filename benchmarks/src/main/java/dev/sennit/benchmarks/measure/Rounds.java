package dev.sennit.benchmarks.measure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs contestants in turn - one round of each, then the next round - so that whatever else the machine does falls on
 * all of them. Each round begins with another contestant, as the first after a pause has it harder.
 */
public final class Rounds {
    private final Map<String, Contestant> contestants = new LinkedHashMap<>();

    /** One round: runs the work and returns what it measured, in seconds. */
    public interface Work {
        public double[] run() throws Exception;
    }

    private record Contestant(Work work, int warmups, int rounds) {}

    /** Adds a contestant; one that has fewer rounds than the others sits out the last ones. */
    public Rounds add(String name, int warmups, int rounds, Work work) {
        if (rounds < 1) {
            throw new IllegalArgumentException("rounds must be >= 1, was " + rounds);
        }
        if (contestants.putIfAbsent(name, new Contestant(work, warmups, rounds)) != null) {
            throw new IllegalArgumentException("two contestants are called " + name);
        }
        return this;
    }

    /** Runs all rounds: per contestant, in the order they were added, what each of its rounds measured. */
    public Map<String, List<double[]>> run() throws Exception {
        Map<String, List<double[]>> measured = new LinkedHashMap<>();
        contestants.keySet().forEach(name -> measured.put(name, new ArrayList<>()));
        for (var contestant : contestants.values()) {
            for (int i = 0; i < contestant.warmups(); i++) {
                contestant.work().run();
            }
        }
        List<String> order = new ArrayList<>(contestants.keySet());
        int most = contestants.values().stream().mapToInt(Contestant::rounds).max().orElse(0);
        for (int round = 0; round < most; round++) {
            for (int i = 0; i < order.size(); i++) {
                String name = order.get((round + i) % order.size());
                Contestant contestant = contestants.get(name);
                if (contestant != null && round < contestant.rounds()) {
                    System.gc(); // nobody pays for another's garbage
                    measured.computeIfAbsent(name, unused -> new ArrayList<>()).add(contestant.work().run());
                }
            }
        }
        return measured;
    }
}
