package dev.sennit.process;

import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A bound on what the objects of one message may copy. An object that is made of an array, a text or a collection may keep a copy of it,
 * as {@code StringBuilder} and careful records do. The array is in the message once, and may come again in a million objects
 * of some bytes each: then a short message would take gigabytes.
 *
 * <p>What comes again counts wherever code may copy it. In an array or a collection, which do not, it may come as often as it likes.
 */
final class Copies {
    /** Whatever the message: most share something. */
    private static final long FREE = 1L << 28;
    /** And so many times the message. */
    private static final long A_BYTE = 16;

    private static final long REFERENCE = 8;

    private final int messageBytes;
    private long bytes;

    Copies(int messageBytes) {
        this.messageBytes = messageBytes;
    }

    /**
     * Counts what comes again in an object.
     *
     * @param size in bytes
     * @throws IOException if it is too much by now
     */
    void add(long size) throws IOException {
        bytes += size;
        if (bytes > FREE + A_BYTE * messageBytes) {
            throw new IOException("a message of " + messageBytes + " bytes whose objects may take more than " + bytes
                    + ": the same arrays or texts come again in them too often");
        }
    }

    /** How many bytes a copy would take of a value, but not of what is in it. */
    static long sizeOf(@Nullable Object value) {
        return switch (value) {
            case null -> 0;
            case Record _ -> 0; // which might be a collection of its own making
            case String text -> text.length();
            case byte[] array -> array.length;
            case boolean[] array -> array.length;
            case short[] array -> (long) Short.BYTES * array.length;
            case char[] array -> (long) Character.BYTES * array.length;
            case int[] array -> (long) Integer.BYTES * array.length;
            case float[] array -> (long) Float.BYTES * array.length;
            case long[] array -> (long) Long.BYTES * array.length;
            case double[] array -> (long) Double.BYTES * array.length;
            case Object[] array -> REFERENCE * array.length;
            case Collection<?> collection -> REFERENCE * collection.size();
            case Map<?, ?> map -> 2 * REFERENCE * map.size();
            default -> 0;
        };
    }

    /** The same for an array of so many elements that are no numbers. */
    static long ofReferences(long length) {
        return REFERENCE * length;
    }
}
