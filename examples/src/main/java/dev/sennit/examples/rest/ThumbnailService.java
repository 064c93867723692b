package dev.sennit.examples.rest;

import dev.sennit.images.ImageException;
import dev.sennit.images.Thumbnail;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.RunContext;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.server.ETag;
import dev.sennit.server.MultipartLimits;
import dev.sennit.server.RefusedException;
import dev.sennit.server.Routes;
import dev.sennit.server.WebApplication;
import dev.sennit.server.WebPart;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import dev.sennit.server.rest.Conditional;
import dev.sennit.server.rest.JobSubmission;
import dev.sennit.server.rest.Jobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Thumbnails of photographs over REST. {@code sennit serve examples/target/thumbnail-service.jar --workers 2} serves
 * it; the environment's {@code THUMBNAILS} names its folder, else it is {@code thumbnails}.
 *
 * <pre>
 * POST /photos              a photograph as the body, or several in a form: 202; Location: /jobs/ID for one, and
 *                           a line of JSON with the jobs
 * GET /jobs/ID              the state of a job
 * GET /jobs/ID/result       the paths of the thumbnails, or 422 and why there are none
 * GET /thumbnails/NAME/200  a JPEG, with an ETag
 * </pre>
 *
 * <p>All workers share the folder: what one of them has taken, another one makes and a third one shows. Photographs are
 * named after their content, and thumbnails appear by a rename: so work that is done twice, as its worker was killed,
 * changes nothing. Decoders run in a process of their own: a file that crashes one takes no request with it.
 */
public final class ThumbnailService implements WebApplication {
    private static final long serialVersionUID = 1L;
    private static final Duration KEEP = Duration.ofDays(1);
    private static final int[] SIZES = {200, 64, 32};
    private static final MultipartLimits FORM = new MultipartLimits(20, Long.MAX_VALUE, 4 << 10, 64 << 10);

    /** What a job makes: the paths of the thumbnails, or why there are none. */
    public record Made(List<String> thumbnails, @Nullable String refusal) {}

    /** What a job works on; its name is the digest of its content. */
    public record Photo(String folder, String name) {}

    private final String folder;
    private final String plan;
    /** Null before the routes were made, and once this is closed. */
    private transient volatile @Nullable Runnable close;

    /** Makes the service of the folder that the environment names. */
    public ThumbnailService() {
        this(Path.of(Objects.requireNonNullElse(System.getenv("THUMBNAILS"), "thumbnails")), "processes:1");
    }

    /**
     * Makes the service of a folder.
     *
     * @param folder where all is kept
     * @param plan what decoders run on
     */
    public ThumbnailService(Path folder, String plan) {
        this.folder = folder.toAbsolutePath().toString();
        this.plan = plan;
    }

    private Path folder() {
        return Path.of(folder);
    }

    /** The type of the tasks that make thumbnails. */
    private static TaskType<Photo, Made> type() {
        return TaskType.of("service.thumbnails", Photo.class, ThumbnailService::make)
                .options(SubmitOptions.NONE.hardLimit(Duration.ofMinutes(1)));
    }

    @Override
    public Routes routes() throws IOException {
        Files.createDirectories(folder().resolve("photos"));
        Files.createDirectories(folder().resolve("made"));
        Broker broker = Broker.open("sqlite:" + folder().resolve("jobs.db"));
        TaskType<Photo, Made> type = type();
        QueueWorker worker = QueueWorker.builder(broker).types(type).on(plan).lease(Duration.ofSeconds(10))
                .drainLimit(Duration.ofSeconds(5)).start();
        TaskQueue queue = TaskQueue.over(broker);
        close = () -> { // gives back what is not done to the other workers
            worker.close();
            queue.close();
            broker.close();
        };
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
        QueueJobStore<Photo, Made> store = new QueueJobStore<>(queue, type, KEEP);
        Jobs<Photo, Made> jobs = Jobs.in(store, (_, body) -> save(body), ThumbnailService::answer);
        return jobs.addTo(Routes.create(), "/jobs")
                .post("/photos", request -> take(request, store))
                .get("/thumbnails/{name}/{size}", Conditional.of(this::thumbnail));
    }

    /** Ends what the routes have opened; also called when the JVM ends. */
    void close() {
        Runnable known = close;
        if (known != null) {
            close = null;
            known.run();
        }
    }

    // ---- photographs come ----

    private WebResponse take(WebRequest request, QueueJobStore<Photo, Made> store)
            throws IOException, InterruptedException, RefusedException {
        boolean isForm = request.header("Content-Type").orElse("").toLowerCase(Locale.ROOT).startsWith("multipart/");
        List<byte[]> photos = new ArrayList<>();
        if (isForm) {
            for (WebPart part : request.parts(FORM)) {
                if (part.fileName().isPresent()) {
                    photos.add(part.bytes());
                }
            }
        } else {
            photos.add(request.bytes());
        }
        if (photos.isEmpty()) {
            throw new RefusedException(400, "the form has no file");
        }
        List<String> paths = new ArrayList<>();
        for (byte[] photo : photos) {
            JobSubmission job = store.submit(save(photo), null);
            paths.add("/jobs/" + job.id());
        }
        String json = "{\"jobs\":[\"" + String.join("\",\"", paths) + "\"]}\n";
        WebResponse accepted =
                WebResponse.bytes("application/json", json.getBytes(StandardCharsets.UTF_8)).status(202);
        return paths.size() == 1 ? accepted.header("Location", paths.getFirst()) : accepted;
    }

    private Photo save(byte[] photo) throws IOException, RefusedException {
        if (photo.length == 0) {
            throw new RefusedException(400, "the photograph is empty");
        }
        String name = HexFormat.of().formatHex(Base64.getUrlDecoder().decode(ETag.of(photo).value()));
        publish(folder().resolve("photos").resolve(name), photo);
        return new Photo(folder, name);
    }

    private static void publish(Path file, byte[] bytes) throws IOException {
        Path part = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            Files.write(part, bytes);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    // ---- thumbnails are made ----

    private static Made make(Photo photo, RunContext run) throws IOException {
        Path folder = Path.of(photo.folder());
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(folder.resolve("photos").resolve(photo.name()));
        } catch (NoSuchFileException e) { // an earlier run has made its thumbnails
            return made(photo, folder);
        }
        run.progress(0, SIZES.length, "decoding");
        try {
            for (Thumbnail one : new ThumbnailMaker(ThumbnailSettings.defaults().withSizes(SIZES)).make(bytes).all()) {
                publish(folder.resolve("made").resolve(photo.name() + "_" + one.size() + ".jpg"), one.bytes());
            }
        } catch (ImageException e) {
            Files.deleteIfExists(folder.resolve("photos").resolve(photo.name()));
            return new Made(List.of(), e.getMessage());
        }
        Made made = made(photo, folder);
        Files.deleteIfExists(folder.resolve("photos").resolve(photo.name()));
        return made;
    }

    private static Made made(Photo photo, Path folder) {
        List<String> paths = new ArrayList<>();
        for (int size : SIZES) {
            if (Files.exists(folder.resolve("made").resolve(photo.name() + "_" + size + ".jpg"))) {
                paths.add("/thumbnails/" + photo.name() + "/" + size);
            }
        }
        return paths.isEmpty() ? new Made(List.of(), "the photograph is not there any more") : new Made(paths, null);
    }

    // ---- thumbnails are shown ----

    private static WebResponse answer(Made made) {
        return made.refusal() == null
                ? WebResponse.bytes(
                        "application/json",
                        ("{\"thumbnails\":[\"" + String.join("\",\"", made.thumbnails()) + "\"]}\n")
                                .getBytes(StandardCharsets.UTF_8))
                : WebResponse.text(made.refusal() + "\n").status(422);
    }

    private WebResponse thumbnail(WebRequest request) throws IOException, RefusedException {
        String name = request.parameter("name") + "_" + request.parameter("size");
        if (!name.matches("[0-9a-f]{32}_[0-9]{1,4}")) {
            throw new RefusedException(404, "there is no such thumbnail");
        }
        try {
            return WebResponse.bytes("image/jpeg", Files.readAllBytes(folder().resolve("made").resolve(name + ".jpg")))
                    .header("Cache-Control", "max-age=3600");
        } catch (NoSuchFileException e) {
            throw new RefusedException(404, "there is no such thumbnail");
        }
    }
}
