package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Rate;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The limits of types: each is a place in time before which no task begins, which each task moves by one interval. A
 * burst is how far it may be ahead of now. Guarded by the lock of the store.
 */
final class Rates {
    private static final class Limit {
        final Rate rate;
        final long interval;
        /** How far {@link #next} may be ahead of now. */
        final long ahead;
        /** When the next task begins, if all keep to their intervals. */
        long next = Long.MIN_VALUE;

        Limit(Rate rate) {
            this.rate = rate;
            interval = Math.max(1, Store.nanos(rate.period()) / rate.tasks());
            long most = Long.MAX_VALUE / 4;
            ahead = rate.burst() - 1 > most / interval ? most : (rate.burst() - 1) * interval;
        }
    }

    private final Map<String, Limit> limits = new TreeMap<>();

    void set(String type, @Nullable Rate rate) {
        Limit old = limits.get(type);
        if (rate == null) {
            limits.remove(type);
        } else if (old == null || !old.rate.equals(rate)) {
            limits.put(type, new Limit(rate));
        }
    }

    Map<String, Rate> all() {
        Map<String, Rate> all = new TreeMap<>();
        limits.forEach((type, limit) -> all.put(type, limit.rate));
        return all;
    }

    /** Returns how many nanoseconds it takes until a task of a type may begin: 0 for now. */
    long until(String type, long now) {
        Limit limit = limits.get(type);
        return limit == null || limit.next == Long.MIN_VALUE ? 0 : Math.max(0, limit.next - limit.ahead - now);
    }

    void begun(String type, long now) {
        Limit limit = limits.get(type);
        if (limit != null) {
            limit.next = Math.max(limit.next, now) + limit.interval;
        }
    }
}
