package dev.sennit.images;

import java.nio.ByteOrder;

/** Reads the header of a Windows bitmap, of which there are two: the old one of 12 bytes and all others. */
final class BmpHeader {
    private static final int OLD = 12;
    /** Those of this length and more say how the pixels are packed. */
    private static final int INFO = 40;

    private BmpHeader() {}

    /** Two letters are little to go by: the length of the second header has to be one that there is. */
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
        if (packing > 3 && packing != 6) { // a JPEG or PNG inside, of a size that nobody has checked, and what few write
            throw new ImageException("BMP of packing " + packing + ", which cannot be read");
        }
        long height = (int) bytes.u32(22); // below zero: from the top down
        return ImageHeader.of(ImageKind.BMP, (int) bytes.u32(18), Math.abs(height), 1, bytes.u16(28) == 32);
    }

    /** Whether there is room for the pixels, where they are not packed; the header has been read. */
    static boolean isWhole(byte[] image, ImageHeader header) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.LITTLE_ENDIAN, ImageKind.BMP);
        boolean old = bytes.u32(14) == OLD;
        long bits = bytes.u16(old ? 24 : 28);
        boolean packed = !old && (bytes.u32(30) == 1 || bytes.u32(30) == 2);
        long row = (header.width() * bits + 31) / 32 * 4;
        return packed || bytes.u32(10) + row * header.height() <= image.length;
    }
}
