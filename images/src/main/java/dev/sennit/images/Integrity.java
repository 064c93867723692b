package dev.sennit.images;

import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Checks by its structure whether a file is complete, without decoding it: decoders silently ignore such damage. Damage
 * within compressed data is left to the decoder. A JPEG has no checksums: soon after wrong bytes its codes are in step
 * again, and a decoder may accept the rest in wrong colours. Walking through the codes to see whether they end where
 * the data end was tried: it finds more damage, but by far not all, and takes a third of the time of decoding.
 */
final class Integrity {
    /**
     * The most scans of a progressive JPEG: usual are about ten, and each costs a pass over the whole picture. The
     * number is libjpeg-turbo's.
     */
    private static final int MOST_SCANS = 500;

    private Integrity() {}

    /**
     * Checks a file whose header was read before.
     *
     * @return the damage, to follow the name of the kind; null if none
     * @throws ImageException if no decoder should see the file
     */
    static @Nullable String damageOf(byte[] image, ImageHeader header) throws ImageException {
        return switch (header.kind()) {
            case JPEG -> damageOfJpeg(image, header);
            case PNG -> damageOfPng(image);
            case WEBP -> damageOfWebp(image);
            case GIF -> GifHeader.isWhole(image) ? null : cutOff(image);
            case BMP -> BmpHeader.isWhole(image, header) ? null : cutOff(image);
            case TIFF -> null; // its parts may be anywhere; its decoder is in Java and checks bounds
        };
    }

    private static String cutOff(byte[] image) {
        return "cut off after " + image.length + " bytes";
    }

    private static @Nullable String damageOfJpeg(byte[] image, ImageHeader header) throws ImageException {
        JpegSegments segments = new JpegSegments(image);
        while (segments.next()) {}
        if (segments.marker() == JpegSegments.END_OF_IMAGE) {
            return "without a picture";
        }
        int scans = 1;
        long at = segments.end();
        while (at + 1 < image.length) {
            if (image[(int) at] != (byte) 0xFF) {
                at++;
                continue;
            }
            int marker = image[(int) at + 1] & 0xFF;
            if (marker == JpegSegments.END_OF_IMAGE) {
                return null;
            } else if (marker == 0xFF) {
                at++;
            } else if (JpegSegments.isBare(marker)) {
                at += 2;
            } else if (at + 3 < image.length) { // tables, and the next scan
                if (marker == JpegSegments.START_OF_SCAN && ++scans > MOST_SCANS) {
                    throw new ImageException(header + " in more than " + MOST_SCANS + " scans, which is an attack");
                }
                at += 2 + ((image[(int) at + 2] & 0xFF) << 8 | image[(int) at + 3] & 0xFF);
            } else {
                break;
            }
        }
        return cutOff(image);
    }

    private static @Nullable String damageOfPng(byte[] image) throws ImageException {
        PngChunks chunks = new PngChunks(image);
        CRC32 sum = new CRC32();
        while (chunks.next() && chunks.isWhole()) {
            if (chunks.isCritical()) {
                sum.reset();
                chunks.checked().addTo(sum);
                if (sum.getValue() != chunks.checksum()) {
                    return "damaged: a checksum is wrong";
                }
            }
            if (chunks.is("IEND")) {
                return null;
            }
        }
        return cutOff(image);
    }

    /** Checks a WebP up to its first picture: the rest is not needed. */
    private static @Nullable String damageOfWebp(byte[] image) throws ImageException {
        RiffChunks chunks = new RiffChunks(image);
        while (chunks.next() && chunks.isWhole()) {
            if (chunks.is("VP8 ") || chunks.is("VP8L") || chunks.is("ANMF")) {
                return null;
            }
        }
        return cutOff(image);
    }
}
