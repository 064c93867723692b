package dev.sennit.queue.celery;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/** A script that Redis runs in one step. Its text stands in a file of this package, behind that of {@code common}. */
enum Script {
    /** Takes tasks. */
    CLAIM,
    /** Ends runs. */
    END,
    /** Renews leases. */
    EXTEND,
    /** Enqueues tasks. */
    ENQUEUE,
    /** Finds what was lost. */
    UPKEEP,
    /** Notes that a part of a chord has ended whose tasks are not in Redis. */
    PART,
    /** Finds a task that is to be cancelled. */
    CANCEL;

    final byte[] text;
    final byte[] digest;

    Script() {
        text = (read("common") + read(name().toLowerCase(Locale.ROOT))).getBytes(StandardCharsets.UTF_8);
        try {
            digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text))
                    .getBytes(StandardCharsets.US_ASCII);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // each Java has it
        }
    }

    private static String read(String name) {
        try (InputStream file = Script.class.getResourceAsStream(name + ".lua")) {
            if (file == null) {
                throw new AssertionError("the script " + name + ".lua is not in the jar");
            }
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
