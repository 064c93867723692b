package dev.sennit.pipe;

import dev.sennit.internal.Keys;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * The handshake of a {@link ConnectionListener}'s connection: both ends prove that they have the key.
 *
 * <pre>
 * listener: 8 bytes "sennitL1", 32 random bytes S
 * caller:   32 random bytes C, HMAC-SHA256(key, "caller" S C)
 * listener: HMAC-SHA256(key, "listener" S C)
 * </pre>
 */
final class ConnectionGreeting {
    private static final byte[] GREETING = "sennitL1".getBytes(StandardCharsets.US_ASCII);
    private static final int NONCE = 32;
    private static final int PROOF = 32;
    private static final String CALLER = "caller";
    private static final String LISTENER = "listener";

    private ConnectionGreeting() {}

    /** Greets a caller that has connected; returns false if it does not have the key. */
    static boolean greetCaller(InputStream in, OutputStream out, byte[] key) throws IOException {
        byte[] challenge = Keys.random(NONCE);
        out.write(joined(GREETING, challenge));
        byte[] answer = in.readNBytes(NONCE + PROOF);
        if (answer.length < NONCE + PROOF) {
            return false;
        }
        byte[] counter = Arrays.copyOf(answer, NONCE);
        byte[] proof = Arrays.copyOfRange(answer, NONCE, NONCE + PROOF);
        if (!MessageDigest.isEqual(proof, Keys.proof(key, CALLER, challenge, counter))) {
            return false;
        }
        out.write(Keys.proof(key, LISTENER, challenge, counter));
        return true;
    }

    /** Greets a listener; fails if the listener does not have the key, or says that this process does not have it. */
    static void greetListener(InputStream in, OutputStream out, byte[] key) throws IOException {
        byte[] hello = in.readNBytes(GREETING.length + NONCE);
        if (hello.length < GREETING.length + NONCE
                || !Arrays.equals(hello, 0, GREETING.length, GREETING, 0, GREETING.length)) {
            throw new IOException("what listens there is no listener of this version");
        }
        byte[] challenge = Arrays.copyOfRange(hello, GREETING.length, hello.length);
        byte[] counter = Keys.random(NONCE);
        out.write(joined(counter, Keys.proof(key, CALLER, challenge, counter)));
        byte[] proof = in.readNBytes(PROOF);
        if (proof.length < PROOF) {
            throw new EOFException("the listener has another key, or is too busy");
        }
        if (!MessageDigest.isEqual(proof, Keys.proof(key, LISTENER, challenge, counter))) {
            throw new IOException("what listens there does not have the key");
        }
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
