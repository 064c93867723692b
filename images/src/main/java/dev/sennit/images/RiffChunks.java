package dev.sennit.images;

import java.nio.ByteOrder;

/** Walks the chunks of a WebP file: four letters, a length, that many bytes, and a filler byte if the length is odd. */
final class RiffChunks {
    private final HeaderBytes bytes;
    private long start;
    private long length;
    private long next;

    /** Creates a walk over the chunks of a file. */
    RiffChunks(byte[] image) {
        this(new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.WEBP), 12);
    }

    /** Creates a walk over the chunks within a chunk. */
    RiffChunks(HeaderBytes bytes, long from) {
        this.bytes = bytes;
        this.next = from;
    }

    /** Goes to the next chunk; returns false if no chunk fits any more. */
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

    /** Returns the chunk with its letters, length and filler byte. */
    HeaderBytes whole() {
        return bytes.part(start - 8, next - start + 8);
    }
}
