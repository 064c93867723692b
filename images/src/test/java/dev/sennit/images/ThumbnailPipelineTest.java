package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.observe.TaskEvents;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThumbnailPipelineTest {
    /** Of the hostile files, those that no thumbnails can be made of. */
    private static final Set<String> BAD = Set.of(
            "a.jp2", "bomb_30000.png", "empty.jpg", "header_only.jpg", "html.jpg", "lying_dims.jpg", "png_bad_crc.png",
            "script.svg");

    @TempDir
    Path folder;

    /** What was told of a run. */
    private static final class Told implements ThumbnailPipeline.Listener {
        final Map<String, Made> made = new TreeMap<>();
        final Map<String, Failure> failed = new TreeMap<>();
        final List<Source> skipped = new ArrayList<>();

        @Override
        public void made(Made one) {
            assertThat(made.put(nameOf(one.source()), one)).isNull();
        }

        @Override
        public void failed(Failure failure) {
            assertThat(failed.put(nameOf(failure.source()), failure)).isNull();
        }

        @Override
        public void skipped(Source source) {
            skipped.add(source);
        }
    }

    private static String nameOf(Source source) {
        return source.text().substring(source.text().lastIndexOf('/') + 1);
    }

    private Source file(String name, byte[] content) throws IOException {
        return new Source.LocalFile(Files.write(folder.resolve(name), content));
    }

    private Source corpus(String name) throws IOException {
        return file(name.substring(name.indexOf('/') + 1), Corpus.bytes(name));
    }

    private Set<String> written() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("small"))) {
            return files.map(file -> file.getFileName().toString())
                    .collect(java.util.stream.Collectors.toCollection(TreeSet::new));
        }
    }

    private ThumbnailSummary run(Stream<Source> sources, Told told, ThumbnailSettings settings, Pool fetchers,
            Pool makers, long maxBytes)
            throws Exception {
        try (Downloader downloader = Downloader.builder().open()) {
            OutputFolder small = OutputFolder.open(folder.resolve("small"), OutputFolder.Existing.FAIL);
            var stages = new ThumbnailPipeline.Stages(fetchers, 3, makers, Duration.ofMinutes(1), maxBytes, true);
            return new ThumbnailPipeline(new ThumbnailMaker(settings), small, downloader, stages).run(sources, told);
        }
    }

    @ParameterizedTest
    @CsvSource({"inline, inline", "threads:4, threads:2", "virtual, virtual:2"})
    void hostileFilesAmongGoodOnes(String fetching, String making) throws Exception {
        List<Source> sources = new ArrayList<>();
        for (String name : Corpus.names()) {
            sources.add(corpus(name));
        }
        var told = new Told();
        ThumbnailSummary summary;
        try (Pool fetchers = Pools.open(fetching);
                Pool makers = Pools.open(making)) {
            ThumbnailSettings settings = ThumbnailSettings.defaults().withSizes(40, 8);
            summary = run(sources.stream(), told, settings, fetchers, makers, 100_000_000);
        }

        assertThat(told.failed.keySet()).isEqualTo(new TreeSet<>(BAD));
        assertThat(told.failed.values())
                .allMatch(one -> one.reason() == Failure.Reason.IMAGE)
                .allMatch(one -> !one.message().isBlank() && one.message().lines().count() == 1);
        assertThat(told.made).hasSize(sources.size() - BAD.size());
        assertThat(summary.made()).isEqualTo(told.made.size());
        assertThat(summary.failures()).containsExactly(Map.entry(Failure.Reason.IMAGE, (long) BAD.size()));
        Set<String> expected = new TreeSet<>();
        for (Made one : told.made.values()) {
            for (Path file : one.files()) {
                expected.add(file.getFileName().toString());
                assertThat(ImageIO.read(new ByteArrayInputStream(Files.readAllBytes(file)))).as("%s", file).isNotNull();
            }
        }
        assertThat(written()).as("nothing half-written beside them").isEqualTo(expected).hasSize(2 * told.made.size());
        assertThat(summary.files()).isEqualTo(expected.size());
        assertThat(summary.bytesIn()).isEqualTo(bytesOf(sources));
        assertThat(summary.runs()).hasSize(2 * sources.size() + told.made.size());
    }

    @Test
    void eachStepTellsWhichImageItIsAt() throws Exception {
        Source cat = file("cat.png", Corpus.hostile("one.png"));
        Set<String> steps = new TreeSet<>();
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("threads:2")) {
            run(Stream.of(cat), new Told(), ThumbnailSettings.defaults().withSizes(8), pool, pool, 100_000);
            events.drain().stream()
                    .filter(event -> event.progress().filter(at -> at.message().equals(cat.text())).isPresent())
                    .forEach(event -> steps.add(event.name()));
        }
        assertThat(steps).containsExactly(
                ThumbnailPipeline.FETCH, ThumbnailPipeline.RESIZE, ThumbnailPipeline.WRITE);
    }

    private static long bytesOf(List<Source> sources) throws IOException {
        long bytes = 0;
        for (Source source : sources) {
            bytes += Files.size(((Source.LocalFile) source).path());
        }
        return bytes;
    }

    @Test
    void filesThatCannotBeRead() throws Exception {
        byte[] image = Corpus.hostile("one.png");
        List<Source> sources = List.of(
                new Source.LocalFile(folder.resolve("nowhere.png")),
                new Source.LocalFile(Files.createDirectory(folder.resolve("folder.png"))),
                file("large.png", new byte[image.length + 1]),
                new Source.WebAddress(URI.create("http://127.0.0.1:9/cat.png")),
                file("one.png", image));
        var told = new Told();
        try (Pool pool = Pools.open("threads:2")) {
            run(sources.stream(), told, ThumbnailSettings.defaults().withSizes(10), pool, pool, image.length);
        }

        assertThat(told.failed.get("nowhere.png").toString()).endsWith("nowhere.png: no such file or folder");
        assertThat(told.failed.get("folder.png").message()).isEqualTo("it is no file");
        assertThat(told.failed.get("large.png").message())
                .isEqualTo("it has more than the " + image.length + " bytes that a file may have");
        assertThat(told.failed.get("cat.png").reason()).isEqualTo(Failure.Reason.DOWNLOAD);
        assertThat(told.failed.get("cat.png").message()).doesNotStartWith("http").contains("127.0.0.1");
        assertThat(told.made).containsOnlyKeys("one.png");
    }

    @Test
    void thereMayBeNoLimitOfBytes() throws Exception {
        var told = new Told();
        try (Pool pool = Pools.open("inline")) {
            run(Stream.of(corpus("hostile/one.png")), told, ThumbnailSettings.defaults().withSizes(10), pool, pool,
                    Long.MAX_VALUE);
        }
        assertThat(told.made).containsOnlyKeys("one.png");
    }

    @Test
    void theFormatOfTheSource() throws Exception {
        var told = new Told();
        try (Pool pool = Pools.open("inline")) {
            ThumbnailSettings settings =
                    ThumbnailSettings.defaults().withSizes(10).withFormat(ThumbnailSettings.Format.SAME);
            run(Stream.of(corpus("hostile/rgba.png"), corpus("hostile/grey.jpg"), corpus("hostile/a.bmp")), told,
                    settings, pool, pool, 1_000_000);
        }
        assertThat(written()).containsExactly("a_10.png", "grey_10.jpg", "rgba_10.png");
    }

    @Test
    void aListenerThatThrowsEndsIt() throws Exception {
        var failure = new IllegalStateException("meant to be thrown");
        try (Pool pool = Pools.open("threads:1");
                Downloader downloader = Downloader.builder().open()) {
            OutputFolder small = OutputFolder.open(folder.resolve("small"), OutputFolder.Existing.FAIL);
            var pipeline = new ThumbnailPipeline(
                    new ThumbnailMaker(ThumbnailSettings.defaults()), small, downloader,
                    ThumbnailPipeline.Stages.of(pool, pool));
            Stream<Source> endless = Stream.generate(() -> new Source.LocalFile(folder.resolve("nowhere.jpg")));

            assertThatThrownBy(() -> pipeline.run(endless, new ThumbnailPipeline.Listener() {
                @Override
                public void failed(Failure one) {
                    throw failure;
                }
            }))
                    .isSameAs(failure)
                    .isNotInstanceOf(CompletionException.class);
            assertThat(pool.statistics().running() + pool.statistics().queued()).isZero();
        }
    }
}
