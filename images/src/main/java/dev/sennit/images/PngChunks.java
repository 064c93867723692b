package dev.sennit.images;

import java.nio.ByteOrder;

/** Walks the chunks of a PNG: a length, four letters, that many bytes, and a checksum of the letters and bytes. */
final class PngChunks {
    private final HeaderBytes bytes;
    private long start;
    private long length;
    private long next = 8;

    PngChunks(byte[] image) {
        bytes = new HeaderBytes(image, ByteOrder.BIG_ENDIAN, ImageKind.PNG);
    }

    /** Goes to the next chunk; returns false if no chunk fits any more. */
    boolean next() throws ImageException {
        if (next + 12 > bytes.length()) {
            return false;
        }
        length = bytes.u32(next);
        start = next + 8;
        next = start + length + 4;
        return true;
    }

    boolean is(String type) {
        return bytes.has(start - 4, type);
    }

    /** Returns whether a decoder needs the chunk: its first letter is a capital. */
    boolean isCritical() throws ImageException {
        return (bytes.u8(start - 4) & 0x20) == 0;
    }

    boolean isWhole() {
        return next <= bytes.length();
    }

    HeaderBytes content() {
        return bytes.part(start, length);
    }

    /** Returns the bytes that the checksum covers: the letters and the content. */
    HeaderBytes checked() {
        return bytes.part(start - 4, length + 4);
    }

    long checksum() throws ImageException {
        return bytes.u32(next - 4);
    }
}
