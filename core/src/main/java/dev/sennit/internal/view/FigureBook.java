package dev.sennit.internal.view;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Adds up the figures of processes, by service and generation. Sums stay when a process ends, so that they never fall;
 * its gauges go. Of a service, the newest generations are kept, and all that have processes. Thread-safe.
 */
public final class FigureBook {
    /** Of generations without processes: one that was given up, and some before it. */
    private static final int MOST_ENDED = 3;

    /**
     * What is known of a generation.
     *
     * @param sums of all its processes
     * @param gauges of those that run
     * @param deaths how many died, by cause
     */
    public record Totals(
            String service, long generation, Map<String, Long> sums, Map<String, Long> gauges,
            Map<String, Long> deaths) {}

    private static final class Entry {
        final Map<String, Long> ended = new TreeMap<>();
        final Map<String, Long> deaths = new TreeMap<>();
        final Set<Page> pages = new HashSet<>();
    }

    /** Guarded by this. Newer generations have larger numbers. */
    private final Map<String, TreeMap<Long, Entry>> services = new TreeMap<>();

    /** The figures of one process. */
    public final class Page {
        private final Entry entry;
        /** Guarded by the book. */
        private WorkerFigures figures = WorkerFigures.NONE;

        private Page(Entry entry) {
            this.entry = entry;
        }

        /** Replaces the figures. A sum that has fallen keeps its value. */
        public void set(WorkerFigures newer) {
            synchronized (FigureBook.this) {
                Map<String, Long> sums = new TreeMap<>(figures.sums());
                newer.sums().forEach((name, value) -> sums.merge(name, value, Math::max));
                figures = sums.size() + newer.gauges().size() > WorkerFigures.MOST
                        ? newer
                        : new WorkerFigures(sums, newer.gauges());
            }
        }

        /** Notes that the process has ended. Further calls do nothing. */
        public void end() {
            synchronized (FigureBook.this) {
                if (entry.pages.remove(this)) {
                    figures.sums().forEach((name, value) -> entry.ended.merge(name, value, Long::sum));
                }
            }
        }
    }

    /** Creates an empty book. */
    public FigureBook() {}

    /** Begins the figures of a process; {@link Page#end} follows. */
    public synchronized Page open(String service, long generation) {
        Entry entry = entry(service, generation);
        Page page = new Page(entry);
        entry.pages.add(page);
        return page;
    }

    /** Counts the death of a process. */
    public synchronized void died(String service, long generation, String cause) {
        entry(service, generation).deaths.merge(cause, 1L, Long::sum);
    }

    private Entry entry(String service, long generation) {
        TreeMap<Long, Entry> entries = services.computeIfAbsent(service, _ -> new TreeMap<>());
        Entry entry = entries.computeIfAbsent(generation, _ -> new Entry());
        long newest = entries.lastKey();
        List<Long> ended = new ArrayList<>();
        entries.forEach((number, one) -> {
            if (one.pages.isEmpty() && number != generation && number != newest) {
                ended.add(number);
            }
        });
        while (ended.size() > MOST_ENDED) {
            entries.remove(ended.removeFirst());
        }
        return entry;
    }

    /** Forgets a service that was removed. */
    public synchronized void forget(String service) {
        services.remove(service);
    }

    /** Returns what is known, by service and generation. */
    public synchronized List<Totals> totals() {
        List<Totals> all = new ArrayList<>();
        services.forEach((service, entries) -> entries.forEach((generation, entry) -> {
            Map<String, Long> sums = new TreeMap<>(entry.ended);
            Map<String, Long> gauges = new TreeMap<>();
            for (Page page : entry.pages) {
                page.figures.sums().forEach((name, value) -> sums.merge(name, value, Long::sum));
                page.figures.gauges().forEach((name, value) -> gauges.merge(name, value, Long::sum));
            }
            all.add(new Totals(service, generation, sums, gauges, new TreeMap<>(entry.deaths)));
        }));
        return all;
    }
}
