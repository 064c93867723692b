package dev.sennit.testing;

import java.util.TreeMap;

/** How often a body ended in which way; for bodies that are loaded by class loaders of their own. */
public final class Outcomes {
    private static final TreeMap<String, Integer> SEEN = new TreeMap<>();
    private static int[] given = {};

    private Outcomes() {}

    /**
     * Begins to count.
     *
     * @param next what {@link #given} returns from now on
     */
    static synchronized void begin(int... next) {
        given = next.clone();
        SEEN.clear();
    }

    /**
     * Returns what the test gives the body.
     *
     * @param index which of it
     * @return the number
     */
    public static synchronized int given(int index) {
        return given[index];
    }

    /**
     * Counts an end.
     *
     * @param end what it was
     */
    public static synchronized void add(String end) {
        SEEN.merge(end, 1, Integer::sum);
    }

    /** Returns how often which end was seen. */
    static synchronized TreeMap<String, Integer> seen() {
        return new TreeMap<>(SEEN);
    }
}
