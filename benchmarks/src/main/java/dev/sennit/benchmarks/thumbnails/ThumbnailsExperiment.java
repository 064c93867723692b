package dev.sennit.benchmarks.thumbnails;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Python;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Sharp;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Widths 200, 64 and 32 of photographs in memory: each codec beside Pillow, both ways, libvips and sharp, on one core
 * and on two; and how much memory that takes, and how good it is.
 */
public final class ThumbnailsExperiment implements Experiment {
    private static final String AS_TAUGHT = "Pillow, as it is taught";
    private static final String DRAFT = "Pillow, draft decoding";
    private static final String VIPS = "vipsthumbnail, a call a size";
    private static final String POOL_AS_TAUGHT = "Pillow, as it is taught, Pool(2)";
    private static final String POOL_DRAFT = "Pillow, draft decoding, Pool(2)";
    private static final String BEST = "sennit";
    private static final String PROCESSES = "sennit, processes:2";
    private static final String SHARP = "sharp, one thread";
    private static final int[] SIZES = {200, 64, 32};

    @Override
    public Report run(Bench bench) throws Exception {
        List<byte[]> photographs = Photographs.bytes(bench);
        Files.write(bench.newFile("photos.txt"), Photographs.files(bench).stream().map(Path::toString).toList());
        int rounds = bench.size(7, 1);
        int warmups = bench.size(1, 0);
        var report = new Report();
        try (Pool inline = Pools.open("inline");
                Pool threads = Pools.open("threads:2");
                Pool processes = Pools.open("processes:2");
                var sequential = Peers.open(bench, Peers.SEQUENTIAL);
                var pools = Peers.open(bench, Peers.POOL);
                var sharp = Sharp.open(bench)) {
            boolean hasPillow = bench.python().filter(Python::hasPillow).isPresent();
            var one = new Rounds();
            one.add(BEST, warmups, rounds, () -> make(inline, "auto", photographs));
            for (String codec : ThumbnailMaker.codecs()) {
                one.add(BEST + ", " + codec, warmups, bench.size(3, 1), () -> make(inline, codec, photographs));
            }
            if (hasPillow) {
                sequential.forEach(
                        (name, peer) -> one.add(AS_TAUGHT, 0, bench.size(3, 1), () -> peer.measure("thumbnails 0"))
                                .add(DRAFT, warmups, rounds, () -> peer.measure("thumbnails 1")));
            }
            if (sharp.isThere()) {
                one.add(SHARP, warmups, rounds, sharp::seconds);
            }
            Optional<Path> vips = onPath("vipsthumbnail");
            if (vips.isPresent()) {
                one.add(VIPS, 0, bench.size(3, 1), () -> vips(bench, vips.get()));
            }
            int count = photographs.size();
            Comparison alone = new Comparison(one.run()).rate("images", count).against(AS_TAUGHT).against(DRAFT);
            report.add(count + " photographs, one after another", alone.table())
                    .aim(alone, BEST, AS_TAUGHT, 4)
                    .aim(alone, BEST, DRAFT, 0.8)
                    .aim(alone, BEST, SHARP, 1);
            if (!sharp.isThere()) {
                report.paragraph("Left out for want of sharp (" + Sharp.HOW_TO_GET_IT + "): its row.");
            }
            if (vips.isEmpty()) {
                report.paragraph("Left out for want of vipsthumbnail (apt-get install libvips-tools): its row.");
            }

            var two = new Rounds()
                    .add(PROCESSES, bench.size(2, 0), rounds, () -> make(processes, "auto", photographs))
                    .add("sennit, threads:2", warmups, rounds, () -> make(threads, "auto", photographs));
            if (hasPillow) {
                pools.forEach(
                        (name, peer) -> two.add(POOL_AS_TAUGHT, 0, bench.size(3, 1), () -> peer.measure("thumbnails 0"))
                                .add(POOL_DRAFT, warmups, rounds, () -> peer.measure("thumbnails 1")));
            }
            Comparison both =
                    new Comparison(two.run()).rate("images", count).against(POOL_AS_TAUGHT).against(POOL_DRAFT);
            report.add(count + " photographs, two at a time", both.table()).aim(both, PROCESSES, POOL_DRAFT, 0.85);
        }
        new ThumbnailCosts(bench).addTo(report);
        return report;
    }

    private static double[] make(Pool pool, String codec, List<byte[]> photographs) throws Exception {
        var maker = new ThumbnailMaker(ThumbnailSettings.defaults().withCodec(codec));
        return Bench.timed(() -> pool.chunksOf(1).map(photo -> maker.make(photo).all().size(), photographs));
    }

    /** As its users call it: a process a size. It reads and writes files, which the others do not. */
    private static double[] vips(Bench bench, Path command) throws Exception {
        Path made = bench.newFile("made.jpg");
        return Bench.timed(() -> {
            for (Path photograph : Photographs.files(bench)) {
                for (int size : SIZES) {
                    Process process = new ProcessBuilder(
                            List.of(command.toString(), photograph.toString(), "--size", size + "x100000",
                                    "-o", made + "[Q=75,strip]"))
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
                    if (process.waitFor() != 0) {
                        throw new IOException("vipsthumbnail failed on " + photograph);
                    }
                }
            }
        });
    }

    private static Optional<Path> onPath(String command) {
        List<String> folders =
                new ArrayList<>(List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)));
        return folders.stream()
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, command))
                .filter(Files::isExecutable)
                .findFirst();
    }
}
