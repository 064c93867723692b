package dev.sennit.internal;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Keys that two processes share, and the proofs that a process has the key. */
public final class Keys {
    /** The least number of bytes of a key. */
    public static final int SHORTEST = 16;

    private static final SecureRandom RANDOM = new SecureRandom();

    private Keys() {}

    /**
     * Returns bytes from a secure random generator.
     *
     * @param size how many bytes
     * @return fresh bytes
     */
    public static byte[] random(int size) {
        byte[] bytes = new byte[size];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    /**
     * Checks a user's key.
     *
     * @param key the key
     * @return a copy
     * @throws IllegalArgumentException if it is too short
     */
    public static byte[] ensureLong(byte[] key) {
        if (key.length < SHORTEST) {
            throw new IllegalArgumentException("key must have >= " + SHORTEST + " bytes, had " + key.length);
        }
        return key.clone();
    }

    /**
     * Returns the proof that a side has the key: HMAC-SHA256 (RFC 2104) of its role and of both sides' random bytes.
     *
     * @param key the key
     * @param role the side's role, so that a proof cannot be replayed to the side that gave it
     * @param challenge the random bytes of the other side
     * @param counter the random bytes of this side
     * @return 32 bytes
     */
    public static byte[] proof(byte[] key, String role, byte[] challenge, byte[] counter) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update(role.getBytes(StandardCharsets.US_ASCII));
            mac.update(challenge);
            return mac.doFinal(counter);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }
}
