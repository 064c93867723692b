package dev.sennit.images;

import java.nio.ByteOrder;

/**
 * Reads the header of a TIFF, the directory of its first page, anywhere in the file; and the orientation from EXIF,
 * which is a TIFF without a picture.
 */
final class TiffHeader {
    private static final int WIDTH = 256;
    private static final int HEIGHT = 257;
    private static final int ORIENTATION = 274;
    private static final int EXTRA_SAMPLES = 338;

    private TiffHeader() {}

    static ImageHeader read(byte[] image) throws ImageException {
        HeaderBytes bytes = ordered(new HeaderBytes(image, ByteOrder.BIG_ENDIAN, ImageKind.TIFF));
        long extra = value(bytes, EXTRA_SAMPLES, 0);
        return ImageHeader.of(
                ImageKind.TIFF,
                value(bytes, WIDTH, 0),
                value(bytes, HEIGHT, 0),
                upright(value(bytes, ORIENTATION, 1)),
                extra == 1 || extra == 2);
    }

    /** Returns the orientation in an EXIF block; 1 if the block is damaged, as the picture is still good. */
    static int orientation(HeaderBytes exif) {
        try {
            return upright(value(ordered(exif), ORIENTATION, 1));
        } catch (ImageException e) {
            return 1;
        }
    }

    private static int upright(long orientation) {
        return orientation >= 1 && orientation <= 8 ? (int) orientation : 1;
    }

    private static HeaderBytes ordered(HeaderBytes bytes) {
        return bytes.in(bytes.has(0, "II") ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    }

    /** Returns the first number of an entry. Entries are 12 bytes: tag, type, count, and the value if it fits. */
    private static long value(HeaderBytes bytes, int tag, long otherwise) throws ImageException {
        long directory = bytes.u32(4);
        int count = bytes.u16(directory);
        for (int i = 0; i < count; i++) {
            long entry = directory + 2 + 12L * i;
            if (bytes.u16(entry) == tag) {
                int type = bytes.u16(entry + 2);
                return switch (type) {
                    case 1 -> bytes.u8(entry + 8);
                    case 3 -> bytes.u16(entry + 8);
                    case 4 -> bytes.u32(entry + 8);
                    default -> throw bytes.problem("gives tag " + tag + " as type " + type);
                };
            }
        }
        return otherwise;
    }
}
