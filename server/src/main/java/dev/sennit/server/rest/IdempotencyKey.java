package dev.sennit.server.rest;

/**
 * Names a request that a client may send more than once: only the first makes a job.
 *
 * @param key the client's name for the request
 * @param fingerprint a digest of the request, by which another one with the same key is told
 */
public record IdempotencyKey(String key, String fingerprint) {
    private static final int LONGEST = 255;

    /** Checks that the key has 1 to 255 characters, none of which is a control character. */
    public IdempotencyKey {
        if (key.isBlank() || key.length() > LONGEST || key.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("an idempotency key must have 1 to " + LONGEST
                    + " characters, and no control characters");
        }
    }
}
