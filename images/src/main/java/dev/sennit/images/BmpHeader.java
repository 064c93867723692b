package dev.sennit.images;

import java.nio.ByteOrder;

/** Reads the header of a Windows bitmap: the old form of 12 bytes, or one of the longer forms. */
final class BmpHeader {
    private static final int OLD = 12;
    /** Headers of at least this length say how the pixels are packed. */
    private static final int INFO = 40;

    private BmpHeader() {}

    /**
     * Returns whether this is a bitmap. Two letters alone are weak evidence, so the length of the second header must be
     * a known one.
     */
    static boolean isBitmap(HeaderBytes bytes) throws ImageException {
        if (!bytes.has(0, "BM") || bytes.length() < 18) {
            return false;
        }
        long size = bytes.in(ByteOrder.LITTLE_ENDIAN).u32(14);
        return size == OLD || size >= 16 && size <= 124;
    }

    static ImageHeader read(byte[] image) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.BMP);
        if (bytes.u32(14) == OLD) {
            return ImageHeader.of(ImageKind.BMP, bytes.u16(18), bytes.u16(20), 1, false);
        }
        long packing = bytes.u32(14) < INFO ? 0 : bytes.u32(30);
        if (packing > 3 && packing != 6) { // an embedded JPEG or PNG of unchecked size, or a rare form
            throw new ImageException("BMP of packing " + packing + ", which cannot be read");
        }
        long height = (int) bytes.u32(22); // negative: rows from the top down
        return ImageHeader.of(ImageKind.BMP, (int) bytes.u32(18), Math.abs(height), 1, bytes.u16(28) == 32);
    }

    /** Returns whether a file with unpacked pixels is long enough for them. The header was read before. */
    static boolean isWhole(byte[] image, ImageHeader header) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.BMP);
        boolean old = bytes.u32(14) == OLD;
        long bits = bytes.u16(old ? 24 : 28);
        boolean packed = !old && (bytes.u32(30) == 1 || bytes.u32(30) == 2);
        long row = (header.width() * bits + 31) / 32 * 4;
        return packed || bytes.u32(10) + row * header.height() <= image.length;
    }
}
