package dev.sennit.images;

/**
 * Reads the header of a WebP. A simple file is one chunk, VP8 (lossy) or VP8L (lossless), with the size in it; all
 * others begin with VP8X, which has the size of the canvas, and have EXIF at their end.
 */
final class WebpHeader {
    private WebpHeader() {}

    static ImageHeader read(byte[] image) throws ImageException {
        RiffChunks chunks = new RiffChunks(image);
        if (!chunks.next()) {
            throw new ImageException(ImageKind.WEBP + " that ends within its header, after " + image.length + " bytes");
        }
        HeaderBytes content = chunks.content();
        if (chunks.is("VP8 ")) {
            if (!content.has(3, "\u009D\u0001*")) {
                throw content.problem("does not begin with a picture");
            }
            return ImageHeader.of(ImageKind.WEBP, content.u16(6) & 0x3FFF, content.u16(8) & 0x3FFF, 1, false);
        } else if (chunks.is("VP8L")) {
            if (content.u8(0) != 0x2F) {
                throw content.problem("does not begin with a picture");
            }
            long sizes = content.u32(1);
            boolean alpha = (sizes >> 28 & 1) != 0;
            return ImageHeader.of(ImageKind.WEBP, (sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1, 1, alpha);
        } else if (chunks.is("VP8X")) {
            boolean alpha = (content.u8(0) & 0x12) != 0; // an animation's first frame may be smaller than the canvas
            return ImageHeader.of(
                    ImageKind.WEBP, content.u24(4) + 1, content.u24(7) + 1, orientation(chunks), alpha);
        }
        throw content.problem("does not begin with a picture");
    }

    private static int orientation(RiffChunks chunks) throws ImageException {
        while (chunks.next()) {
            if (chunks.is("EXIF")) {
                HeaderBytes content = chunks.content();
                return TiffHeader.orientation(content.has(0, "Exif\0\0") ? content.part(6, content.length()) : content);
            }
        }
        return 1;
    }
}
