package dev.sennit.images;

import java.nio.ByteOrder;

/** Walks the chunks of a WebP file: four letters, a length, that many bytes, and one more if that is odd. */
final class RiffChunks {
    private final HeaderBytes bytes;
    private long start;
    private long length;
    private long next;

    /** The chunks of a file. */
    RiffChunks(byte[] image) {
        this(new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.WEBP), 12);
    }

    /** The chunks within a chunk. */
    RiffChunks(HeaderBytes bytes, long from) {
        this.bytes = bytes;
        this.next = from;
    }

    /** Goes to the next chunk; false when there is no room for one. */
    boolean next() throws ImageException {
        if (next + 8 > bytes.length()) {
            return false;
        }
        length = bytes.u32(next + 4);
        start = next + 8;
        next = start + length + (length & 1);
        return true;
    }

    boolean is(String type) {
        return bytes.has(start - 8, type);
    }

    boolean isWhole() {
        return start + length <= bytes.length();
    }

    HeaderBytes content() {
        return bytes.part(start, length);
    }

    /** With its letters, its length and what fills it up to an even length. */
    HeaderBytes whole() {
        return bytes.part(start - 8, next - start + 8);
    }
}
