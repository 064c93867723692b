package dev.sennit.server.rest;

import java.util.Objects;
import java.util.OptionalLong;

/**
 * How far a job is.
 *
 * @param done how much is done, in any unit
 * @param total how much there is in all; empty if that is not known
 * @param message what is being done; may be empty
 */
public record JobProgress(long done, OptionalLong total, String message) {
    /** Checks that all is there. */
    public JobProgress {
        Objects.requireNonNull(total, "total");
        Objects.requireNonNull(message, "message");
    }
}
