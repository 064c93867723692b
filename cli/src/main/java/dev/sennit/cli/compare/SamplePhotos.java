package dev.sennit.cli.compare;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import javax.imageio.ImageIO;

/** Drawn pictures of the size of photographs, the same every time: a sample for thumbnails. */
public final class SamplePhotos {
    private static final int WIDTH = 2400;
    private static final int HEIGHT = 1600;
    private static final int SHAPES = 400;
    private static final int LARGEST = 300;

    private SamplePhotos() {}

    /** Returns pictures as JPEG files. */
    public static List<byte[]> draw(int count, long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        List<byte[]> photos = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            photos.add(jpeg(picture(random)));
        }
        return photos;
    }

    private static BufferedImage picture(RandomGenerator random) {
        var picture = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D pen = picture.createGraphics();
        try {
            pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            pen.setPaint(new GradientPaint(0, 0, colour(random), WIDTH, HEIGHT, colour(random)));
            pen.fillRect(0, 0, WIDTH, HEIGHT);
            for (int i = 0; i < SHAPES; i++) {
                pen.setColor(colour(random));
                int size = 1 + random.nextInt(LARGEST);
                pen.fillOval(random.nextInt(WIDTH), random.nextInt(HEIGHT), size, 1 + random.nextInt(size));
            }
        } finally {
            pen.dispose();
        }
        return picture;
    }

    private static Color colour(RandomGenerator random) {
        return new Color(random.nextInt(1 << 24));
    }

    private static byte[] jpeg(BufferedImage picture) {
        var bytes = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(picture, "jpeg", bytes)) {
                throw new IllegalStateException("this JDK writes no JPEG");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
