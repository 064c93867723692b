package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ImageHeaderTest {
    @ParameterizedTest
    @CsvSource({
        "photos/Wine_by_Jakkub_Mede.jpg, JPEG, 2560, 3837, 1, false",
        "hostile/cmyk.jpg, JPEG, 360, 240, 1, false",
        "hostile/grey.jpg, JPEG, 360, 240, 1, false",
        "hostile/prog.jpg, JPEG, 360, 240, 1, false",
        "hostile/tiny20.jpg, JPEG, 20, 13, 1, false",
        "hostile/exif_orient1.jpg, JPEG, 300, 200, 1, false",
        "hostile/exif_orient2.jpg, JPEG, 300, 200, 2, false",
        "hostile/exif_orient6.jpg, JPEG, 300, 200, 6, false",
        "hostile/exif_orient8.jpg, JPEG, 300, 200, 8, false",
        "hostile/lying_dims.jpg, JPEG, 65500, 65500, 1, false",
        "hostile/bilevel.png, PNG, 360, 240, 1, false",
        "hostile/pal.png, PNG, 360, 240, 1, false",
        "hostile/rgba.png, PNG, 360, 240, 1, true",
        "hostile/la.png, PNG, 360, 240, 1, true",
        "hostile/bomb_30000.png, PNG, 30000, 30000, 1, false",
        "hostile/tall.png, PNG, 1, 20000, 1, false",
        "hostile/anim.gif, GIF, 300, 200, 1, false",
        "hostile/a.webp, WEBP, 360, 240, 1, false",
        "hostile/lossless.webp, WEBP, 360, 240, 1, false",
        "hostile/anim.webp, WEBP, 300, 200, 1, true",
        "hostile/a.bmp, BMP, 360, 240, 1, false",
        "hostile/t.tiff, TIFF, 360, 240, 1, false",
        "hostile/multipage.tiff, TIFF, 360, 240, 1, false",
    })
    void tellsWhatAFileIs(String name, ImageKind kind, int width, int height, int orientation, boolean alpha)
            throws Exception {
        assertThat(ImageHeader.read(Corpus.bytes(name)))
                .isEqualTo(new ImageHeader(kind, width, height, orientation, alpha));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "hostile/empty.jpg | empty, not an image",
        "hostile/html.jpg | HTML, not an image",
        "hostile/script.svg | SVG, which cannot be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
        "hostile/a.jp2 | JPEG 2000, which cannot be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
    })
    void namesWhatIsNoImage(String name, String message) {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> ImageHeader.read(Corpus.bytes(name)))
                .withMessage(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "%PDF-1.7 | PDF, not an image",
        "{\"error\": 404} | JSON, not an image",
        "<?xml version='1.0'?><a/> | XML, not an image",
        "....ftypavif | AVIF, which cannot be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
        "....ftypheic | HEIC, which cannot be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
        "....ftypmp42 | video, which cannot be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
        "BM, said he, and went | no image that can be read; JPEG, PNG, GIF, WebP, BMP and TIFF can",
    })
    void namesWhatElseComesNamedAsAnImage(String begin, String message) {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> ImageHeader.read(begin.getBytes(StandardCharsets.ISO_8859_1)))
                .withMessage(message);
    }

    @Test
    void refusesSidesOfZeroAndAbsurdOnes() {
        byte[] png = Corpus.hostile("rgba.png");
        ByteBuffer.wrap(png).putInt(16, 0);
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> ImageHeader.read(png))
                .withMessage("PNG of 0x240 pixels: no side may be 0, or longer than 1000000");
        ByteBuffer.wrap(png).putInt(16, -1);
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> ImageHeader.read(png))
                .withMessage("PNG of 4294967295x240 pixels: no side may be 0, or longer than 1000000");
    }

    /** Their own header would not have been read by anybody. */
    @Test
    void noOtherImageInsideOfABitmap() {
        byte[] bitmap = Corpus.hostile("a.bmp");
        for (byte packing : new byte[] {4, 5, 7, -1}) {
            bitmap[30] = packing;
            assertThatExceptionOfType(ImageException.class)
                    .isThrownBy(() -> ImageHeader.read(bitmap))
                    .withMessageMatching("BMP of packing \\d+, which cannot be read");
        }
    }

    @Test
    void saysWhatWouldHaveToBeAllowed() throws Exception {
        ImageHeader header = ImageHeader.read(Corpus.hostile("bomb_30000.png"));
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> header.ensureAtMost(899_999_999))
                .withMessage("PNG of 30000x30000 pixels, 900000000 in all, more than the 899999999 allowed;"
                        + " raise the limit of pixels if it is to be trusted");
        header.ensureAtMost(900_000_000);
    }

    @Test
    void theFrameOfAGifMayBeLargerThanItsScreen() throws Exception {
        byte[] gif = Corpus.hostile("anim.gif");
        gif[6] = 1; // a screen of 1x1
        gif[7] = 0;
        gif[8] = 1;
        gif[9] = 0;
        assertThat(ImageHeader.read(gif)).isEqualTo(new ImageHeader(ImageKind.GIF, 300, 200, 1, false));
    }

    @Test
    void sidewaysPicturesAreShownTheOtherWay() throws Exception {
        ImageHeader header = ImageHeader.read(Corpus.hostile("exif_orient6.jpg"));
        assertThat(header.shownWidth()).isEqualTo(200);
        assertThat(header.shownHeight()).isEqualTo(300);
    }

    /** Whatever is read of the structure of files, on bytes that end anywhere. */
    @ParameterizedTest
    @MethodSource("dev.sennit.images.Corpus#names")
    void everyPrefixIsReadOrRefused(String name) {
        byte[] whole = Corpus.bytes(name);
        int length = 0;
        while (length < whole.length) {
            readOrRefuse(Arrays.copyOf(whole, length));
            length += length < 3000 ? 1 : 1 + whole.length / 100;
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sennit.images.Corpus#names")
    void mutatedHeadersAreReadOrRefused(String name) {
        byte[] whole = Corpus.bytes(name);
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        SplittableRandom random = new SplittableRandom(seed);
        try {
            for (int i = 0; i < Integer.getInteger("sennit.mutations", 3000); i++) {
                byte[] mutated = Arrays.copyOf(whole, Math.min(whole.length, 1 << random.nextInt(4, 15)));
                int changes = mutated.length == 0 ? 0 : random.nextInt(1, 6);
                for (int j = 0; j < changes; j++) {
                    int at = random.nextInt(Math.min(mutated.length, 1 << random.nextInt(3, 15)));
                    mutated[at] = switch (random.nextInt(4)) {
                        case 0 -> 0;
                        case 1 -> (byte) 0xFF;
                        case 2 -> (byte) (mutated[at] ^ 1 << random.nextInt(8));
                        default -> (byte) random.nextInt();
                    };
                }
                readOrRefuse(mutated);
            }
        } catch (Throwable e) {
            throw new AssertionError("fails with -Dsennit.seed=" + seed, e);
        }
    }

    private static void readOrRefuse(byte[] bytes) {
        try {
            ImageHeader header = ImageHeader.read(bytes);
            assertThat(header.width()).isPositive();
            assertThat(header.height()).isPositive();
            assertThat(header.orientation()).isBetween(1, 8);
            ColorProfile.of(bytes, header.kind());
            Integrity.damageOf(bytes, header);
            if (header.kind() == ImageKind.WEBP) {
                WebpFrame.firstOf(bytes, header);
            }
        } catch (ImageException e) {
            assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
        }
    }
}
