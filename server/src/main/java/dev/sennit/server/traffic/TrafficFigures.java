package dev.sennit.server.traffic;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts requests, for the manager's pages. A histogram is told by its buckets, each with what is in it alone: {@code
 * http.time.2xx.5000} counts responses with a status from 200 to 299 that took up to 5000 us and more than the bound
 * before. Counts that are still zero are not told.
 */
public final class TrafficFigures {
    /** Of times, in microseconds: from what a cache answers to the deadline. */
    private static final long[] BOUNDS = {
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000, 30_000_000
    };

    /** By the first digit of the status; 0 for responses without one. */
    private static final int CLASSES = 6;

    private static final class Histogram {
        private final LongAdder[] counts = new LongAdder[BOUNDS.length + 1];
        private final LongAdder micros = new LongAdder();

        Histogram() {
            for (int i = 0; i < counts.length; i++) {
                counts[i] = new LongAdder();
            }
        }

        void add(long nanos) {
            long taken = Math.max(0, nanos) / 1000;
            int bucket = 0;
            while (bucket < BOUNDS.length && taken > BOUNDS[bucket]) {
                bucket++;
            }
            counts[bucket].increment();
            micros.add(taken);
        }

        void tell(String name, Map<String, Long> sums) {
            for (int i = 0; i < counts.length; i++) {
                put(sums, name + "." + (i < BOUNDS.length ? Long.toString(BOUNDS[i]) : "inf"), counts[i]);
            }
            put(sums, name + ".micros", micros);
        }
    }

    private final Histogram[] times = new Histogram[CLASSES];
    private final Histogram queue = new Histogram();
    private final LongAdder began = new LongAdder();
    private final LongAdder ended = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder connections = new LongAdder();
    private final LongAdder overloaded = new LongAdder();
    private final LongAdder late = new LongAdder();
    private final LongAdder cut = new LongAdder();
    private final LongAdder malformed = new LongAdder();

    public TrafficFigures() {
        for (int i = 0; i < CLASSES; i++) {
            times[i] = new Histogram();
        }
    }

    public void connection() {
        connections.increment();
    }

    public void began() {
        began.increment();
    }

    /** A call has ended, after a time in the queue, and one from there. */
    public void ended(int status, long sent, long queueNanos, long allNanos, boolean isWhole) {
        int first = status / 100;
        times[first > 0 && first < CLASSES ? first : 0].add(allNanos);
        queue.add(queueNanos);
        bytes.add(sent);
        if (!isWhole) {
            cut.increment();
        }
        ended.increment();
    }

    /** Jetty has refused a request. */
    public void malformed() {
        malformed.increment();
    }

    /** A call was answered with 503, as the queue was full or the server stopped. */
    public void overloaded() {
        overloaded.increment();
    }

    /** A call was ended at its deadline. */
    public void late() {
        late.increment();
    }

    private static void put(Map<String, Long> sums, String name, LongAdder value) {
        long sum = value.sum();
        if (sum > 0) {
            sums.put(name, sum);
        }
    }

    /** Returns what never falls. */
    public Map<String, Long> sums() {
        Map<String, Long> sums = new TreeMap<>();
        for (int i = 0; i < CLASSES; i++) {
            times[i].tell(String.format(Locale.ROOT, "http.time.%s", i == 0 ? "none" : i + "xx"), sums);
        }
        queue.tell("http.queue", sums);
        put(sums, "http.bytes", bytes);
        put(sums, "http.connections", connections);
        put(sums, "http.overloaded", overloaded);
        put(sums, "http.late", late);
        put(sums, "http.cut", cut);
        put(sums, "http.malformed", malformed);
        return sums;
    }

    /** How many requests have begun and not ended. */
    public long inFlight() {
        long over = ended.sum(); // first: it never is more than those that have begun
        return Math.max(0, began.sum() - over);
    }
}
