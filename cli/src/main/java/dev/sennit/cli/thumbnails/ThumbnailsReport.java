package dev.sennit.cli.thumbnails;

import dev.sennit.PipelineStatistics;
import dev.sennit.Pool;
import dev.sennit.StageStatistics;
import dev.sennit.cli.command.Figures;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.ProgressBar;
import dev.sennit.cli.command.Table;
import dev.sennit.cli.command.Terminal;
import dev.sennit.images.Failure;
import dev.sennit.images.Made;
import dev.sennit.images.OutputFolder;
import dev.sennit.images.Source;
import dev.sennit.images.ThumbnailPipeline;
import dev.sennit.images.ThumbnailSummary;
import dev.sennit.internal.text.JsonLine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The output of {@code sennit thumbnails}: a line for each image when it is done, and a summary. */
final class ThumbnailsReport {
    private static final double NANOS = 1e9;

    private final Terminal terminal;
    private final boolean json;
    private long problems;
    private long refused;

    ThumbnailsReport(Terminal terminal, boolean json) {
        this.terminal = terminal;
        this.json = json;
    }

    /** Returns the number of arguments that led to nothing. */
    long problems() {
        return problems;
    }

    void problem(String line) {
        problems++;
        terminal.error(line);
        if (json) {
            terminal.line(new JsonLine().put("error", line).put("reason", "source").toString());
        }
    }

    /** Returns the number of sources in a dry run that a real run would not make. */
    long refused() {
        return refused;
    }

    /** Prints what a run would do with a source. */
    void wouldMake(Source source, List<List<Path>> files, OutputFolder folder) {
        boolean kept = files.stream().allMatch(any -> any.stream().anyMatch(folder::keeps));
        boolean isRefused = files.stream().flatMap(List::stream).anyMatch(folder::refuses);
        refused += isRefused ? 1 : 0;
        List<String> names = files.stream()
                .map(any -> any.stream().map(Path::toString).collect(Collectors.joining(" or ")))
                .toList();
        if (json) {
            terminal.line(new JsonLine()
                    .put("source", source.text())
                    .put("files", names)
                    .put("action", kept ? "skip" : isRefused ? "refuse" : "make")
                    .toString());
        } else {
            String why =
                    kept ? "would be skipped, all there: " : isRefused ? "would fail, files exist: " : "would make ";
            terminal.line(source.text() + ": " + why + String.join(", ", names));
        }
    }

    /** Returns the listener of a run. */
    ThumbnailPipeline.Listener to(Pool makers, String plan) {
        return new ThumbnailPipeline.Listener() {
            private final ProgressBar bar = new ProgressBar(terminal);

            @Override
            public void made(Made made) {
                terminal.line(json ? jsonOf(made) : lineOf(made));
                if (made.thumbnails().damage() != null) {
                    terminal.error(made.source().text() + ": " + made.thumbnails().damage());
                }
            }

            @Override
            public void skipped(Source source) {
                terminal.line(json
                        ? new JsonLine().put("source", source.text()).put("skipped", true).toString()
                        : source.text() + ": skipped, all there");
            }

            @Override
            public void failed(Failure failure) {
                OpenPools.ensureStarted(plan, failure.cause());
                terminal.error(failure.toString());
                if (json) {
                    terminal.line(new JsonLine()
                            .put("source", failure.source().text())
                            .put("error", failure.message())
                            .put("reason", failure.reason().name().toLowerCase(Locale.ROOT))
                            .toString());
                }
            }

            @Override
            public void progress(PipelineStatistics seen) {
                bar.show((int) (seen.out() + seen.failed()), (int) seen.in(), "made, " + makers.name());
            }
        };
    }

    private static String lineOf(Made made) {
        String sizes = made.thumbnails().all().stream()
                .map(one -> one.width() + "x" + one.height())
                .collect(Collectors.joining(" "));
        return made.source().text() + ": " + made.thumbnails().source() + " -> " + sizes + ", " + size(made.bytesOut());
    }

    private static String jsonOf(Made made) {
        return new JsonLine()
                .put("source", made.source().text())
                .put("kind", made.thumbnails().source().kind().toString())
                .put("width", made.thumbnails().source().shownWidth())
                .put("height", made.thumbnails().source().shownHeight())
                .put("files", made.files().stream().map(Path::toString).toList())
                .put("bytesIn", made.bytesIn())
                .put("bytesOut", made.bytesOut())
                .put("codec", made.thumbnails().codec())
                .put("damage", made.thumbnails().damage())
                .toString();
    }

    void print(ThumbnailSummary summary) {
        (json ? List.of(jsonOf(summary)) : linesOf(summary)).forEach(terminal::line);
    }

    private List<String> linesOf(ThumbnailSummary summary) {
        PipelineStatistics stages = summary.statistics();
        if (stages.in() + summary.skipped() == 0) {
            return List.of(); // an argument that is no source has a line of its own
        }
        double seconds = seconds(stages.elapsed());
        var table = new Table("stage", "pool", "done", "failed", "most at once", "ran", "waited");
        for (StageStatistics stage : stages.stages()) {
            table.add(
                    stage.name(),
                    stage.pool(),
                    String.valueOf(stage.done()),
                    String.valueOf(stage.failed()),
                    String.valueOf(stage.mostAtOnce()),
                    Figures.duration(seconds(stage.runTime())),
                    Figures.duration(seconds(stage.waitTime())));
        }
        List<String> lines = new ArrayList<>(table.lines());
        lines.add("decoding " + Figures.duration(seconds(summary.decoding())) + ", resizing "
                + Figures.duration(seconds(summary.resizing())) + ", encoding "
                + Figures.duration(seconds(summary.encoding())));
        lines.add(String.format(Locale.ROOT, "%s in %s, %.1f/s: %s, %s in, %s out%s%s",
                Figures.count(summary.made(), "image", "images"),
                Figures.duration(seconds),
                summary.made() / seconds,
                Figures.count(summary.files(), "file", "files"),
                size(summary.bytesIn()),
                size(summary.bytesOut()),
                summary.skipped() == 0 ? "" : ", " + summary.skipped() + " skipped",
                failures(summary)));
        return lines;
    }

    private String failures(ThumbnailSummary summary) {
        long failed = summary.failed() + problems;
        if (failed == 0) {
            return "";
        }
        List<String> reasons = new ArrayList<>();
        summary.failures().forEach((reason, count) -> reasons.add(count + " " + reason.text()));
        if (problems > 0) {
            reasons.add(Figures.count(problems, "source that is none", "sources that are none"));
        }
        return ", " + failed + " failed (" + String.join(", ", reasons) + ")";
    }

    private String jsonOf(ThumbnailSummary summary) {
        double seconds = seconds(summary.statistics().elapsed());
        var line = new JsonLine()
                .put("made", summary.made())
                .put("skipped", summary.skipped())
                .put("failed", summary.failed() + problems)
                .put("files", summary.files())
                .put("bytesIn", summary.bytesIn())
                .put("bytesOut", summary.bytesOut())
                .put("seconds", seconds)
                .put("imagesPerSecond", summary.made() / seconds)
                .put("decodingSeconds", seconds(summary.decoding()))
                .put("resizingSeconds", seconds(summary.resizing()))
                .put("encodingSeconds", seconds(summary.encoding()));
        summary.failures()
                .forEach((reason, count) -> line.put("failed." + reason.name().toLowerCase(Locale.ROOT), count));
        summary.statistics().stages().forEach(stage -> line.put(stage.name() + "Seconds", seconds(stage.runTime())));
        return line.toString();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / NANOS;
    }

    private static String size(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        return bytes < 1_000_000
                ? String.format(Locale.ROOT, "%.1f kB", bytes / 1e3)
                : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
