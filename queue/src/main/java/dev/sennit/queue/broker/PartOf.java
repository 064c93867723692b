package dev.sennit.queue.broker;

import java.util.Objects;

/**
 * A task's place in a {@link Join}.
 *
 * @param join the id of the join
 * @param index the place of the task's result among those of the join, from 0
 */
public record PartOf(String join, int index) {
    /** Checks the values. */
    public PartOf {
        Objects.requireNonNull(join, "join");
        if (index < 0) {
            throw new IllegalArgumentException("index must be >= 0, was " + index);
        }
    }
}
