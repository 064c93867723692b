package dev.sennit.queue.celery;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** For how long messages have been ready, as far as is known: Celery's do not say when they were sent. */
final class Ages {
    private static final int MOST_KNOWN = 1000;

    /** Since when this object has seen a message that says nothing of its age, by its id. */
    private final Map<String, Instant> seen = new ConcurrentHashMap<>();

    Duration of(Message message, Instant now) {
        Instant at = message.enqueuedAt();
        Instant eta = message.eta();
        if (at != null) {
            Instant since = eta != null && eta.isAfter(at) ? eta : at;
            return since.isAfter(now) ? Duration.ZERO : Duration.between(since, now);
        }
        return ofUnknown(message.id(), now);
    }

    /** Returns for how long something is there that says nothing. */
    Duration ofUnknown(String key, Instant now) {
        if (seen.size() > MOST_KNOWN) {
            seen.clear();
        }
        return Duration.between(seen.computeIfAbsent(key, _ -> now), now);
    }

    /** Returns an age to tell: null if there is none, or if this object has seen just now that something is there. */
    static @Nullable Duration told(Optional<Duration> age) {
        return age.filter(Duration::isPositive).orElse(null);
    }

    void forget(String key) {
        seen.remove(key);
    }
}
