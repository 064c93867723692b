package dev.sennit.images;

import dev.sennit.Pipeline;
import dev.sennit.PipelineStatistics;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFunction;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.images.internal.text.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serial;
import java.io.Serializable;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes thumbnails from sources to files: images are fetched, resized and written, each stage on a pool of its own,
 * with bounded queues between the stages.
 *
 * {@snippet :
 * try (Pool fetchers = Pools.open("virtual:4");
 *         Pool makers = Pools.open("processes:2");
 *         Downloader downloader = Downloader.builder().open()) {
 *     var pipeline = new ThumbnailPipeline(
 *             new ThumbnailMaker(ThumbnailSettings.defaults()),
 *             OutputFolder.open(java.nio.file.Path.of("small"), OutputFolder.Existing.REPLACE),
 *             downloader,
 *             ThumbnailPipeline.Stages.of(fetchers, makers));
 *     var sources = Sources.stream(java.util.List.of("photos"), java.io.Reader.nullReader(), System.err::println);
 *     ThumbnailSummary summary = pipeline.run(sources, new ThumbnailPipeline.Listener() {});
 *     System.out.println(summary.made() + " made, " + summary.failed() + " failed");
 * }
 * }
 *
 * <p>Fetching waits, so it suits virtual threads, threads or coroutines of this JVM. Resizing computes in native code:
 * on processes, a decoder that crashes or hangs costs one image and not the program. All variants - sequential, a
 * thread for each image, four downloads and one worker that resizes - are a choice of these pools.
 *
 * <p>The logger with this class's name logs fetched and written files at level DEBUG, in the thread that did the work.
 *
 * <p>When a source fails, the others go on. Memory is bounded by the number of images under way. For one thread at a
 * time; see {@link Pipeline} about interrupts and the end.
 */
public final class ThumbnailPipeline {
    /** The stage that reads files and addresses. */
    public static final String FETCH = "fetch";

    /** The stage that makes thumbnails. */
    public static final String RESIZE = "resize";

    /** The stage that writes files. */
    public static final String WRITE = "write";

    private static final System.Logger LOG = System.getLogger(ThumbnailPipeline.class.getName());

    private static final List<String> EXTENSIONS = List.of("jpg", "png", "webp");

    private final ThumbnailMaker maker;
    private final OutputFolder folder;
    private final Downloader downloader;
    private final Stages stages;

    /**
     * The pools and limits of the stages.
     *
     * @param fetchers a pool of this JVM for the stages that wait: reading, downloading and writing
     * @param atOnce how many images are fetched at once
     * @param makers any pool, for the stage that computes
     * @param limit how long making the thumbnails of one image may take; a worker process is killed then
     * @param maxBytes the largest file that is read
     * @param recorded whether the summary has a record of the runs
     */
    public record Stages(Pool fetchers, int atOnce, Pool makers, Duration limit, long maxBytes, boolean recorded) {
        private static final Duration LIMIT = Duration.ofMinutes(1);
        private static final int AT_ONCE = 4;
        private static final long MAX_BYTES = 100_000_000;

        /** Checks the values. */
        public Stages {
            Objects.requireNonNull(fetchers, "fetchers");
            Objects.requireNonNull(makers, "makers");
            if (atOnce < 1) {
                throw new IllegalArgumentException("atOnce must be >= 1, was " + atOnce);
            }
            if (!limit.isPositive()) {
                throw new IllegalArgumentException("limit must be > 0, was " + limit);
            }
            if (maxBytes < 1) {
                throw new IllegalArgumentException("maxBytes must be >= 1, was " + maxBytes);
            }
        }

        /**
         * Returns stages with the default limits: four images fetched at once, a minute for each image, files of up to
         * 100 MB.
         *
         * @param fetchers a pool of this JVM
         * @param makers any pool
         * @return the stages
         */
        public static Stages of(Pool fetchers, Pool makers) {
            return new Stages(fetchers, AT_ONCE, makers, LIMIT, MAX_BYTES, false);
        }
    }

    /**
     * Is called when images end, in the order in which they end: one call at a time, each <i>happens-before</i> the
     * next, though not all in one thread. An exception ends the run.
     */
    public interface Listener {
        /**
         * Called when the thumbnails of a source were written.
         *
         * @param made the source and its thumbnails
         */
        default void made(Made made) {}

        /**
         * Called when all thumbnails of a source exist already and are kept.
         *
         * @param source the source
         */
        default void skipped(Source source) {}

        /**
         * Called when a source has failed.
         *
         * @param failure the source, and why it failed
         */
        default void failed(Failure failure) {}

        /**
         * Called when the progress has changed, a few times a second at most.
         *
         * @param statistics the progress
         */
        default void progress(PipelineStatistics statistics) {}
    }

    /** A source and its files. Only its number and its bytes go to other processes. */
    private record Job(long number, Source source, List<List<Path>> files) {}

    private record Fetched(long job, String source, byte[] bytes) implements Serializable {}

    private record Resized(long job, long bytesIn, Thumbnails thumbnails) implements Serializable {}

    private record Resize(ThumbnailMaker maker) implements TaskFunction<Fetched, Resized> {
        @Serial
        private static final long serialVersionUID = 1;

        @Override
        public Resized call(Fetched image) throws ImageException {
            TaskProgress.report(0, 1, image.source);
            return new Resized(image.job, image.bytes.length, maker.make(image.bytes));
        }
    }

    /**
     * Creates a pipeline.
     *
     * @param maker makes the thumbnails
     * @param folder the folder for the files
     * @param downloader for sources that are addresses
     * @param stages the pools and limits
     */
    public ThumbnailPipeline(ThumbnailMaker maker, OutputFolder folder, Downloader downloader, Stages stages) {
        this.maker = maker;
        this.folder = folder;
        this.downloader = downloader;
        this.stages = stages;
    }

    /**
     * Returns the files that would be made from a source, in the order of the sizes. If the format is that of the
     * source, which is not known before it is read, each size has a file for each possible format.
     *
     * @param settings the settings of the thumbnails
     * @param folder the folder for the files
     * @param source the source; the first call for it fixes its name, see {@link OutputFolder}
     * @return a list for each size
     */
    public static List<List<Path>> filesFor(ThumbnailSettings settings, OutputFolder folder, Source source) {
        List<String> extensions = switch (settings.format()) {
            case JPEG -> List.of("jpg");
            case PNG -> List.of("png");
            case WEBP -> List.of("webp");
            case SAME -> EXTENSIONS;
        };
        return settings.sizes().stream()
                .map(size -> extensions.stream().map(one -> folder.file(source, size, one)).toList())
                .toList();
    }

    /**
     * Runs all sources through the stages.
     *
     * @param sources the sources, read lazily by one virtual thread at a time, beside the calling thread: state shared
     *     with the listener needs a lock. While a source is awaited, earlier ones go on. A run that ends early
     *     interrupts the current read, and waits until it is over; see {@link Pipeline#readingOn}
     * @param listener called for each source
     * @return the summary
     * @throws java.util.concurrent.CompletionException with an {@link InterruptedException} as its cause, and the
     *     interrupt status set, if the calling thread is interrupted; exceptions of the listener are thrown unchanged
     */
    public ThumbnailSummary run(Stream<? extends Source> sources, Listener listener) {
        var run = new Run(listener);
        var options = TaskOptions.timeLimit(stages.limit);
        try (Pool reader = Pools.open("virtual")) {
            var pipeline = Pipeline.from(sources.map(run::plan).filter(run::isWanted))
                    .readingOn(reader)
                    .through(FETCH, stages.fetchers, run::fetch, stage -> stage.atMost(stages.atOnce))
                    .through(RESIZE, stages.makers, new Resize(maker), stage -> stage.task(options))
                    .through(WRITE, stages.fetchers, run::write)
                    .collectingFailures(failure -> run.failed(failure.item(), failure.stage(), failure.cause()))
                    .onProgress(run::progress);
            var result = (stages.recorded ? pipeline.recording() : pipeline).run(run::made);
            return run.summary(result.statistics(), result.runs());
        }
    }

    /** A run: the counts of one thread, and the state that the fetchers share. */
    private final class Run {
        private final Listener listener;
        /** The jobs under way, by number. */
        private final Map<Long, Job> jobs = new ConcurrentHashMap<>();
        private final LongAdder bytesIn = new LongAdder();
        /** Held for each call of the listener and its count: the reading thread reports skipped sources. */
        private final ReentrantLock telling = new ReentrantLock();

        private final Map<Failure.Reason, Long> failures = new EnumMap<>(Failure.Reason.class);
        /** The number of the next source. */
        private long number;
        private long skipped;
        private long made;
        private long files;
        private long bytesOut;
        private Duration decoding = Duration.ZERO;
        private Duration resizing = Duration.ZERO;
        private Duration encoding = Duration.ZERO;

        Run(Listener listener) {
            this.listener = listener;
        }

        // ---- where the sources are read ----

        Job plan(Source source) {
            if (Thread.currentThread().isInterrupted()) { // nothing else ends a row of skipped sources
                throw new CancellationException("the run has ended");
            }
            return new Job(number++, source, filesFor(maker.settings(), folder, source));
        }

        boolean isWanted(Job job) {
            if (job.files.stream().allMatch(any -> any.stream().anyMatch(folder::keeps))) {
                tell(() -> {
                    skipped++;
                    listener.skipped(job.source);
                });
                return false;
            }
            jobs.put(job.number, job);
            return true;
        }

        // ---- in the stages ----

        Fetched fetch(Job job) throws IOException, InterruptedException {
            for (List<Path> any : job.files) {
                if (any.size() == 1 && folder.refuses(any.getFirst())) { // of several, known after reading
                    throw new FileAlreadyExistsException(
                            any.getFirst() + " exists; keep or replace it, or choose another folder");
                }
            }
            TaskProgress.report(0, 1, job.source.text());
            LOG.log(System.Logger.Level.DEBUG, () -> "fetching " + job.source.text());
            byte[] bytes = switch (job.source) {
                case Source.LocalFile local -> read(local.path());
                case Source.WebAddress web -> downloader.toMemory(web.uri()).body();
            };
            bytesIn.add(bytes.length);
            LOG.log(System.Logger.Level.DEBUG, () -> "fetched " + job.source.text() + ", " + bytes.length + " bytes");
            return new Fetched(job.number, job.source.text(), bytes);
        }

        /** Reads a file. Its size is not trusted: that of a growing or special file changes. */
        private byte[] read(Path file) throws IOException {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new IOException("it is no file");
            }
            try (InputStream in = Files.newInputStream(file)) {
                long most = Math.min(stages.maxBytes, Downloader.MOST_IN_MEMORY - 1);
                byte[] bytes = in.readNBytes((int) most + 1);
                if (bytes.length > most) {
                    throw new IOException("it has more than the " + most + " bytes that a file may have");
                }
                return bytes;
            } catch (IOException e) {
                throw e.getClass() == IOException.class ? e : new IOException(Printable.reason(e), e);
            }
        }

        Made write(Resized resized) throws IOException, InterruptedException {
            Job job = Objects.requireNonNull(jobs.remove(resized.job));
            TaskProgress.report(0, 1, job.source.text());
            List<Path> written = new ArrayList<>();
            long bytes = 0;
            for (Thumbnail one : resized.thumbnails.all()) {
                Path file = folder.file(job.source, one.size(), one.kind().extension());
                if (folder.write(file, one.bytes())) {
                    LOG.log(System.Logger.Level.DEBUG, () -> "wrote " + file + ", " + one.bytes().length + " bytes");
                    written.add(file);
                    bytes += one.bytes().length;
                }
            }
            return new Made(job.source, written, resized.thumbnails, resized.bytesIn, bytes);
        }

        // ---- in the thread that called run ----

        void made(Made one) {
            made++;
            files += one.files().size();
            bytesOut += one.bytesOut();
            decoding = decoding.plus(one.thumbnails().decoding());
            resizing = resizing.plus(one.thumbnails().resizing());
            encoding = encoding.plus(one.thumbnails().encoding());
            tell(() -> listener.made(one));
        }

        void progress(PipelineStatistics statistics) {
            tell(() -> listener.progress(statistics));
        }

        void failed(@Nullable Job job, String stage, Throwable cause) {
            Objects.requireNonNull(job);
            jobs.remove(job.number);
            Failure failure = Failure.of(job.source, stage, cause);
            failures.merge(failure.reason(), 1L, Long::sum);
            tell(() -> listener.failed(failure));
        }

        private void tell(Runnable what) {
            telling.lock();
            try {
                what.run();
            } finally {
                telling.unlock();
            }
        }

        ThumbnailSummary summary(PipelineStatistics statistics, List<dev.sennit.StageRun> runs) {
            return new ThumbnailSummary(
                    made, skipped, files, failures, bytesIn.sum(), bytesOut, decoding, resizing, encoding, statistics,
                    runs);
        }
    }

    @Override
    public String toString() {
        return "ThumbnailPipeline[" + stages.fetchers.name() + " -> " + stages.makers.name() + " -> " + folder.folder()
                + ']';
    }
}
