package dev.sennit.examples.queues;

import dev.sennit.images.Thumbnail;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.images.Thumbnails;
import dev.sennit.queue.RunContext;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.TaskTypeProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The task type {@code thumbs.make}: three thumbnails of the photograph at a path, in the folder that
 * {@code THUMBNAILS} names, or else in {@code thumbnails}. {@code sennit worker examples/target/thumbnail-tasks.jar}
 * runs its tasks.
 *
 * <p>A task may run twice, if its worker was killed: each thumbnail appears by a rename, so the second run makes the
 * same files again, and nobody sees half of one. A file that is no image is not tried again.
 */
public final class ThumbnailTasks implements TaskTypeProvider {
    /** What is made of a photograph: the names of its thumbnails. */
    public record Made(List<String> thumbnails) {}

    /** The task type. */
    public static final TaskType<String, Made> MAKE = TaskType.of("thumbs.make", String.class, ThumbnailTasks::make)
            .options(SubmitOptions.NONE.hardLimit(Duration.ofMinutes(1)));

    @Override
    public List<TaskType<?, ?>> taskTypes() {
        return List.of(MAKE);
    }

    private static Made make(String photo, RunContext run) throws IOException {
        Path file = Path.of(photo);
        Path folder = Files.createDirectories(
                Path.of(Objects.requireNonNullElse(System.getenv("THUMBNAILS"), "thumbnails")));
        run.progress(0, 3, file.getFileName().toString());
        Thumbnails made = new ThumbnailMaker(ThumbnailSettings.defaults()).make(file); // widths 200, 64 and 32
        List<String> names = new ArrayList<>();
        for (Thumbnail one : made.all()) {
            String name = file.getFileName() + "_" + one.size() + ".jpg";
            Path part = folder.resolve("." + name + "." + run.id() + ".part");
            Files.write(part, one.bytes());
            Files.move(part, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
            names.add(name);
        }
        return new Made(names);
    }
}
