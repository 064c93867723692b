package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Rate;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The limits for this worker alone: how many tasks of a type may begin now. Only the thread that claims uses it. */
final class TypeRates {
    private final TimeSource time;
    private final Map<String, Bucket> buckets = new HashMap<>();

    private static final class Bucket {
        final double nanosEach;
        final long burst;
        double tokens;
        long filledAt;

        Bucket(Rate rate, long now) {
            nanosEach = (double) rate.period().toNanos() / rate.tasks();
            burst = rate.burst();
            tokens = burst;
            filledAt = now;
        }

        void fill(long now) {
            tokens = Math.min(burst, tokens + (now - filledAt) / nanosEach);
            filledAt = now;
        }
    }

    TypeRates(Map<String, Rate> rates, TimeSource time) {
        this.time = time;
        rates.forEach((type, rate) -> buckets.put(type, new Bucket(rate, time.nanoTime())));
    }

    /** Returns whether a type is limited here. */
    boolean isLimited(String type) {
        return buckets.containsKey(type);
    }

    /** Returns how many tasks of a limited type may begin now. */
    int allowed(String type) {
        Bucket bucket = buckets.get(type);
        if (bucket == null) {
            return Integer.MAX_VALUE;
        }
        bucket.fill(time.nanoTime());
        return (int) Math.min(bucket.tokens + 1e-6, Integer.MAX_VALUE);
    }

    /** Notes that tasks of a limited type were claimed. */
    void claimed(String type, int count) {
        Bucket bucket = buckets.get(type);
        if (bucket != null) {
            bucket.tokens -= count;
        }
    }

    /** Returns after how long the next task of any limited type may begin that may not now, or null. */
    @Nullable Duration next() {
        double least = Double.MAX_VALUE;
        for (Bucket bucket : buckets.values()) {
            if (bucket.tokens < 1) {
                least = Math.min(least, (1 - bucket.tokens) * bucket.nanosEach);
            }
        }
        return least == Double.MAX_VALUE ? null : Duration.ofNanos((long) Math.ceil(least) + 1);
    }
}
