package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.images.ThumbnailSettings.Fit;
import dev.sennit.images.ThumbnailSettings.Format;
import dev.sennit.images.ThumbnailSettings.OnCorrupt;
import dev.sennit.images.internal.codec.Bitmap;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What thumbnails are, whichever codec is preferred. */
abstract class CodecContract {
    /** What the photograph is, made small in the slow way; once for all codecs. */
    private static final class Reference {
        static final Pixels BASELINE = Pixels.of(Corpus.bytes(Corpus.BASELINE)).lanczos(200, 113);
        static final Pixels SMALL = Pixels.of(Corpus.hostile("prog.jpg")).lanczos(200, 133);
    }

    private final String codec;

    CodecContract(String codec) {
        this.codec = codec;
    }

    @BeforeEach
    void isThere() {
        assumeTrue(ThumbnailMaker.codecs().contains(codec), codec + " is not installed here");
    }

    ThumbnailSettings settings() {
        return ThumbnailSettings.defaults().withCodec(codec);
    }

    Thumbnails make(byte[] image) throws ImageException {
        return new ThumbnailMaker(settings()).make(image);
    }

    Pixels lossless(byte[] image) throws ImageException {
        return Pixels.of(new ThumbnailMaker(settings().withFormat(Format.PNG)).make(image).all().getFirst());
    }

    boolean decodes(ImageKind kind) throws ImageException {
        return Codecs.reading(kind, codec).name().equals(codec);
    }

    @Test
    void itIsUsed() throws Exception {
        assertThat(make(Corpus.hostile("prog.jpg")).codec()).isEqualTo(codec);
    }

    @Test
    void makesAThumbnailForEachSize() throws Exception {
        Thumbnails made = make(Corpus.bytes(Corpus.PROGRESSIVE));
        assertThat(made.source()).isEqualTo(new ImageHeader(ImageKind.JPEG, 2560, 3837, 1, false));
        assertThat(made.damage()).isNull();
        assertThat(made.all()).extracting(Thumbnail::size).containsExactly(200, 64, 32);
        assertThat(made.all()).extracting(Thumbnail::height).containsExactly(300, 96, 48);
        for (Thumbnail each : made.all()) {
            assertThat(ImageHeader.read(each.bytes()))
                    .isEqualTo(new ImageHeader(ImageKind.JPEG, each.width(), each.height(), 1, false));
            assertThat(each.bytes().length).isBetween(500, 20_000);
        }
    }

    @Test
    void isAsGoodAsTheSlowWay() throws Exception {
        assertThat(lossless(Corpus.bytes(Corpus.BASELINE)).psnr(Reference.BASELINE)).isGreaterThan(43.5);
        assertThat(lossless(Corpus.hostile("prog.jpg")).psnr(Reference.SMALL)).isGreaterThan(43.5);
    }

    @Test
    void whatIsChainedIsTheSamePicture() throws Exception {
        Thumbnails made = new ThumbnailMaker(settings().withFormat(Format.PNG).withSizes(32, 200, 64))
                .make(Corpus.bytes(Corpus.BASELINE));
        assertThat(made.all()).extracting(Thumbnail::size).containsExactly(32, 200, 64);
        for (Thumbnail each : made.all()) {
            Pixels expected = Reference.BASELINE.lanczos(each.width(), each.height());
            assertThat(Pixels.of(each).psnr(expected)).isGreaterThan(35);
        }
    }

    /** The corners of a picture that says it lies some other way. */
    @ParameterizedTest
    @CsvSource({
        "1, red green blue white",
        "2, green red white blue",
        "3, white blue green red",
        "4, blue white red green",
        "5, red blue green white",
        "6, blue red white green",
        "7, white green blue red",
        "8, green white red blue",
    })
    void turnsPicturesUpright(int orientation, String corners) throws Exception {
        byte[] image = corners(240, 120);
        Pixels pixels = Pixels.of(make(withOrientation(image, orientation)).all().getFirst());
        assertThat(pixels.width()).isEqualTo(orientation < 5 ? 200 : 120);
        assertThat(pixels.height()).isEqualTo(orientation < 5 ? 100 : 240);
        assertThat(String.join(
                " ",
                pixels.colorAt(0.1, 0.1),
                pixels.colorAt(0.9, 0.1),
                pixels.colorAt(0.1, 0.9),
                pixels.colorAt(0.9, 0.9)))
                .isEqualTo(corners);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void readsTheOrientationOfCameras(int orientation) throws Exception {
        byte[] image = Corpus.hostile("exif_orient" + orientation + ".jpg");
        Thumbnail made = make(image).all().getFirst();
        assertThat(made.height()).isEqualTo(orientation < 5 ? 133 : 300);
        // All eight store the same pixels: upright again, they are the same picture.
        Bitmap stored = bitmap(lossless(Corpus.hostile("exif_orient1.jpg")));
        if (orientation < 5) {
            Pixels expected = pixels(stored.upright(orientation));
            assertThat(lossless(image).psnr(expected)).isGreaterThan(40);
        }
    }

    @Test
    void cutsTheMiddleOut() throws Exception {
        Thumbnail made = new ThumbnailMaker(settings().withFit(Fit.CROP).withSizes(50))
                .make(corners(240, 120))
                .all()
                .getFirst();
        assertThat(made.width() + "x" + made.height()).isEqualTo("50x50");
        Pixels pixels = Pixels.of(made);
        assertThat(pixels.colorAt(0.1, 0.1)).isEqualTo("red");
        assertThat(pixels.colorAt(0.9, 0.9)).isEqualTo("white");
        assertThat(pixels.colorAt(0.45, 0.9)).isEqualTo("blue"); // the middle stays in the middle
        assertThat(pixels.colorAt(0.55, 0.9)).isEqualTo("white");
    }

    /** All of these are the same photograph. */
    @ParameterizedTest
    @CsvSource({
        "a.bmp, 33",
        "a.webp, 30",
        "lossless.webp, 33",
        "t.tiff, 33",
        "multipage.tiff, 33",
        "pal.png, 24",
        "cmyk.jpg, 24",
        "p3_like_icc.jpg, 33",
    })
    void readsWhateverComes(String name, double likeness) throws Exception {
        byte[] image = Corpus.hostile(name);
        assumeTrue(canRead(image), "no WebP without native code, no CMYK by the JDK");
        assertThat(lossless(image).psnr(Reference.SMALL)).isGreaterThan(likeness);
    }

    boolean canRead(byte[] image) throws ImageException {
        return ImageHeader.read(image).kind() != ImageKind.WEBP
                || ThumbnailMaker.codecs().contains("leptonica");
    }

    @ParameterizedTest
    @ValueSource(strings = {"grey.jpg", "grey16.png", "la.png"})
    void greyStaysAsLightAsItIs(String name) throws Exception {
        Pixels pixels = lossless(Corpus.hostile(name));
        int[] grey = Arrays.stream(Reference.SMALL.argb())
                .map(pixel -> (int) (0.299 * (pixel >> 16 & 0xFF) + 0.587 * (pixel >> 8 & 0xFF)
                        + 0.114 * (pixel & 0xFF)))
                .map(value -> 0xFF000000 | value << 16 | value << 8 | value)
                .toArray();
        assertThat(Math.abs(mean(pixels.argb()) - mean(grey))).isLessThan(3);
        assertThat(opaque(pixels).psnr(new Pixels(200, 133, grey))).isGreaterThan(30);
    }

    @Test
    void alphaIsKeptWhereTheFormatCanAndLaidOnWhiteWhereNot() throws Exception {
        byte[] image = halfClear();
        Pixels kept = lossless(image);
        assertThat(kept.colorAt(0.9, 0.5)).startsWith("clear");
        assertThat(kept.colorAt(0.1, 0.5)).isEqualTo("red");
        Pixels flat = Pixels.of(make(image).all().getFirst());
        assertThat(flat.colorAt(0.9, 0.5)).isEqualTo("white");
        assertThat(flat.colorAt(0.1, 0.5)).isEqualTo("red");
        // Clear pixels are black underneath, which must not show at the edge.
        for (double x = 0.4; x < 0.6; x += 0.01) {
            assertThat(flat.at(x, 0.5) >> 16 & 0xFF).isGreaterThan(200);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"anim.gif", "anim.webp"})
    void ofAnAnimationTheFirstFrameCounts(String name) throws Exception {
        byte[] image = Corpus.hostile(name);
        assumeTrue(canRead(image), "no WebP without native code");
        Pixels pixels = opaque(lossless(image));
        Pixels expected = lossless(Corpus.hostile("exif_orient1.jpg"));
        assertThat(pixels.psnr(expected)).isGreaterThan(24);
    }

    @ParameterizedTest
    @CsvSource({"tall.png, 1, 2000", "wide.png, 200, 1", "one.png, 1, 1", "tiny20.jpg, 20, 13"})
    void oddSizesStayReasonable(String name, int width, int height) throws Exception {
        Thumbnail made = make(Corpus.hostile(name)).all().getFirst();
        assertThat(made.width()).isEqualTo(width);
        assertThat(made.height()).isEqualTo(height);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "empty.jpg | empty, not an image",
        "html.jpg | HTML, not an image",
        "script.svg | SVG, which cannot be read",
        "a.jp2 | JPEG 2000, which cannot be read",
        "bomb_30000.png | PNG of 30000x30000 pixels, 900000000 in all, more than the 100000000 allowed",
        "lying_dims.jpg | JPEG of 65500x65500 pixels, 4290250000 in all, more than the 100000000 allowed",
        "header_only.jpg | JPEG of 3088x2056 pixels, cut off after 2000 bytes",
        "png_bad_crc.png | PNG of 360x240 pixels, cut off after 9500 bytes",
    })
    void refusesWhatIsHostile(String name, String message) {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> make(Corpus.hostile(name)))
                .withMessageStartingWith(message);
    }

    /** Half of each kind of file is never taken for the whole. */
    @ParameterizedTest
    @ValueSource(strings = {
        "photos/umang_by_Abhishek_Mudgal.jpg",
        "photos/Wine_by_Jakkub_Mede.jpg",
        "hostile/prog.jpg",
        "hostile/grey.jpg",
        "hostile/rgba.png",
        "hostile/pal.png",
        "hostile/a.webp",
        "hostile/lossless.webp",
        "hostile/anim.webp",
        "hostile/anim.gif",
        "hostile/a.bmp",
        "hostile/t.tiff"
    })
    void halfAFileIsNoSuccess(String name) throws Exception {
        byte[] image = Corpus.bytes(name);
        assumeTrue(canRead(image), "no WebP without native code");
        int length = name.contains("anim") ? 3000 : image.length / 2; // within the first frame
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> make(Arrays.copyOf(image, length)))
                .satisfies(e -> assertThat(e.getMessage())
                        .doesNotContain("\n")
                        .containsAnyOf("cut off", "cannot be decoded", "damaged"));
    }

    @Test
    void ofHalfAJpegTheHalfCanBeHad() throws Exception {
        byte[] image = Corpus.bytes(Corpus.BASELINE);
        byte[] half = Arrays.copyOf(image, image.length / 2);
        ThumbnailSettings png = settings().withFormat(Format.PNG);
        Thumbnails told = new ThumbnailMaker(png.withOnCorrupt(OnCorrupt.WARN)).make(half);
        assertThat(told.damage()).isEqualTo("cut off after " + half.length + " bytes");
        Thumbnails kept = new ThumbnailMaker(png.withOnCorrupt(OnCorrupt.KEEP)).make(half);
        assertThat(kept.damage()).isNull();
        Pixels upper = upperThird(Pixels.of(kept.all().getFirst()));
        assertThat(upper.psnr(upperThird(Reference.BASELINE))).isGreaterThan(40);
    }

    /** Five hundred bytes of a progressive scan set to something else, with both ends in place. */
    @Test
    void damageInTheMiddleIsSeen() {
        byte[] image = Corpus.hostile("prog.jpg");
        for (int i = image.length / 3; i < image.length / 3 + 500; i++) {
            image[i] = (byte) (i * 31 | 1);
        }
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> make(image))
                .satisfies(e -> assertThat(e.getMessage()).startsWith("JPEG of 360x240 pixels").doesNotContain("\n"));
    }

    @Test
    void nothingOfTheSourceIsPassedOnButPixels() throws Exception {
        byte[] made = make(Corpus.hostile("p3_like_icc.jpg")).all().getFirst().bytes();
        JpegSegments segments = new JpegSegments(made);
        while (segments.next()) {
            assertThat(segments.marker()).isNotIn(0xE1, 0xE2, 0xED, 0xFE);
        }
    }

    /** Half of the light, which is stored as 128 in linear colours, is 188 in sRGB. */
    @ParameterizedTest
    @ValueSource(strings = {"jpg", "png"})
    void colorsBecomeStandard(String format) throws Exception {
        BufferedImage grey = new BufferedImage(300, 300, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = grey.createGraphics();
        graphics.setColor(new Color(128, 128, 128));
        graphics.fillRect(0, 0, 300, 300);
        graphics.dispose();
        byte[] image = written(grey, format);
        assertThat(lossless(image).at(0.5, 0.5) & 0xFF).isBetween(127, 129);
        byte[] profile = ICC_Profile.getInstance(ColorSpace.CS_LINEAR_RGB).getData();
        byte[] tagged = format.equals("jpg") ? jpegWithProfile(image, profile) : pngWithProfile(image, profile);
        assertThat(lossless(tagged).at(0.5, 0.5) & 0xFF).isBetween(186, 190);
    }

    private static byte[] jpegWithProfile(byte[] jpeg, byte[] profile) {
        ByteBuffer segment = ByteBuffer.allocate(18 + profile.length);
        segment.putShort((short) 0xFFE2).putShort((short) (16 + profile.length));
        segment.put("ICC_PROFILE\0\1\1".getBytes(StandardCharsets.ISO_8859_1)).put(profile);
        return inserted(jpeg, 2, segment.array());
    }

    private static byte[] pngWithProfile(byte[] png, byte[] profile) {
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(compressed)) {
            deflater.write(profile);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ByteBuffer chunk = ByteBuffer.allocate(15 + compressed.size());
        chunk.putInt(3 + compressed.size());
        chunk.put("iCCPp\0\0".getBytes(StandardCharsets.ISO_8859_1)).put(compressed.toByteArray());
        CRC32 sum = new CRC32();
        sum.update(chunk.array(), 4, chunk.position() - 4);
        return inserted(png, 33, chunk.putInt((int) sum.getValue()).array()); // behind the header
    }

    private static byte[] inserted(byte[] into, int at, byte[] what) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(into, 0, at);
        all.writeBytes(what);
        all.write(into, at, into.length - at);
        return all.toByteArray();
    }

    /** Whatever was changed in a file: a picture or a refusal. */
    @Test
    @Timeout(value = 1, unit = TimeUnit.HOURS) // ten thousand pictures in a long run
    void mutatedFilesAreDecodedOrRefused() throws Exception {
        // a picture takes as long as a hundred headers, and more
        int mutations = Integer.getInteger("sennit.mutations", 15_000) / 100;
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        List<String> names = Corpus.names().stream()
                .filter(name -> Corpus.bytes(name).length < 300_000)
                .toList();
        ThumbnailMaker maker = new ThumbnailMaker(settings().withOnCorrupt(OnCorrupt.KEEP).withMaxPixels(4_000_000));
        try {
            for (int i = 0; i < mutations; i++) {
                byte[] image = Corpus.bytes(names.get(random.nextInt(names.size())));
                int changes = image.length == 0 ? 0 : random.nextInt(1, 8);
                for (int j = 0; j < changes; j++) {
                    image[random.nextInt(random.nextBoolean() ? image.length : Math.min(image.length, 700))] =
                            (byte) random.nextInt();
                }
                try {
                    assertThat(maker.make(image).all()).hasSize(3);
                } catch (ImageException e) {
                    assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
                }
            }
        } catch (Throwable e) {
            throw new AssertionError("fails with -Dsennit.seed=" + seed, e);
        }
    }

    @Test
    void qualityCosts() throws Exception {
        byte[] image = Corpus.hostile("prog.jpg");
        int poor = new ThumbnailMaker(settings().withQuality(20)).make(image).all().getFirst().bytes().length;
        int good = new ThumbnailMaker(settings().withQuality(95)).make(image).all().getFirst().bytes().length;
        assertThat(good).isGreaterThan(2 * poor);
    }

    @Test
    void writesWebp() throws Exception {
        assumeTrue(ThumbnailMaker.codecs().contains("leptonica"), "no WebP without native code");
        ThumbnailMaker maker = new ThumbnailMaker(settings().withFormat(Format.WEBP));
        Thumbnail opaque = maker.make(Corpus.hostile("prog.jpg")).all().getFirst();
        assertThat(ImageHeader.read(opaque.bytes())).isEqualTo(new ImageHeader(ImageKind.WEBP, 200, 133, 1, false));
        Thumbnail clear = maker.make(halfClear()).all().getFirst();
        assertThat(ImageHeader.read(clear.bytes()).alpha()).isTrue();
        Pixels back = lossless(clear.bytes());
        assertThat(back.colorAt(0.9, 0.5)).startsWith("clear");
        assertThat(back.colorAt(0.1, 0.5)).isEqualTo("red");
    }

    private static double mean(int[] argb) {
        return Arrays.stream(argb).map(pixel -> pixel >> 8 & 0xFF).average().orElseThrow();
    }

    private static Pixels opaque(Pixels pixels) {
        return new Pixels(
                pixels.width(),
                pixels.height(),
                Arrays.stream(pixels.argb()).map(pixel -> pixel | 0xFF000000).toArray());
    }

    private static Pixels upperThird(Pixels pixels) {
        int height = pixels.height() / 3;
        return new Pixels(pixels.width(), height, Arrays.copyOf(pixels.argb(), pixels.width() * height));
    }

    private static Bitmap bitmap(Pixels pixels) {
        return new Bitmap(pixels.width(), pixels.height(), false, pixels.argb());
    }

    private static Pixels pixels(Bitmap bitmap) {
        return new Pixels(bitmap.width(), bitmap.height(), bitmap.pixels());
    }

    /** Red, green, blue and white in the corners. */
    static byte[] corners(int width, int height) throws Exception {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        List<Color> colors = List.of(Color.RED, Color.GREEN, Color.BLUE, Color.WHITE);
        for (int i = 0; i < 4; i++) {
            graphics.setColor(colors.get(i));
            graphics.fillRect(i % 2 * width / 2, i / 2 * height / 2, width / 2, height / 2);
        }
        graphics.dispose();
        return written(image, "jpg");
    }

    /** The right half is clear. */
    static byte[] halfClear() throws Exception {
        BufferedImage image = new BufferedImage(1600, 1000, BufferedImage.TYPE_INT_ARGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(Color.RED);
        graphics.fillRect(0, 0, 803, 1000);
        graphics.dispose();
        return written(image, "png");
    }

    static byte[] written(BufferedImage image, String format) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(image, format, bytes);
        return bytes.toByteArray();
    }

    /** Puts the shortest EXIF that says so behind the first marker. */
    static byte[] withOrientation(byte[] jpeg, int orientation) {
        byte[] exif = {
            (byte) 0xFF, (byte) 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3,
            0, 0, 0, 1, 0,
            (byte) orientation, 0, 0, 0, 0, 0, 0
        };
        return inserted(jpeg, 2, exif);
    }
}
