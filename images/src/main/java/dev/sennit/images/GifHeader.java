package dev.sennit.images;

import java.nio.ByteOrder;

/**
 * Reads the header of a GIF up to its first frame. The frame may be larger than the screen size at the beginning of the
 * file; the larger of both counts, as a decoder allocates memory for it.
 */
final class GifHeader {
    private GifHeader() {}

    static ImageHeader read(byte[] image) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.GIF);
        int screenWidth = bytes.u16(6);
        int screenHeight = bytes.u16(8);
        boolean alpha = false;
        long at = 13 + colorTable(bytes.u8(10));
        while (bytes.u8(at) == 0x21) { // an extension
            if (bytes.u8(at + 1) == 0xF9) {
                alpha = (bytes.u8(at + 3) & 1) != 0;
            }
            at = skipBlocks(bytes, at + 2);
        }
        if (bytes.u8(at) != 0x2C) {
            throw bytes.problem("has no picture");
        }
        int left = bytes.u16(at + 1);
        int top = bytes.u16(at + 3);
        int width = bytes.u16(at + 5);
        int height = bytes.u16(at + 7);
        if (width == 0 || height == 0) {
            throw bytes.problem("has a picture of " + width + "x" + height + " pixels");
        }
        boolean covered = left == 0 && top == 0 && width >= screenWidth && height >= screenHeight;
        return ImageHeader.of(
                ImageKind.GIF,
                Math.max(screenWidth, left + width),
                Math.max(screenHeight, top + height),
                1,
                alpha || !covered);
    }

    /** Returns whether all pixels of the first frame are there. The header was read before. */
    static boolean isWhole(byte[] image) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.GIF);
        long at = 13 + colorTable(bytes.u8(10));
        while (bytes.u8(at) == 0x21) {
            at = skipBlocks(bytes, at + 2);
        }
        at += 10 + colorTable(bytes.u8(at + 9)) + 1;
        while (at < bytes.length()) {
            int size = bytes.u8(at);
            if (size == 0) {
                return true;
            }
            at += 1 + size;
        }
        return false;
    }

    private static long colorTable(int flags) {
        return (flags & 0x80) == 0 ? 0 : 3L << (flags & 7) + 1;
    }

    /** Skips data: blocks of up to 255 bytes, each after its length; a block of length 0 is the last. */
    private static long skipBlocks(HeaderBytes bytes, long from) throws ImageException {
        long at = from;
        while (bytes.u8(at) != 0) {
            at += 1 + bytes.u8(at);
        }
        return at + 1;
    }
}
