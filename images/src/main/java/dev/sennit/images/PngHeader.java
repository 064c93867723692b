package dev.sennit.images;

import java.nio.ByteOrder;

/** Reads the header of a PNG: the first chunk has the size; a palette's alpha and EXIF come before the pixels. */
final class PngHeader {
    private static final int ALPHA_CHANNEL = 4;

    private PngHeader() {}

    static ImageHeader read(byte[] image) throws ImageException {
        HeaderBytes bytes = new HeaderBytes(image, ByteOrder.BIG_ENDIAN, ImageKind.PNG);
        long width = bytes.u32(16);
        long height = bytes.u32(20);
        boolean alpha = (bytes.u8(25) & ALPHA_CHANNEL) != 0;
        int orientation = 1;
        PngChunks chunks = new PngChunks(image);
        if (!chunks.next() || !chunks.is("IHDR") || chunks.content().length() != 13) {
            throw bytes.problem("does not begin with its header");
        }
        while (chunks.next() && !chunks.is("IDAT")) {
            if (chunks.is("tRNS")) {
                alpha = true;
            } else if (chunks.is("eXIf")) {
                orientation = TiffHeader.orientation(chunks.content());
            }
        }
        return ImageHeader.of(ImageKind.PNG, width, height, orientation, alpha);
    }
}
