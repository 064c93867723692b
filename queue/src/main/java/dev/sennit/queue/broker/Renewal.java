package dev.sennit.queue.broker;

import org.jspecify.annotations.Nullable;

/**
 * Renews the lease of a task, and keeps what it has said of itself.
 *
 * @param token the proof of the claim
 * @param checkpoint what a later run is to go on from, or null to keep the last one
 * @param progress how far it is, or null to keep the last one
 */
public record Renewal(Token token, byte @Nullable [] checkpoint, @Nullable Progress progress) {
    /**
     * Returns a renewal that keeps what is there.
     *
     * @param token the proof of the claim
     * @return the renewal
     */
    public static Renewal of(Token token) {
        return new Renewal(token, null, null);
    }
}
