package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.sennit.cli.compare.SamplePhotos;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThumbnailsTest {
    private static final List<byte[]> PHOTOS = SamplePhotos.draw(3, 1);

    @TempDir
    Path folder;

    private Path photos;
    private Path small;

    @BeforeEach
    void photos() throws IOException {
        photos = Files.createDirectories(folder.resolve("a few photos"));
        small = folder.resolve("made/small");
        for (int i = 0; i < PHOTOS.size(); i++) {
            Files.write(photos.resolve("p" + i + ".jpg"), PHOTOS.get(i));
        }
    }

    private Run thumbnails(String... more) {
        List<String> args =
                new ArrayList<>(List.of("thumbnails", photos.toString(), "-o", small.toString(), "--on", "threads:2"));
        args.addAll(List.of(more));
        return Run.sennit(args.toArray(String[]::new));
    }

    /** The names of the files in the output folder, and what is in them. */
    private Map<String, Integer> made() throws IOException {
        Map<String, Integer> files = new TreeMap<>();
        try (Stream<Path> all = Files.list(small)) {
            for (Path file : all.toList()) {
                files.put(file.getFileName().toString(), Arrays.hashCode(Files.readAllBytes(file)));
            }
        }
        return files;
    }

    @Test
    void eachWidthOfEachPhotograph() throws Exception {
        Run run = thumbnails("--sizes", "120,48");

        assertThat(run.err()).isEmpty();
        assertThat(run.exit()).isZero();
        assertThat(made().keySet())
                .containsExactly("p0_120.jpg", "p0_48.jpg", "p1_120.jpg", "p1_48.jpg", "p2_120.jpg", "p2_48.jpg");
        var picture = ImageIO.read(small.resolve("p1_120.jpg").toFile());
        assertThat(picture.getWidth()).isEqualTo(120);
        assertThat(picture.getHeight()).isEqualTo(80);
        assertThat(run.out().getFirst()).contains(": JPEG of 2400x1600 pixels -> 120x80 48x32, ");
        assertThat(run.out().getLast()).startsWith("3 images in ").contains(": 6 files, ").doesNotContain("failed");
    }

    @Test
    void whatFailsIsALineAndTheOthersAreMade() throws Exception {
        Files.writeString(photos.resolve("page.jpg"), "<!DOCTYPE html><html></html>");
        Files.write(photos.resolve("half.jpg"), Arrays.copyOf(PHOTOS.getFirst(), PHOTOS.getFirst().length / 2));

        Run run = thumbnails("nowhere.jpg");

        assertThat(run.exit()).isEqualTo(1);
        assertThat(run.err())
                .hasSize(3)
                .anyMatch(line -> line.startsWith("sennit: nowhere.jpg: no such file"))
                .anyMatch(line -> line.startsWith("sennit: " + photos.resolve("page.jpg") + ": HTML, not an image"))
                .anyMatch(line -> line.startsWith(
                        "sennit: " + photos.resolve("half.jpg") + ": JPEG of 2400x1600 pixels, cut off"));
        assertThat(made()).hasSize(9);
        assertThat(run.out().getLast()).contains("3 images in ", "3 failed (2 no good image, 1 source that is none)");
    }

    @Test
    void nothingMadeIsExitCode3() throws Exception {
        Run none = Run.sennit("thumbnails", "nowhere.jpg", "-o", small.toString(), "--on", "inline");
        assertThat(none.exit()).isEqualTo(3);
        assertThat(none.err()).singleElement().asString().startsWith("sennit: nowhere.jpg: no such file");
        assertThat(none.out()).isEmpty();
        assertThat(small.getParent()).as("what was to hold the folder for nothing").doesNotExist();

        Path file = Files.writeString(folder.resolve("file"), "");
        Run run = Run.sennit("thumbnails", photos.toString(), "-o", file.toString(), "--on", "inline");

        assertThat(run.exit()).isEqualTo(3);
        assertThat(run.err()).singleElement().asString().startsWith("sennit: -o: cannot make folder " + file + ": ");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void filesThatAreThereAreAnErrorOrStayOrAreReplaced() throws Exception {
        assertThat(thumbnails("--quality", "30").exit()).isZero();
        Map<String, Integer> first = made();

        Run refused = thumbnails();
        assertThat(refused.exit()).isEqualTo(3);
        assertThat(refused.err()).hasSize(3).allMatch(
                line -> line.contains("p") && line.endsWith(" exists; keep or replace it, or choose another folder"));
        assertThat(made()).isEqualTo(first);

        Files.delete(small.resolve("p2_64.jpg"));
        Run kept = thumbnails("--no-clobber");
        assertThat(kept.exit()).isZero();
        assertThat(kept.out().getLast()).contains("1 image in ", ": 1 file, ", "2 skipped");
        assertThat(made()).containsOnlyKeys(first.keySet()).containsEntry("p2_200.jpg", first.get("p2_200.jpg"));

        Run replaced = thumbnails("--force");
        assertThat(replaced.exit()).isZero();
        assertThat(made()).containsOnlyKeys(first.keySet());
        assertThat(made().get("p2_200.jpg")).isNotEqualTo(first.get("p2_200.jpg"));
    }

    @Test
    void imagesThatAllFailLeaveNoFolder() throws Exception {
        Path page = Files.writeString(folder.resolve("page.jpg"), "<!DOCTYPE html><html></html>");

        Run run = Run.sennit("thumbnails", page.toString(), "-o", small.toString(), "--on", "inline");

        assertThat(run.exit()).isEqualTo(3);
        assertThat(small.getParent()).doesNotExist();
    }

    @Test
    void theOutputIsNoSourceOfTheNextRun() throws Exception {
        small = photos.resolve("small");
        Run first = thumbnails("--sizes", "10", "--downloads", "1");
        assertThat(first.exit()).isZero();
        assertThat(first.out().getLast()).as("not even of the run that makes it").startsWith("3 images in ");

        Run again = thumbnails("--sizes", "10", "--no-clobber");

        assertThat(again.exit()).isZero();
        assertThat(again.out()).hasSize(9).anyMatch(line -> line.endsWith("p1.jpg: skipped, all there"));
        assertThat(made()).containsOnlyKeys("p0_10.jpg", "p1_10.jpg", "p2_10.jpg");
    }

    @Test
    void noImageAtAllIsSaid() throws Exception {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        for (String more : List.of("--json", "--dry-run")) {
            Run run = Run.sennit("thumbnails", empty.toString(), "-o", small.toString(), "--on", "inline", more);

            assertThat(run.exit()).isEqualTo(3);
            assertThat(run.err()).containsExactly(
                    "sennit: no image among the sources: name files, addresses, or folders with images");
        }
    }

    @Test
    void aDryRunOnlyTells() {
        Run run = thumbnails("--dry-run", "--sizes", "10");

        assertThat(run.exit()).isZero();
        assertThat(run.out())
                .hasSize(3)
                .first()
                .isEqualTo(photos.resolve("p0.jpg") + ": would make " + small.resolve("p0_10.jpg"));
        assertThat(small).doesNotExist();
    }

    @Test
    void jsonHasALineForEachAndOneForAll() throws Exception {
        Files.writeString(photos.resolve("empty.jpg"), "");

        Run run = thumbnails("--json", "--sizes", "10");

        assertThat(run.out()).hasSize(5).allMatch(line -> line.startsWith("{\"") && line.endsWith("}"));
        assertThat(run.out())
                .anyMatch(line -> line.contains("\"kind\":\"JPEG\",\"width\":2400,\"height\":1600,\"files\":[\""));
        assertThat(run.out()).anyMatch(line -> line.contains("\"error\":\"empty, not an image\",\"reason\":\"image\""));
        assertThat(run.out().getLast()).contains("\"made\":3", "\"failed\":1", "\"failed.image\":1", "\"files\":3");
    }

    @Test
    void theLogHasThreadTimeLevelAndMessage() throws Exception {
        Run run = thumbnails("--verbose", "--sizes", "10", "--fetch-on", "threads:2?name=fetchers");

        assertThat(run.exit()).isZero();
        assertThat(run.err())
                .hasSize(9)
                .allMatch(line -> line.matches(
                        "(fetch|write) \\d\\d:\\d\\d(:\\d\\d([.]\\d{3})?)? DEBUG (fetching|fetched|wrote) .*"))
                .anyMatch(line -> line.endsWith(
                        " DEBUG fetched " + photos.resolve("p1.jpg") + ", " + PHOTOS.get(1).length + " bytes"))
                .anyMatch(line -> line.contains(" DEBUG wrote " + small.resolve("p2_10.jpg") + ", "));
        assertThat(thumbnails("--sizes", "11").err()).as("the log ends with its command").isEmpty();
    }

    @Test
    void sourcesFromStdin() throws Exception {
        Run run = Run.sennitReading("# two\n" + photos.resolve("p0.jpg") + "\n\n" + photos.resolve("p2.jpg") + "\n",
                "thumbnails", "-", "-o", small.toString(), "--on", "inline", "--fetch-on", "inline", "--sizes", "10");

        assertThat(run.err()).isEmpty();
        assertThat(made()).containsOnlyKeys("p0_10.jpg", "p2_10.jpg");
    }

    /** Those of the guide, some on processes, are in the integration tests. */
    @ParameterizedTest
    @CsvSource({"inline, inline, 1", "threads:3, threads:3, 3", "threads:4, threads:1, 4", "loop, threads:2, 2",
        "virtual, loop, 3"})
    void everyVariantMakesTheSame(String fetchers, String makers, String atOnce) throws Exception {
        assertThat(thumbnails().exit()).isZero();
        Map<String, Integer> expected = made();
        small = folder.resolve("again");

        Run run = Run.sennit("thumbnails", photos.toString(), "-o", small.toString(), "--fetch-on", fetchers, "--on",
                makers,
                "--downloads", atOnce);

        assertThat(run.err()).isEmpty();
        assertThat(made()).isEqualTo(expected);
    }

    @Test
    void theTimelineIsAPictureOfEachRun() throws Exception {
        Path file = folder.resolve("what ran.svg");

        Run run = thumbnails("--timeline", file.toString());

        assertThat(run.out().getLast()).isEqualTo("timeline: " + file);
        var svg = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
        assertThat(svg.getElementsByTagName("rect").getLength()).as("background, and three stages of three images")
                .isEqualTo(10);
    }

    @Test
    void addressesThatAreNotPublicOnlyWhenAllowed() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            boolean known = exchange.getRequestURI().getPath().equals("/p.jpg");
            byte[] body = known ? PHOTOS.getFirst() : new byte[0];
            exchange.sendResponseHeaders(known ? 200 : 404, known ? body.length : -1);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try {
            String address = "http://127.0.0.1:" + server.getAddress().getPort();
            String[] args = {"thumbnails", address + "/p.jpg", address + "/q.jpg", "-o", small.toString(), "--on",
                "inline", "--sizes", "10", "--allow-private"};

            Run refused = Run.sennit(Arrays.copyOf(args, args.length - 1));
            assertThat(refused.exit()).isEqualTo(3);
            assertThat(refused.err()).hasSize(2).allMatch(line -> line.contains("127.0.0.1"));

            Run run = Run.sennit(args);
            assertThat(run.exit()).isEqualTo(1);
            assertThat(run.err()).singleElement().asString().startsWith("sennit: " + address + "/q.jpg: ")
                    .contains("404");
            assertThat(made()).containsOnlyKeys("p_10.jpg");
        } finally {
            server.stop(0);
        }
    }
}
