package dev.sennit.benchmarks.thumbnails;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.StageRun;
import dev.sennit.StageTimeline;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.images.Downloader;
import dev.sennit.images.OutputFolder;
import dev.sennit.images.Source;
import dev.sennit.images.Sources;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailPipeline;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.ThumbnailSummary;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The thumbnail program in its variants, against a server with 300 ms of latency and 1 MB/s a connection. */
public final class PipelineExperiment implements Experiment {
    private static final int LATENCY = 300;
    private static final double BYTES_PER_SECOND = 1e6;
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final long MAX_BYTES = 100_000_000;
    private static final String SEQUENTIAL = "one after another";
    private static final String FOUR = "4 virtual threads, processes:2";
    private static final String ALL = "a coroutine an image, processes:2";

    /** A row: where what runs, and how many at once; 0 stands for all. */
    private record Variant(String name, String fetchers, int atOnce, String makers) {}

    private static final List<Variant> VARIANTS = List.of(
            new Variant(SEQUENTIAL, "inline", 1, "inline"),
            new Variant("4 threads, 1 thread resizes", "threads:4", 4, "threads:1"),
            new Variant("a virtual thread an image, threads:2", "virtual", 0, "threads:2"),
            new Variant(FOUR, "virtual", 4, "processes:2"),
            new Variant("a virtual thread an image, processes:2", "virtual", 0, "processes:2"),
            new Variant("4 coroutines, processes:2", "loop", 4, "processes:2"),
            new Variant(ALL, "loop", 0, "processes:2"));

    @Override
    public Report run(Bench bench) throws Exception {
        List<Path> chosen = Photographs.files(bench);
        double largest = 0;
        double all = 0;
        for (Path file : chosen) {
            largest = Math.max(largest, Files.size(file) / BYTES_PER_SECOND);
            all += Files.size(file) / BYTES_PER_SECOND;
        }
        Map<String, List<StageRun>> lastRuns = new HashMap<>();
        Path output = Files.createTempDirectory("sennit-pipeline-");
        try (var server =
                new SlowServer(Photographs.folder(), bench.size(LATENCY, 1), bench.quick() ? 1e9 : BYTES_PER_SECOND)) {
            List<String> addresses = server.addresses(chosen);
            var rounds = new Rounds();
            for (Variant variant : VARIANTS) {
                boolean isSlow = variant.name.equals(SEQUENTIAL);
                int warmups = isSlow ? 0 : bench.size(1, 0);
                rounds.add(variant.name, warmups, isSlow ? 1 : bench.size(3, 1),
                        () -> run(variant, addresses, output, lastRuns));
            }
            var comparison = new Comparison(rounds.run()).time("all").against(SEQUENTIAL);
            var report = new Report().add(chosen.size() + " photographs from a slow server", comparison.table());
            if (!bench.quick()) {
                aim(report, comparison, FOUR, leastSeconds(chosen, 4), 1.06);
                aim(report, comparison, ALL, leastSeconds(chosen, chosen.size()), 1.13);
            }
            report.paragraph(String.format(Locale.ROOT,
                    "The largest takes %.2f s to come, all of them %.1f s on one connection, and each 0.3 s before its "
                            + "first byte: nothing can be faster than that.",
                    largest, all))
                    .paragraph("What ran when, in the last round of some variants:");
            for (String name : List.of(SEQUENTIAL, FOUR, ALL)) {
                report.picture("pipeline", name,
                        StageTimeline.of(Objects.requireNonNull(lastRuns.get(name), name)).svg());
            }
            return report;
        } finally {
            deleteAll(output);
        }
    }

    /** Of the facts' 26 photographs these are 9.1 s where 8.58 is the least, and 3.8 s where 3.37 is. */
    private static void aim(Report report, Comparison comparison, String name, double least, double times) {
        double seconds = comparison.median(name);
        report.aim(
                String.format(Locale.ROOT, "%s in <= %.2f times the %.2f s that the downloads take", name, times,
                        least),
                String.format(Locale.ROOT, "%.2f s, %.2f times", seconds, seconds / least),
                seconds <= times * least);
    }

    /** What the downloads take, first come, first served. */
    private static double leastSeconds(List<Path> files, int atOnce) throws IOException {
        double[] free = new double[atOnce];
        for (Path file : files) {
            Arrays.sort(free);
            free[0] += LATENCY / 1e3 + Files.size(file) / BYTES_PER_SECOND;
        }
        return Arrays.stream(free).max().orElse(0);
    }

    private static double[] run(Variant variant, List<String> addresses, Path output,
            Map<String, List<StageRun>> lastRuns)
            throws Exception {
        int atOnce = variant.atOnce == 0 ? addresses.size() : variant.atOnce;
        try (Pool fetchers = Pools.open(variant.fetchers);
                Pool makers = Pools.open(variant.makers);
                var downloader = Downloader.builder().allowPrivate(true).downloads(atOnce).perHost(atOnce).open();
                Stream<Source> sources = Sources.stream(addresses, Reader.nullReader(), problem -> {})) {
            while (makers.statistics().workers() < makers.workers() && makers.workers() < 10) {
                makers.map(x -> x, List.of(1, 2, 3, 4)); // until all workers are there
            }
            var pipeline = new ThumbnailPipeline(
                    new ThumbnailMaker(ThumbnailSettings.defaults()),
                    OutputFolder.open(output, OutputFolder.Existing.REPLACE),
                    downloader,
                    new ThumbnailPipeline.Stages(fetchers, atOnce, makers, LIMIT, MAX_BYTES, true));
            long begun = System.nanoTime();
            ThumbnailSummary summary = pipeline.run(sources, new ThumbnailPipeline.Listener() {});
            double seconds = Bench.secondsSince(begun);
            if (summary.made() != addresses.size()) {
                throw new IOException(summary.failed() + " of " + addresses.size() + " failed: " + summary.failures());
            }
            lastRuns.put(variant.name, summary.runs());
            return new double[] {seconds};
        }
    }

    private static void deleteAll(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            for (Path file : all.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
