package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.images.ThumbnailSettings.Fit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GeometryTest {
    @ParameterizedTest
    @CsvSource({
        "WIDTH, 4000x3000, 200, 4000x3000, 200x150",
        "WIDTH, 3000x4000, 200, 3000x4000, 200x267",
        "WIDTH, 100x50, 200, 100x50, 100x50", // never larger
        "WIDTH, 20000x1, 200, 20000x1, 200x1",
        "WIDTH, 1x20000, 200, 1x20000, 1x2000", // never a tower
        "BOX, 4000x3000, 200, 4000x3000, 200x150",
        "BOX, 3000x4000, 200, 3000x4000, 150x200",
        "BOX, 1x20000, 200, 1x20000, 1x200",
        "CROP, 4000x3000, 200, 3000x3000, 200x200",
        "CROP, 3000x4000, 200, 3000x3000, 200x200",
        "CROP, 300x100, 200, 200x100, 200x100", // as much of a square as there is
        "CROP, 100x100, 200, 100x100, 100x100",
        "CROP, 1x20000, 200, 1x200, 1x200",
    })
    void fits(Fit fit, String image, int size, String part, String thumbnail) {
        Geometry geometry = Geometry.of(header(image, 1), fit, size);
        assertThat(geometry.cropWidth() + "x" + geometry.cropHeight()).isEqualTo(part);
        assertThat(geometry.width() + "x" + geometry.height()).isEqualTo(thumbnail);
    }

    @Test
    void whatLiesOnItsSideIsMeasuredAsShown() {
        assertThat(Geometry.of(header("4000x3000", 6), Fit.WIDTH, 300)).isEqualTo(new Geometry(4000, 3000, 400, 300));
        assertThat(Geometry.of(header("4000x2000", 5), Fit.CROP, 200)).isEqualTo(new Geometry(2000, 2000, 200, 200));
    }

    @ParameterizedTest
    @CsvSource({"4000x3000, 200, 8", "3000x2000, 200, 4", "1000x700, 200, 2", "700x500, 200, 1", "100x100, 200, 1",
        "20000x1, 200, 1"})
    void aDecoderLeavesTwiceOfWhatIsWanted(String image, int size, int reduction) {
        assertThat(Geometry.of(header(image, 1), Fit.WIDTH, size).reduction()).isEqualTo(reduction);
    }

    private static ImageHeader header(String size, int orientation) {
        String[] sides = size.split("x");
        return new ImageHeader(
                ImageKind.JPEG, Integer.parseInt(sides[0]), Integer.parseInt(sides[1]), orientation, false);
    }
}
