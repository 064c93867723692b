package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sennit.images.ThumbnailSettings.Fit;
import dev.sennit.images.ThumbnailSettings.Format;
import dev.sennit.images.ThumbnailSettings.OnCorrupt;
import java.util.List;
import org.junit.jupiter.api.Test;

class ThumbnailSettingsTest {
    private final ThumbnailSettings defaults = ThumbnailSettings.defaults();

    @Test
    void haveDefaults() {
        assertThat(defaults)
                .isEqualTo(new ThumbnailSettings(
                        List.of(200, 64, 32), Fit.WIDTH, Format.JPEG, 75, 100_000_000, OnCorrupt.FAIL, "auto"));
    }

    @Test
    void changeOneByOne() {
        assertThat(defaults.withSizes(50)
                .withFit(Fit.CROP)
                .withFormat(Format.WEBP)
                .withQuality(90)
                .withMaxPixels(1000)
                .withOnCorrupt(OnCorrupt.KEEP)
                .withCodec("jdk"))
                .isEqualTo(new ThumbnailSettings(List.of(50), Fit.CROP, Format.WEBP, 90, 1000, OnCorrupt.KEEP, "jdk"));
    }

    @Test
    void refuseWhatCannotBe() {
        assertThatIllegalArgumentException().isThrownBy(defaults::withSizes)
                .withMessage("sizes must have at least one");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> defaults.withSizes(200, 0))
                .withMessage("size must be 1 to 10000, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> defaults.withQuality(101))
                .withMessage("quality must be 1 to 100, was 101");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> defaults.withMaxPixels(0))
                .withMessage("maxPixels must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> defaults.withCodec("paint"))
                .withMessage("codec must be auto or one of [leptonica, turbojpeg, jdk], was \"paint\"");
    }

    @Test
    void formatsFollowTheSourceWhereTheyCan() {
        assertThat(Format.SAME.kindFor(ImageKind.JPEG)).isEqualTo(ImageKind.JPEG);
        assertThat(Format.SAME.kindFor(ImageKind.WEBP)).isEqualTo(ImageKind.WEBP);
        assertThat(Format.SAME.kindFor(ImageKind.GIF)).isEqualTo(ImageKind.PNG);
        assertThat(Format.SAME.kindFor(ImageKind.TIFF)).isEqualTo(ImageKind.PNG);
        assertThat(Format.JPEG.kindFor(ImageKind.PNG)).isEqualTo(ImageKind.JPEG);
    }
}
