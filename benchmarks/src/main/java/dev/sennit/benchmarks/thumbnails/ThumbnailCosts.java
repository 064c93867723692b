package dev.sennit.benchmarks.thumbnails;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Machine;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Python;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Sharp;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.ThumbnailSettings.Format;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory a process has that makes thumbnails, and how like they are to Lanczos over all pixels, before they
 * are encoded.
 */
final class ThumbnailCosts {
    private static final double MOST_MEMORY = 300e6;
    private static final double LEAST_LIKENESS = 43.5;

    private final Bench bench;
    private final MarkdownTable table = new MarkdownTable(List.of("", "most memory", "PSNR, mean", "PSNR, least"));

    ThumbnailCosts(Bench bench) {
        this.bench = bench;
    }

    void addTo(Report report) throws Exception {
        boolean hasPillow = bench.python().filter(Python::hasPillow).isPresent();
        double bestMemory = 0;
        double[] bestLikeness = {};
        for (String codec : ThumbnailMaker.codecs()) {
            double memory = mostMemory(codec);
            double[] likeness = {};
            if (hasPillow) {
                makePictures(codec);
                likeness = ask("likeness 0");
            }
            add("sennit, " + codec, memory, likeness);
            if (codec.equals(ThumbnailMaker.codecs().getFirst())) { // which is taken when none is named
                bestMemory = memory;
                bestLikeness = likeness;
            }
        }
        if (hasPillow) {
            add("Pillow, as it is taught", ask("thumbnails 0", "memory")[0], new double[0]);
            add("Pillow, draft decoding", ask("thumbnails 1", "memory")[0], ask("likeness 1"));
        }
        try (var sharp = Sharp.open(bench)) {
            if (sharp.isThere()) {
                add("sharp, one thread", sharp.mostMemory(), new double[0]);
            }
        }
        report.add("What it takes, and how good it is", table);
        if (bestMemory > 0) { // the system tells
            report.aim("sennit in at most 300 MB", Figures.bytes(bestMemory), bestMemory <= MOST_MEMORY);
        }
        if (hasPillow) {
            report.aim("a mean PSNR >= 43.5 dB", Figures.decibels(bestLikeness[0]), bestLikeness[0] >= LEAST_LIKENESS);
        }
    }

    private void add(String name, double memory, double[] likeness) {
        boolean known = likeness.length > 0;
        table.add(List.of(
                name,
                memory > 0 ? Figures.bytes(memory) : "-",
                known ? Figures.decibels(likeness[0]) : "-",
                known ? Figures.decibels(likeness[1]) : "-"));
    }

    /** Each in a Python of its own: the most memory so far is that of all it was asked. */
    private double[] ask(String... requests) throws IOException {
        double[] last = {};
        try (var peers = Peers.open(bench, Peers.SEQUENTIAL)) {
            for (String request : requests) {
                last = peers.get(Peers.SEQUENTIAL).measure(request);
            }
        }
        return last;
    }

    /** In a worker of its own, whose heap may grow to 512 MB. */
    private long mostMemory(String codec) throws Exception {
        List<String> files = Photographs.files(bench).stream().map(Path::toString).toList();
        try (Pool pool = Pools.open("processes:1?heap=512m")) {
            return pool.submit(() -> {
                var maker = new ThumbnailMaker(ThumbnailSettings.defaults().withCodec(codec));
                for (String file : files) {
                    maker.make(Path.of(file));
                }
                return Machine.memory("VmHWM");
            })
                    .get();
        }
    }

    /**
     * The first size of each photograph, as PNG: {@code NAME.jpg.png} beside the scripts, where Python looks for them.
     */
    private void makePictures(String codec) throws IOException {
        var maker = new ThumbnailMaker(ThumbnailSettings.defaults().withCodec(codec).withFormat(Format.PNG));
        for (Path file : Photographs.files(bench)) {
            Files.write(bench.newFile(file.getFileName() + ".png"), maker.make(file).all().getFirst().bytes());
        }
    }
}
