package dev.sennit.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;

class ScalingPlotTest {
    @TempDir
    Path folder;

    private static List<Measurement> measurements() {
        List<Measurement> measurements = new ArrayList<>();
        measurements.add(measurement("inline", null, 1, 1.2));
        for (int workers = 1; workers <= 8; workers++) {
            measurements.add(measurement("threads", workers, workers, 1.2 / Math.min(workers, 4) + 0.01 * workers));
            measurements.add(measurement("processes", workers, workers, 1.3 / Math.min(workers, 4) + 0.02 * workers));
        }
        measurements.add(new Measurement("virtual:3", "virtual", 3, 0, Double.NaN, Double.NaN, 0, "failed"));
        return measurements;
    }

    private static Measurement measurement(String kind, Integer count, int workers, double seconds) {
        return new Measurement(count == null ? kind : kind + ":" + count, kind, workers, 3, seconds, 100, 0, null);
    }

    @Test
    void svgIsWellFormedAndNamesTheSeriesAndTheBestCounts() throws Exception {
        Path file = folder.resolve("scaling.svg");

        new ScalingPlot("a<b & c", measurements()).write(file);

        var factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
        Document svg = factory.newDocumentBuilder().parse(file.toFile());
        assertThat(svg.getDocumentElement().getTagName()).isEqualTo("svg");
        assertThat(text(svg, "title")).startsWith("a<b & c on ");
        assertThat(text(svg, "desc"))
                .startsWith("wall time in seconds, median of 3 rounds, over workers: ")
                .contains("inline, 1.200 s; threads, best at 4: 340 ms; processes, best at 4: 405 ms")
                .doesNotContain("virtual");
        assertThat(svg.getElementsByTagName("path").getLength()).isGreaterThan(20);
    }

    private static String text(Document svg, String tag) {
        return svg.getElementsByTagName(tag).item(0).getTextContent();
    }

    @Test
    void noLabelHidesARingOrAnother() {
        for (double[] seconds : new double[][] {{32.856, 29.312}, {0.5, 0.496, 0.488, 0.45}, {0.02, 0.01, 0.001},
            {1, 1, 1}}) {
            List<Measurement> bests = Arrays.stream(seconds).mapToObj(each -> measurement("kind", 3, 3, each)).toList();
            double highest = 1.3 * seconds[0];

            List<double[]> places = ScalingPlot.labelPlaces(bests, 3, highest);

            List<Double> heights = new ArrayList<>(Arrays.stream(seconds).boxed().toList());
            assertThat(places).hasSize(seconds.length);
            for (double[] place : places) {
                assertThat(place[0]).isEqualTo(3);
                assertThat(heights)
                        .allSatisfy(other -> assertThat(Math.abs(place[1] - other)).isGreaterThan(0.044 * highest));
                assertThat(place[1]).isBetween(0.0, 1.3 * highest);
                heights.add(place[1]);
            }
        }
    }

    @Test
    void pngIsAnImage() throws Exception {
        Path file = folder.resolve("scaling.png");

        new ScalingPlot("primes", measurements()).write(file);

        BufferedImage image = ImageIO.read(Files.newInputStream(file));
        assertThat(image.getWidth()).isEqualTo(1800);
        assertThat(image.getHeight()).isEqualTo(1120);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 20, 64, 1000})
    void anyNumberOfWorkersFindsItsTicks(int most) throws Exception {
        List<Measurement> measurements = new ArrayList<>(List.of(measurement("inline", null, 1, 0.001)));
        for (int workers = 1; workers <= most; workers++) {
            measurements.add(measurement("threads", workers, workers, 0.001 / workers));
        }

        new ScalingPlot("sleep", measurements).write(folder.resolve(most + ".svg"));

        assertThat(folder.resolve(most + ".svg")).content().contains("threads, best at " + most);
    }
}
