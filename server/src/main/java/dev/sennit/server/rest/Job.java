package dev.sennit.server.rest;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A job as it is at a moment.
 *
 * @param <R> the type of its result
 * @param id its id, which others cannot guess
 * @param state its state
 * @param progress how far it is, if it has told
 * @param result what it has returned; null unless it has succeeded, and if it returned null
 * @param failure why it has failed, in a line; null unless it has
 */
public record Job<R extends @Nullable Object>(
        String id, JobState state, Optional<JobProgress> progress, @Nullable R result, @Nullable String failure) {
    /** Checks that all is there. */
    public Job {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(progress, "progress");
    }
}
