package dev.sennit.testing;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A schedule that is written down: which threads run, in order, and how far; and which waits end without a reason.
 *
 * <p>Where the script ends, or says nothing, the running thread goes on until it suspends or ends; then the ready
 * thread with the lowest number does. A thread that yields goes behind all others, as does one that has passed many
 * memory points while others were ready: it may wait for them.
 *
 * <p>As text, {@code 0,1:3,2,1~2}: the body runs until it suspends, thread 1 makes way at its third memory point,
 * thread 2 runs until it suspends, and the second wait of thread 1 ends without a reason.
 *
 * @param segments who runs; one whose thread is not ready is skipped, unless the only thread that is ready is none of
 *     the script's at this place
 * @param wakes the waits that end without a reason
 */
record Script(List<Segment> segments, Set<Wake> wakes) {
    /** The schedule of a script that says nothing: the body has number 0, and always begins. */
    private static final String NOTHING = "0";

    /**
     * A part of a step, or a whole one.
     *
     * @param thread the number of the thread that runs
     * @param points the memory point at which it makes way, counted from the begin of the step; 0 if it runs until it
     *     suspends or ends, which it may do before that point as well
     */
    record Segment(int thread, int points) {
        @Override
        public String toString() {
            return points == 0 ? String.valueOf(thread) : thread + ":" + points;
        }
    }

    /**
     * A wait that ends without a reason.
     *
     * @param thread the number of the thread that waits
     * @param number the number of the wait among those of the thread, from 1 on
     */
    record Wake(int thread, int number) implements Comparable<Wake> {
        @Override
        public int compareTo(Wake other) {
            int byThread = Integer.compare(thread, other.thread);
            return byThread == 0 ? Integer.compare(number, other.number) : byThread;
        }

        @Override
        public String toString() {
            return thread + "~" + number;
        }
    }

    Script {
        segments = List.copyOf(segments);
        wakes = Collections.unmodifiableSet(new TreeSet<>(wakes));
    }

    /**
     * Reads a script.
     *
     * @throws IllegalArgumentException if the text is not one; it says what is wrong, and where
     */
    static Script parse(String text) {
        List<Segment> segments = new ArrayList<>();
        Set<Wake> wakes = new HashSet<>();
        int at = 0;
        for (String part : text.split(",", -1)) {
            String word = part.strip();
            int colon = word.indexOf(':');
            int tilde = word.indexOf('~');
            if (tilde >= 0) {
                wakes.add(new Wake(number(word.substring(0, tilde), 0, text, at),
                        number(word.substring(tilde + 1), 1, text, at)));
            } else if (colon >= 0) {
                segments.add(new Segment(number(word.substring(0, colon), 0, text, at),
                        number(word.substring(colon + 1), 1, text, at)));
            } else {
                segments.add(new Segment(number(word, 0, text, at), 0));
            }
            at += part.length() + 1;
        }
        return new Script(segments, wakes);
    }

    private static int number(String digits, int least, String text, int at) {
        try {
            if (!digits.startsWith("+") && Integer.parseInt(digits) >= least) {
                return Integer.parseInt(digits);
            }
        } catch (NumberFormatException e) {
            // told below
        }
        int end = text.indexOf(',', at);
        throw new IllegalArgumentException("a schedule is a list of THREAD, THREAD:POINT and THREAD~WAIT, as in"
                + " 0,1:3,2,1~2, was \"" + text.substring(at, end < 0 ? text.length() : end).strip()
                + "\" at character " + (at + 1));
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        segments.forEach(segment -> text.append(text.isEmpty() ? "" : ",").append(segment));
        wakes.forEach(wake -> text.append(text.isEmpty() ? "" : ",").append(wake));
        return text.isEmpty() ? NOTHING : text.toString();
    }
}
