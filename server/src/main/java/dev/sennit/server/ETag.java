package dev.sennit.server;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * An entity tag: the name of one version of what is at a path.
 *
 * <p>Two versions with the same strong tag are equal byte for byte; two with the same weak tag mean the same.
 *
 * @param value the text between the quotes
 * @param isWeak whether it is a weak tag
 */
public record ETag(String value, boolean isWeak) {
    private static final int BYTES_OF_DIGEST = 16;

    /** Checks the characters: those of RFC 9110, section 8.8.3, of one byte each. */
    public ETag {
        Objects.requireNonNull(value, "value");
        for (int i = 0; i < value.length(); i++) {
            if (!isCharacter(value.charAt(i))) {
                throw new IllegalArgumentException(
                        "an entity tag must have no quotes, spaces or control characters, has one at index " + i);
            }
        }
    }

    private static boolean isCharacter(char c) {
        return c == '!' || c > '"' && c < 127 || c >= 128 && c <= 255;
    }

    /**
     * A strong tag.
     *
     * @param value a version number or a digest, for example
     * @return the tag
     * @throws IllegalArgumentException if it has a quote, a space, a control character, or one beyond Latin 1
     */
    public static ETag strong(String value) {
        return new ETag(value, false);
    }

    /**
     * A weak tag, for what is written anew each time, with another time or order in it.
     *
     * @param value as for {@link #strong}
     * @return the tag
     * @throws IllegalArgumentException as for {@link #strong}
     */
    public static ETag weak(String value) {
        return new ETag(value, true);
    }

    /**
     * The strong tag of a body: a part of its SHA-256.
     *
     * @param body the body
     * @return the tag
     */
    public static ETag of(byte[] body) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
            byte[] part = Arrays.copyOf(digest, BYTES_OF_DIGEST);
            return strong(Base64.getUrlEncoder().withoutPadding().encodeToString(part));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each JDK has SHA-256", e);
        }
    }

    /**
     * Reads a tag as it stands in a header field.
     *
     * @param text {@code "a"} or {@code W/"a"}
     * @return the tag; empty if it is none
     */
    public static Optional<ETag> parse(String text) {
        return list(text).stream().findFirst();
    }

    /** Whether both are strong and the same. */
    boolean equalsStrongly(ETag other) {
        return !isWeak && !other.isWeak && value.equals(other.value);
    }

    boolean equalsWeakly(ETag other) {
        return value.equals(other.value);
    }

    /**
     * Reads the tags of a field such as {@code If-Match}. Text that is no tag ends the list: no tag of a list
     * that is written wrong is taken for another.
     */
    static List<ETag> list(String text) {
        List<ETag> tags = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == ' ' || c == '\t' || c == ',') {
                at++;
                continue;
            }
            boolean isWeak = text.startsWith("W/", at);
            int open = isWeak ? at + 2 : at;
            int close = open < text.length() && text.charAt(open) == '"' ? text.indexOf('"', open + 1) : -1;
            if (close < 0 || !text.substring(open + 1, close).chars().allMatch(each -> isCharacter((char) each))) {
                return tags;
            }
            tags.add(new ETag(text.substring(open + 1, close), isWeak));
            at = close + 1;
        }
        return tags;
    }

    /** Returns the tag as it stands in a header field, with its quotes. */
    @Override
    public String toString() {
        return (isWeak ? "W/" : "") + '"' + value + '"';
    }
}
