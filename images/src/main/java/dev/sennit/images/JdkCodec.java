package dev.sennit.images;

import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;
import dev.sennit.images.internal.codec.OnCanvas;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Node;

/**
 * The JDK's codec. It is always there, and has a native decoder only for JPEG, so it reads the rarer formats on every
 * machine. For JPEG it is several times slower than the other codecs, and cannot read CMYK.
 */
final class JdkCodec implements Codec {
    @Override
    public String name() {
        return "jdk";
    }

    @Override
    public boolean reads(ImageKind kind) {
        return kind != ImageKind.WEBP;
    }

    @Override
    public boolean writes(ImageKind kind) {
        return kind == ImageKind.JPEG || kind == ImageKind.PNG;
    }

    @Override
    public Decoded decode(byte[] image, ImageHeader header, int reduction) throws ImageException {
        ImageReader reader = ImageIO.getImageReadersByFormatName(header.kind().name()).next();
        List<String> warnings = new ArrayList<>();
        byte[] known = header.kind() == ImageKind.JPEG ? withoutProfile(image, header) : image;
        try (MemoryCacheImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(known))) {
            reader.setInput(stream, false, header.kind() != ImageKind.GIF); // a GIF's metadata place the frame
            reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
            if ((long) reader.getWidth(0) * reader.getHeight(0) > header.pixels()) {
                throw new ImageException(header + " that is larger than it says");
            }
            BufferedImage read = reader.read(0);
            Decoded picture = new Picture(read, warnings.isEmpty() ? null : "damaged: " + warnings.getFirst());
            return header.kind() == ImageKind.GIF ? onCanvas(picture, reader, header) : picture;
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // hostile files cause RuntimeExceptions
            ImageException failure = Codec.undecodable(header, oneLine(e));
            failure.initCause(e);
            throw failure;
        } finally {
            reader.dispose();
        }
    }

    /**
     * Returns a JPEG without its profile: the JDK would apply even a profile for another colour space;
     * {@link ColorProfile} does it right. Refuses CMYK, whose inks the JDK confuses.
     */
    private static byte[] withoutProfile(byte[] image, ImageHeader header) throws ImageException {
        ByteArrayOutputStream kept = new ByteArrayOutputStream(image.length);
        JpegSegments segments = new JpegSegments(image);
        long from = 0;
        while (segments.next()) {
            if (segments.isFrame() && segments.content().u8(5) > 3) {
                throw Codec.undecodable(header, "the JDK reads no CMYK; enable native access for sennit-images");
            } else if (segments.marker() == 0xE2) {
                kept.write(image, (int) from, (int) (segments.start() - from));
                from = Math.min(segments.end(), image.length);
            }
        }
        kept.write(image, (int) from, (int) (image.length - from));
        return kept.toByteArray();
    }

    private static String oneLine(Exception e) {
        Throwable cause = e.getCause() instanceof IOException inner && inner.getMessage() != null ? inner : e;
        String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return message.lines().findFirst().orElse(cause.toString());
    }

    private static Decoded onCanvas(Decoded frame, ImageReader reader, ImageHeader header) throws IOException {
        Node root = reader.getImageMetadata(0).getAsTree("javax_imageio_gif_image_1.0");
        for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node.getNodeName().equals("ImageDescriptor")) {
                return new OnCanvas(
                        frame,
                        intAttribute(node, "imageLeftPosition"),
                        intAttribute(node, "imageTopPosition"),
                        header.width(),
                        header.height());
            }
        }
        throw new ImageException(header + " without a picture");
    }

    private static int intAttribute(Node node, String name) {
        return Integer.parseInt(node.getAttributes().getNamedItem(name).getNodeValue());
    }

    @Override
    public byte[] encode(Bitmap picture, ImageKind kind, int quality) throws ImageException {
        ImageWriter writer = ImageIO.getImageWritersByFormatName(kind.name()).next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(bytes)) {
            writer.setOutput(stream);
            ImageWriteParam parameters = writer.getDefaultWriteParam();
            if (kind == ImageKind.JPEG) {
                parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
                parameters.setCompressionQuality(quality / 100f);
            }
            writer.write(null, new IIOImage(toImage(picture), null, null), parameters);
        } catch (IOException e) {
            throw new ImageException(kind + " cannot be written: " + oneLine(e), e);
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static BufferedImage toImage(Bitmap picture) {
        BufferedImage image = new BufferedImage(
                picture.width(),
                picture.height(),
                picture.alpha() ? BufferedImage.TYPE_INT_ARGB : BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, picture.width(), picture.height(), picture.pixels(), 0, picture.width());
        return image;
    }

    /** A picture of the JDK. The JDK's conversion takes grey for linear and makes it too light, so grey is read raw. */
    private record Picture(BufferedImage image, @Nullable String damage) implements Decoded {
        @Override
        public int width() {
            return image.getWidth();
        }

        @Override
        public int height() {
            return image.getHeight();
        }

        @Override
        public boolean alpha() {
            return image.getColorModel().hasAlpha();
        }

        @Override
        public void row(int y, int[] pixels) {
            int width = image.getWidth();
            if (isGrey()) {
                Raster raster = image.getRaster();
                grey(y, pixels, raster);
            } else {
                image.getRGB(0, y, width, 1, pixels, 0, width);
            }
        }

        private boolean isGrey() {
            ColorModel model = image.getColorModel();
            int type = model.getTransferType();
            return model.getColorSpace().getType() == ColorSpace.TYPE_GRAY
                    && !(model instanceof IndexColorModel)
                    && (type == DataBuffer.TYPE_BYTE || type == DataBuffer.TYPE_USHORT);
        }

        private void grey(int y, int[] pixels, Raster raster) {
            int width = raster.getWidth();
            int[] samples = raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, (int[]) null);
            int bands = raster.getNumBands();
            int highest = (1 << raster.getSampleModel().getSampleSize(0)) - 1;
            for (int x = 0; x < width; x++) {
                int value = samples[x * bands] * 255 / highest;
                int share = alpha() ? samples[x * bands + 1] * 255 / highest : 255;
                pixels[x] = share << 24 | value << 16 | value << 8 | value;
            }
        }

        /**
         * {@inheritDoc} The JDK converts the pixels of other colour spaces than sRGB; in plain sRGB, the file's profile
         * was not applied.
         */
        @Override
        public boolean isConverted() {
            return !image.getColorModel().getColorSpace().isCS_sRGB();
        }

        @Override
        public void close() {
            image.flush();
        }
    }
}
