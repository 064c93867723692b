package dev.sennit.images;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.Checksum;

/**
 * A part of an image's bytes, for the readers of headers. Numbers are unsigned and every access is checked, so that a
 * header with false lengths ends in an {@link ImageException}.
 */
final class HeaderBytes {
    private final byte[] bytes;
    private final int start;
    private final int length;
    private final ByteOrder order;
    private final String label;

    HeaderBytes(byte[] bytes, ByteOrder order, Object label) {
        this(bytes, 0, bytes.length, order, label.toString());
    }

    private HeaderBytes(byte[] bytes, int start, int length, ByteOrder order, String label) {
        this.bytes = bytes;
        this.start = start;
        this.length = length;
        this.order = order;
        this.label = label;
    }

    int length() {
        return length;
    }

    /** Returns a part of this. If it begins or ends beyond the end, it is shorter. */
    HeaderBytes part(long from, long size) {
        int begin = Math.clamp(from, 0, length);
        return new HeaderBytes(bytes, start + begin, Math.clamp(size, 0, length - begin), order, label);
    }

    HeaderBytes in(ByteOrder other) {
        return new HeaderBytes(bytes, start, length, other, label);
    }

    byte[] copy() {
        return Arrays.copyOfRange(bytes, start, start + length);
    }

    void addTo(Checksum sum) {
        sum.update(bytes, start, length);
    }

    int u8(long at) throws ImageException {
        if (at < 0 || at >= length) {
            throw problem("ends within its header, after " + length + " bytes");
        }
        return bytes[start + (int) at] & 0xFF;
    }

    int u16(long at) throws ImageException {
        int first = u8(at);
        int second = u8(at + 1);
        return order == ByteOrder.BIG_ENDIAN ? first << 8 | second : second << 8 | first;
    }

    int u24(long at) throws ImageException {
        return order == ByteOrder.BIG_ENDIAN ? u16(at) << 8 | u8(at + 2) : u8(at + 2) << 16 | u16(at);
    }

    long u32(long at) throws ImageException {
        long first = u16(at);
        long second = u16(at + 2);
        return order == ByteOrder.BIG_ENDIAN ? first << 16 | second : second << 16 | first;
    }

    /** Returns whether a text in Latin-1 is at a position; false if it does not fit there. */
    boolean has(long at, String text) {
        byte[] expected = text.getBytes(StandardCharsets.ISO_8859_1);
        return at >= 0
                && at + expected.length <= length
                && Arrays.equals(
                        bytes, start + (int) at, start + (int) at + expected.length, expected, 0, expected.length);
    }

    ImageException problem(String what) {
        return new ImageException(label + " that " + what);
    }
}
