package dev.sennit.queue.broker;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Of several tasks with one unique key, the broker keeps the first and refuses the others.
 *
 * @param key the key; it counts for all queues of the broker
 * @param until how long the first one refuses others
 * @param period how long after it was enqueued, for {@link Until#PERIOD_OVER}; else null
 */
public record Unique(String key, Until until, @Nullable Duration period) {
    /** How long a task refuses others with its key. */
    public enum Until {
        /** Until a worker begins it: a task that comes while it runs is enqueued. */
        BEGUN,
        /** Until it has ended. */
        ENDED,
        /** For some time after it was enqueued, whatever becomes of it. */
        PERIOD_OVER
    }

    /** Checks the values. */
    public Unique {
        if (key.isBlank() || key.length() > 300) {
            throw new IllegalArgumentException("unique key must have 1 to 300 characters, had " + key.length());
        }
        if ((until == Until.PERIOD_OVER) != (period != null)) {
            throw new IllegalArgumentException("a period goes with PERIOD_OVER, was " + period + " with " + until);
        }
        if (period != null && !period.isPositive()) {
            throw new IllegalArgumentException("period must be > 0, was " + period);
        }
    }
}
