package dev.sennit.images;

import dev.sennit.images.internal.codec.Bitmap;
import java.awt.color.CMMException;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.awt.image.ColorConvertOp;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The ICC profile of an image, which defines its colours. Thumbnails have no profile, so their colours must be sRGB.
 *
 * <p>Only RGB profiles are used: those of grey and CMYK describe colours that the decoder has converted already. A
 * damaged profile is ignored, as the picture is usable without it.
 */
final class ColorProfile {
    private static final int LARGEST = 4 << 20;
    private static final int SPACE_AT = 16;

    private final ICC_Profile profile;

    private ColorProfile(ICC_Profile profile) {
        this.profile = profile;
    }

    /** Returns the profile in a file; empty if there is none, or if it is sRGB. */
    static Optional<ColorProfile> of(byte[] image, ImageKind kind) {
        try {
            byte[] found = switch (kind) {
                case JPEG -> inJpeg(image);
                case PNG -> inPng(image);
                case WEBP -> inWebp(image);
                case GIF, BMP, TIFF -> new byte[0]; // no profile, or the JDK has applied it
            };
            String text = new String(found, StandardCharsets.ISO_8859_1);
            if (!text.startsWith("RGB ", SPACE_AT) || isStandard(text)) {
                return Optional.empty();
            }
            return Optional.of(new ColorProfile(ICC_Profile.getInstance(found)));
        } catch (ImageException | DataFormatException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * Returns whether a profile is sRGB, by the descriptions that nearly all of these have, in ASCII or UTF-16. The
     * word sRGB alone is also in linear profiles.
     */
    private static boolean isStandard(String profile) {
        String ascii = profile.replace("\0", "");
        return ascii.contains("sRGB IEC61966-2.1") || ascii.contains("sRGB built-in");
    }

    /** Returns the profile in a JPEG: in segments of up to 64 KB, each with its number and their count. */
    private static byte[] inJpeg(byte[] image) throws ImageException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        JpegSegments segments = new JpegSegments(image);
        while (segments.next() && all.size() < LARGEST) {
            HeaderBytes content = segments.content();
            if (segments.marker() == 0xE2 && content.has(0, "ICC_PROFILE\0")) {
                all.writeBytes(content.part(14, content.length()).copy());
            }
        }
        return all.toByteArray();
    }

    /** Returns the profile in a PNG: compressed, after a name. */
    private static byte[] inPng(byte[] image) throws ImageException, DataFormatException {
        PngChunks chunks = new PngChunks(image);
        while (chunks.next() && !chunks.is("IDAT")) {
            if (chunks.is("iCCP")) {
                HeaderBytes content = chunks.content();
                int at = 0;
                while (content.u8(at) != 0) {
                    at++;
                }
                return inflated(content.part(at + 2, content.length()).copy());
            }
        }
        return new byte[0];
    }

    private static byte[] inflated(byte[] compressed) throws DataFormatException {
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(compressed);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            int count;
            while ((count = inflater.inflate(buffer)) > 0 && all.size() < LARGEST) {
                all.write(buffer, 0, count);
            }
            return all.toByteArray();
        } finally {
            inflater.end();
        }
    }

    private static byte[] inWebp(byte[] image) throws ImageException {
        RiffChunks chunks = new RiffChunks(image);
        while (chunks.next()) {
            if (chunks.is("ICCP")) {
                return chunks.content().copy();
            }
        }
        return new byte[0];
    }

    /** Returns the picture with its colours converted to sRGB. */
    Bitmap toStandard(Bitmap picture) {
        try {
            return convert(picture);
        } catch (CMMException | IllegalArgumentException e) { // the profile is damaged after all
            return picture;
        }
    }

    private Bitmap convert(Bitmap picture) {
        int[] pixels = picture.pixels();
        byte[] samples = new byte[3 * pixels.length];
        for (int i = 0; i < pixels.length; i++) {
            samples[3 * i] = (byte) (pixels[i] >> 16);
            samples[3 * i + 1] = (byte) (pixels[i] >> 8);
            samples[3 * i + 2] = (byte) pixels[i];
        }
        ColorSpace space = new ICC_ColorSpace(profile);
        ColorModel model =
                new ComponentColorModel(space, false, false, ColorModel.OPAQUE, DataBuffer.TYPE_BYTE);
        WritableRaster raster = model.createCompatibleWritableRaster(picture.width(), picture.height());
        raster.setDataElements(0, 0, picture.width(), picture.height(), samples);
        BufferedImage converted =
                new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
        new ColorConvertOp(null).filter(new BufferedImage(model, raster, false, null), converted);
        int[] result = converted.getRGB(0, 0, picture.width(), picture.height(), null, 0, picture.width());
        for (int i = 0; i < pixels.length; i++) {
            result[i] = pixels[i] & 0xFF000000 | result[i] & 0xFFFFFF;
        }
        return new Bitmap(picture.width(), picture.height(), picture.alpha(), result);
    }
}
