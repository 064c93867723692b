package dev.sennit.queue.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The scripts that the server runs, each of which is one atomic step. The text of one is that of {@code tasks.lua}, the
 * algorithm, and of a file of its own, which takes the arguments and returns the answer.
 */
enum Script {
    CANCEL(Effect.REPEATABLE),
    CANCEL_ALL(Effect.ONCE, "cancel"),
    CLAIM(Effect.ONCE),
    COMPLETE(Effect.REPEATABLE),
    CONTROL(Effect.ONCE),
    COUNTS(Effect.NONE),
    ENDED(Effect.NONE),
    ENQUEUE(Effect.REPEATABLE),
    EVENTS(Effect.REPEATABLE),
    EXTEND(Effect.REPEATABLE),
    FAIL(Effect.ONCE),
    FIRE(Effect.ONCE),
    FORGET(Effect.REPEATABLE),
    LIMIT(Effect.REPEATABLE),
    NOW(Effect.NONE),
    OLDEST(Effect.NONE),
    OPEN(Effect.NONE),
    PAUSE(Effect.REPEATABLE),
    PUT_SCHEDULE(Effect.REPEATABLE, "schedule"),
    REMOVE_SCHEDULE(Effect.ONCE, "schedule"),
    REPORT(Effect.REPEATABLE),
    SCHEDULES(Effect.NONE),
    SEARCH(Effect.NONE, "select"),
    SELECT(Effect.ONCE),
    SETTINGS(Effect.NONE),
    UPKEEP(Effect.REPEATABLE),
    WORKERS(Effect.NONE);

    /** The effect of a script, as far as its caller can tell. */
    enum Effect {
        /** It only looks. */
        NONE,
        /** It may run twice, when an answer was lost. */
        REPEATABLE,
        /** It may not: its second answer would be another one. */
        ONCE
    }

    private final Effect effect;
    private final byte[] text;
    private final byte[] digest;

    Script(Effect effect) {
        this(effect, null);
    }

    Script(Effect effect, @Nullable String file) {
        this.effect = effect;
        String own = read((file == null ? name().toLowerCase(Locale.ROOT) : file) + ".lua");
        text = (firstLine(name()) + read("tasks.lua") + own).getBytes(StandardCharsets.UTF_8);
        try {
            digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text))
                    .getBytes(StandardCharsets.US_ASCII);
        } catch (NoSuchAlgorithmException e) { // each Java has it
            throw new IllegalStateException(e);
        }
    }

    /**
     * With this line, the server refuses a script before it begins: on a replica, without a disk and, unless it says
     * that it may go on, without memory. Only what brings more tasks waits for memory; the rest makes some.
     */
    private static String firstLine(String name) {
        return switch (name) {
            case "ENQUEUE", "FIRE", "PUT_SCHEDULE" -> "#!lua\n";
            default -> "#!lua flags=allow-oom\n";
        };
    }

    private static String read(String file) {
        try (InputStream in = Script.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("the script " + file + " is missing in this jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Effect effect() {
        return effect;
    }

    /** Whether what it has done is to be on replicas, too, if the address asks for some: tasks, and ends of runs. */
    boolean isConfirmed() {
        return this == ENQUEUE || this == FIRE || this == COMPLETE || this == FAIL;
    }

    byte[] text() {
        return text.clone();
    }

    /** By which a server knows the text. */
    byte[] digest() {
        return digest.clone();
    }
}
