package dev.sennit.cli.thumbnails;

import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.StageTimeline;
import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.OpenPools;
import dev.sennit.cli.command.Terminal;
import dev.sennit.images.Downloader;
import dev.sennit.images.OutputFolder;
import dev.sennit.images.Source;
import dev.sennit.images.Sources;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailPipeline;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.ThumbnailSummary;
import dev.sennit.internal.Nearest;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit thumbnails}: makes thumbnails of images from files, folders and the web, into a folder. */
@Command(
        name = "thumbnails",
        header = "Makes small versions of images, from files, folders and the web.",
        description = "Each image is fetched, made small and written, in three stages with short queues between them. "
                + "Pictures are turned upright, their colours converted to sRGB, and metadata left out. What fails is "
                + "one line; the others go on.",
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, all of them",
            "1:some images failed",
            ExitCode.USAGE_HELP,
            "3:could not start, or no image was made",
            ExitCode.INTERRUPTED_HELP
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit thumbnails photos -o small",
            "  sennit thumbnails photos/*.jpg https://example.org/a.png -o small --sizes 320,80 --format webp",
            "  sennit thumbnails - -o small --downloads 16 --on processes:4 --no-clobber < addresses.txt",
            "  sennit thumbnails photos -o small --on inline --fetch-on inline     one after another"
        })
public final class ThumbnailsCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(
            paramLabel = "SOURCE",
            arity = "1..*",
            description = "A file, a folder (with all below it), a pattern such as 'scans/**.png', an address that "
                    + "begins with http:// or https://, or - for a list of these on stdin, one a line.")
    private List<String> sources;

    @Option(names = {"-o", "--output"}, paramLabel = "DIR", required = true,
            description = "The folder to write into; made if there is none. photo.jpg becomes photo_200.jpg, "
                    + "photo_64.jpg, ...")
    private Path output;

    @Option(names = "--sizes", paramLabel = "N,...", split = ",", splitSynopsisLabel = ",", defaultValue = "200,64,32",
            converter = Width.class,
            description = "Widths in pixels. Nothing is made larger than it is. Default: ${DEFAULT-VALUE}.")
    private int[] sizes;

    @Option(names = "--fit", paramLabel = "HOW", defaultValue = "width",
            description = "What a size limits: width; box, width and height; crop, a square is filled and the rest cut "
                    + "off. Default: ${DEFAULT-VALUE}.")
    private ThumbnailSettings.Fit fit;

    @Option(names = "--format", paramLabel = "FORMAT", defaultValue = "jpeg",
            description = "jpeg, png, webp, or same: that of the image where it is one of these, otherwise png. "
                    + "Default: ${DEFAULT-VALUE}.")
    private ThumbnailSettings.Format format;

    @Option(names = "--quality", paramLabel = "N", defaultValue = "75",
            description = "Of jpeg and webp, 1 to 100. Default: ${DEFAULT-VALUE}.")
    private int quality;

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "processes",
            description = "The pool that makes images small. On processes an image that crashes its decoder costs one "
                    + "image, not the program. Default: ${DEFAULT-VALUE}.")
    private Plan plan;

    @Option(names = "--jobs", paramLabel = "N",
            description = "How many workers that pool has: --on processes --jobs 4 is --on processes:4.")
    private @Nullable Integer jobs;

    @Option(names = "--fetch-on", paramLabel = "PLAN", defaultValue = "virtual",
            description = "The pool of this JVM that reads, downloads and writes: virtual, threads:N, loop or inline. "
                    + "Default: ${DEFAULT-VALUE}.")
    private Plan fetchPlan;

    @Option(names = "--downloads", paramLabel = "N", defaultValue = "4",
            description = "How many sources are fetched at once. Default: ${DEFAULT-VALUE}.")
    private int downloads;

    @Option(names = "--per-host", paramLabel = "N",
            description = "How many of them from one host. Default: as many as --downloads.")
    private @Nullable Integer perHost;

    @Option(names = "--retries", paramLabel = "N", defaultValue = "3",
            description = "How often a download that broke off, or that the server asks to be repeated, is tried "
                    + "again. Default: ${DEFAULT-VALUE}.")
    private int retries;

    @Option(names = "--deadline", paramLabel = "TIME", defaultValue = "2m",
            description = "How long a download may take, with all retries. Default: ${DEFAULT-VALUE}.")
    private Duration deadline;

    @Option(names = "--time-limit", paramLabel = "TIME", defaultValue = "1m",
            description = "How long making one image small may take; on processes its worker is killed then. Default: "
                    + "${DEFAULT-VALUE}.")
    private Duration timeLimit;

    @Option(names = "--allow-private",
            description = "Download also from addresses that are not public, such as 127.0.0.1 and those of "
                    + "the local network.")
    private boolean allowPrivate;

    @Option(names = "--max-pixels", paramLabel = "N", defaultValue = "100M",
            description = "An image whose header promises more is refused before it is decoded. Default: "
                    + "${DEFAULT-VALUE}.")
    private long maxPixels;

    @Option(names = "--max-bytes", paramLabel = "N", defaultValue = "100M",
            description = "A file that is larger is refused. Default: ${DEFAULT-VALUE}.")
    private long maxBytes;

    @Option(names = "--on-corrupt", paramLabel = "HOW", defaultValue = "fail",
            description = "A damaged image: fail; warn, and make what can be made; keep, the same without a word. "
                    + "Default: ${DEFAULT-VALUE}.")
    private ThumbnailSettings.OnCorrupt onCorrupt;

    @Option(names = "--no-clobber",
            description = "Leave files that are there as they are, and do not make them again: finishes what "
                    + "was interrupted.")
    private boolean noClobber;

    @Option(names = "--force",
            description = "Replace files that are there. Without one of these two, a file that is there is an error.")
    private boolean force;

    @Option(names = "--codec", paramLabel = "NAME", defaultValue = "auto",
            description = "The decoder to prefer: leptonica, which is built in, turbojpeg (the system's "
                    + "libjpeg-turbo), jdk, or auto for the first that can. Default: ${DEFAULT-VALUE}.")
    private String codec;

    @Option(names = "--dry-run", description = "Print what would be written, and fetch, make and write nothing.")
    private boolean dryRun;

    @Option(names = "--timeline", paramLabel = "FILE",
            description = "Draw what ran when, stage by stage, into a .svg file.")
    private @Nullable Path timeline;

    @Option(names = "--verbose",
            description = "Log on stderr what is fetched and written: lines of thread, time, level and message.")
    private boolean verbose;

    @Option(names = "--json", description = "Print one JSON object a line.")
    private boolean json;

    @SuppressWarnings("NullAway.Init") // picocli sets what is required or has a default
    private ThumbnailsCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    /** The command, which reads its options itself. */
    public static CommandLine commandLine(Terminal terminal) {
        return new CommandLine(new ThumbnailsCommand(terminal))
                .registerConverter(ThumbnailSettings.Fit.class, name -> choice(name, ThumbnailSettings.Fit.class))
                .registerConverter(
                        ThumbnailSettings.Format.class,
                        name -> choice(name.equals("jpg") ? "jpeg" : name, ThumbnailSettings.Format.class))
                .registerConverter(ThumbnailSettings.OnCorrupt.class,
                        name -> choice(name, ThumbnailSettings.OnCorrupt.class))
                .registerConverter(Plan.class, OpenPools::parse)
                .registerConverter(Duration.class, Amounts::duration)
                .registerConverter(long.class, Amounts::count);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (json) {
            terminal.keepOutputForCommand();
        }
        // Read when the client's class is loaded: lets plain http connect to the very address that was checked.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders",
                System.getProperty("jdk.httpclient.allowRestrictedHeaders", "host"));
        ThumbnailSettings settings = settings();
        OutputFolder.Existing existing = existing();
        ensureNoSourceIsTheOutput();
        Downloader.Builder downloader = downloader();
        Plan makers = makers();
        if (fetchPlan.kind().equals("processes")) {
            throw CommandException.usage(
                    "--fetch-on: fetching runs in this JVM: say virtual, threads:N, loop or inline");
        }
        if (timeline != null) {
            ensureWritable(timeline);
        }
        var report = new ThumbnailsReport(terminal, json);
        ThumbnailMaker maker = maker(settings);
        if (dryRun) {
            return dryRun(maker, existing, report);
        }
        if (!verbose) {
            return run(maker, folder(existing), downloader, makers, report);
        }
        try (var _ = LogLines.of(ThumbnailPipeline.class.getName(), terminal)) {
            return run(maker, folder(existing), downloader, makers, report);
        }
    }

    private int run(
            ThumbnailMaker maker,
            OutputFolder folder,
            Downloader.Builder downloader,
            Plan makers,
            ThumbnailsReport report)
            throws IOException, InterruptedException {
        try (var pools = new OpenPools(terminal);
                Downloader open = downloader.open();
                Stream<Source> found = found(report)) {
            Pool fetching = pools.open(fetchPlan);
            Pool making = pools.open(makers);
            var stages =
                    new ThumbnailPipeline.Stages(fetching, downloads, making, timeLimit, maxBytes, timeline != null);
            var pipeline = new ThumbnailPipeline(maker, folder, open, stages);
            ThumbnailSummary summary = run(pipeline, found, report.to(making, makers.toString()));
            pools.close(making);
            pools.close(fetching);
            report.print(summary);
            ensureSomethingWasFound(summary.statistics().in() + summary.skipped() + report.problems());
            if (timeline != null) {
                draw(timeline, summary);
            }
            return exitCode(summary, report.problems());
        }
    }

    private static ThumbnailSummary run(
            ThumbnailPipeline pipeline, Stream<Source> found, ThumbnailPipeline.Listener listener) {
        try {
            return pipeline.run(found, listener);
        } catch (CompletionException e) {
            throw CommandException.failed("interrupted: what was written stays, and --no-clobber does the rest", e);
        }
    }

    /** Refuses sources in the output folder: otherwise each run would make thumbnails of those of the run before. */
    private void ensureNoSourceIsTheOutput() {
        Path folder = output.toAbsolutePath().normalize();
        for (String source : sources) {
            if (folder.equals(pathOf(source))) {
                throw CommandException.usage("-o: " + output + " is a source too; choose another folder");
            }
        }
    }

    private static @Nullable Path pathOf(String source) {
        try {
            return Path.of(source).toAbsolutePath().normalize();
        } catch (InvalidPathException e) {
            return null; // for instance an address
        }
    }

    private static int exitCode(ThumbnailSummary summary, long problems) {
        long failed = summary.failed() + problems;
        if (summary.made() + summary.skipped() == 0) {
            return ExitCode.COULD_NOT_START;
        }
        return failed == 0 ? ExitCode.DONE : ExitCode.TASKS_FAILED;
    }

    private int dryRun(ThumbnailMaker maker, OutputFolder.Existing existing, ThumbnailsReport report) {
        var folder = OutputFolder.planned(output, existing);
        try (Stream<Source> found = found(report)) {
            long count = found.peek(
                    source -> report.wouldMake(source,
                            ThumbnailPipeline.filesFor(maker.settings(), folder, source), folder))
                    .count();
            ensureSomethingWasFound(count + report.problems());
            return count == 0
                    ? ExitCode.COULD_NOT_START
                    : report.problems() + report.refused() == 0 ? ExitCode.DONE : ExitCode.TASKS_FAILED;
        }
    }

    private Stream<Source> found(ThumbnailsReport report) {
        var list = new InterruptibleReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
        return Sources.stream(sources, list, report::problem, output).onClose(list::close);
    }

    private static void ensureSomethingWasFound(long found) {
        if (found == 0) {
            throw CommandException.couldNotStart(
                    "no image among the sources: name files, addresses, or folders with images", null);
        }
    }

    // ---- options ----

    private ThumbnailSettings settings() {
        ThumbnailSettings chosen = ThumbnailSettings.defaults()
                .withFit(fit)
                .withFormat(format)
                .withMaxPixels(maxPixels)
                .withOnCorrupt(onCorrupt);
        chosen = with("--sizes", chosen, one -> one.withSizes(sizes));
        chosen = with("--quality", chosen, one -> one.withQuality(quality));
        return with("--codec", chosen, one -> one.withCodec(codec));
    }

    private static ThumbnailSettings with(String option, ThumbnailSettings before,
            UnaryOperator<ThumbnailSettings> change) {
        try {
            return change.apply(before);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(option + ": " + CommandException.oneLine(e), e);
        }
    }

    /** Reads one of the widths. */
    static final class Width implements CommandLine.ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            try {
                return Integer.valueOf(text.strip());
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("expected widths such as 200,64,32, was \"" + text + "\"", e);
            }
        }
    }

    private static <E extends Enum<E>> E choice(String text, Class<E> type) {
        List<String> names = Stream.of(type.getEnumConstants())
                .map(one -> one.name().toLowerCase(Locale.ROOT))
                .toList();
        if (!names.contains(text)) {
            throw new IllegalArgumentException(
                    "expected " + String.join(", ", names) + ", was \"" + text + "\"" + Nearest.hint(text, names));
        }
        return Enum.valueOf(type, text.toUpperCase(Locale.ROOT));
    }

    private static ThumbnailMaker maker(ThumbnailSettings settings) {
        try {
            return new ThumbnailMaker(settings);
        } catch (IllegalStateException e) {
            throw CommandException.couldNotStart("--codec: " + CommandException.oneLine(e), e);
        }
    }

    private OutputFolder.Existing existing() {
        if (noClobber && force) {
            throw CommandException.usage("--no-clobber and --force exclude each other: leave out one");
        }
        return noClobber
                ? OutputFolder.Existing.KEEP
                : force ? OutputFolder.Existing.REPLACE : OutputFolder.Existing.FAIL;
    }

    private OutputFolder folder(OutputFolder.Existing existing) throws InterruptedException {
        try {
            return OutputFolder.open(output, existing);
        } catch (IOException e) {
            throw CommandException.couldNotStart("-o: " + CommandException.oneLine(e), e);
        }
    }

    private Downloader.Builder downloader() {
        if (downloads < 1 || (perHost != null && perHost < 1)) {
            throw CommandException.usage("--downloads and --per-host must be >= 1");
        }
        if (retries < 0) {
            throw CommandException.usage("--retries must be >= 0, was " + retries);
        }
        return Downloader.builder()
                .downloads(downloads)
                .perHost(perHost == null ? downloads : perHost)
                .attempts(retries + 1)
                .deadline(deadline)
                .maxBytes(maxBytes)
                .allowPrivate(allowPrivate);
    }

    private Plan makers() {
        if (jobs == null) {
            return plan;
        }
        if (jobs < 1) {
            throw CommandException.usage("--jobs must be >= 1, was " + jobs);
        }
        if (plan.argument() != null || !OpenPools.takesCount(plan.kind())) {
            throw CommandException.usage(
                    "--jobs: plan " + plan + " takes no other number of workers: leave out one of both");
        }
        return new Plan(plan.kind(), String.valueOf(jobs), plan.options());
    }

    private static void ensureWritable(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".svg")) {
            throw CommandException.usage("--timeline: file must end in .svg, was " + file);
        }
        if (parent == null || !Files.isDirectory(parent) || Files.isDirectory(file)
                || !Files.isWritable(Files.exists(file) ? file : parent)) {
            throw CommandException.usage("--timeline: cannot write " + file + ": name another file");
        }
    }

    private void draw(Path file, ThumbnailSummary summary) {
        try {
            Files.writeString(file, StageTimeline.of(summary.runs()).svg());
        } catch (IOException e) {
            throw CommandException.failed("--timeline: cannot write " + file + ": " + CommandException.oneLine(e), e);
        }
        if (!json) {
            terminal.line("timeline: " + file);
        }
    }
}
