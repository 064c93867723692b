package dev.sennit.images;

import java.nio.ByteOrder;

/**
 * Reads the header of a JPEG: the first frame header has the size, an EXIF segment before or after it the orientation.
 */
final class JpegHeader {
    private JpegHeader() {}

    static ImageHeader read(byte[] image) throws ImageException {
        JpegSegments segments = new JpegSegments(image);
        int orientation = 1;
        int width = -1;
        int height = -1;
        while (segments.next()) {
            HeaderBytes content = segments.content();
            if (segments.isFrame()) {
                if (width < 0) { // decoders refuse a second frame header
                    height = content.u16(1);
                    width = content.u16(3);
                }
            } else if (segments.marker() == 0xE1 && content.has(0, "Exif\0\0")) {
                orientation = TiffHeader.orientation(content.part(6, content.length()));
            }
        }
        if (width < 0) {
            throw new HeaderBytes(image, ByteOrder.BIG_ENDIAN, ImageKind.JPEG).problem("does not say how large it is");
        }
        return ImageHeader.of(ImageKind.JPEG, width, height, orientation, false);
    }
}
