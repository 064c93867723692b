package dev.sennit.queue.redis.foreign;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A script that Redis runs in one step. Its text stands in files of a package, one behind the other. */
public final class ServerScript {
    final byte[] text;
    final byte[] digest;

    private ServerScript(String text) {
        this.text = text.getBytes(StandardCharsets.UTF_8);
        try {
            digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(this.text))
                    .getBytes(StandardCharsets.US_ASCII);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // each Java has it
        }
    }

    /**
     * Reads a script.
     *
     * @param beside a class of the package of the files
     * @param names the names of the files without {@code .lua}
     * @return the script
     */
    public static ServerScript of(Class<?> beside, String... names) {
        var text = new StringBuilder();
        for (String name : names) {
            try (InputStream file = beside.getResourceAsStream(name + ".lua")) {
                if (file == null) {
                    throw new AssertionError("the script " + name + ".lua is not in the jar");
                }
                text.append(new String(file.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
        return new ServerScript(text.toString());
    }
}
