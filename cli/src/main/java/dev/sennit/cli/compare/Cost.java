package dev.sennit.cli.compare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The COST of a kind: the configuration that outperforms a single thread (McSherry, Isard and Murray, HotOS 2015), here
 * the smallest worker count whose median beats inline's.
 *
 * @param kind the kind of pool
 * @param cheapest the measurement with that count, or null if none beats inline
 * @param most the measurement with the largest count
 */
record Cost(String kind, @Nullable Measurement cheapest, Measurement most) {

    /** Returns the cost of each measured kind, in the order of the measurements, without those that failed. */
    static List<Cost> of(List<Measurement> measurements) {
        Optional<Measurement> inline = inline(measurements);
        if (inline.isEmpty()) {
            return List.of();
        }
        Set<String> kinds = new LinkedHashSet<>();
        measurements.stream().filter(each -> !each.inline()).forEach(each -> kinds.add(each.kind()));
        List<Cost> costs = new ArrayList<>();
        for (String kind : kinds) {
            List<Measurement> rising = measurements.stream()
                    .filter(each -> each.kind().equals(kind) && !each.failed())
                    .sorted(Comparator.comparingInt(Cost::count))
                    .toList();
            if (!rising.isEmpty()) {
                Measurement cheapest = rising.stream()
                        .filter(each -> each.wallSeconds() < inline.get().wallSeconds())
                        .findFirst()
                        .orElse(null);
                costs.add(new Cost(kind, cheapest, rising.getLast()));
            }
        }
        return costs;
    }

    /** Returns the measurement of inline, unless it failed. */
    static Optional<Measurement> inline(List<Measurement> measurements) {
        return measurements.stream().filter(each -> each.inline() && !each.failed()).findFirst();
    }

    private static int count(Measurement measurement) {
        return measurement.workers() == null ? Integer.MAX_VALUE : measurement.workers();
    }

    /**
     * Returns a text such as {@code threads 2}, {@code processes none up to 2}, or {@code virtual never} for a kind
     * without a number.
     */
    String text() {
        if (cheapest != null) {
            return kind + " " + cheapest.workersText();
        }
        return kind + (most.workers() == null ? " never" : " none up to " + most.workersText());
    }
}
