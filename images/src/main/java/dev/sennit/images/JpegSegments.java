package dev.sennit.images;

import java.nio.ByteOrder;

/**
 * Walks the segments of a JPEG up to its first scan. A segment is a marker, FF and a code; most have a length and so
 * many bytes after it.
 */
final class JpegSegments {
    static final int START_OF_SCAN = 0xDA;
    static final int END_OF_IMAGE = 0xD9;

    private final HeaderBytes bytes;
    private int marker;
    private long markerAt;
    private long start;
    private long next = 2; // after FF D8

    JpegSegments(byte[] image) {
        bytes = new HeaderBytes(image, ByteOrder.BIG_ENDIAN, ImageKind.JPEG);
    }

    /**
     * Goes to the next segment. Returns false at the first scan, which is then the current segment, or at the end of
     * the image.
     */
    boolean next() throws ImageException {
        long at = next;
        while (bytes.u8(at) != 0xFF) { // decoders skip bytes between segments
            at++;
        }
        while (bytes.u8(at) == 0xFF) {
            at++;
        }
        marker = bytes.u8(at);
        markerAt = at - 1;
        start = at + 1;
        if (marker == END_OF_IMAGE) {
            return false;
        }
        if (isBare(marker)) {
            next = start;
            return true;
        }
        next = start + Math.max(2, bytes.u16(start));
        start += 2;
        return marker != START_OF_SCAN;
    }

    /** Returns whether a marker has no length after it. */
    static boolean isBare(int marker) {
        return marker == 0 || marker == 1 || marker >= 0xD0 && marker <= 0xD8;
    }

    /**
     * Returns whether the segment is a frame header, which has the size. Of the codes from C0 to CF, three are tables.
     */
    boolean isFrame() {
        return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    }

    int marker() {
        return marker;
    }

    /** Returns where the marker begins. */
    long start() {
        return markerAt;
    }

    /** Returns where the next segment begins; for the first scan, where its data begin. */
    long end() {
        return next;
    }

    HeaderBytes content() {
        return bytes.part(start, next - start);
    }
}
