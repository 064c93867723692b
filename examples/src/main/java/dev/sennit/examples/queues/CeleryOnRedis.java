package dev.sennit.examples.queues;

import dev.sennit.images.Thumbnail;
import dev.sennit.images.ThumbnailMaker;
import dev.sennit.images.ThumbnailSettings;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.testing.server.TestServer;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * A program in Python calls {@code thumbs.make.delay(path).get()}, as it did before the code of the task moved to Java.
 * Wants {@code redis-server}, {@code python3-celery} and {@code python3-redis}. With a worker of its own process, the
 * last part is {@code sennit worker examples/target/thumbnail-tasks.jar --broker celery+redis://localhost/0}.
 */
public final class CeleryOnRedis {
    private static final TaskType<String, List<Integer>> MAKE =
            TaskType.of("thumbs.make", String.class, photo -> widths(Path.of(photo)));

    private static final String PROGRAM = """
            import sys
            from celery import Celery

            app = Celery('thumbs', broker=sys.argv[1], backend=sys.argv[2])


            @app.task(name='thumbs.make')
            def make(path):
                raise NotImplementedError('the code is in Java')


            print('thumbnails with widths', make.delay(sys.argv[3]).get(timeout=60))
            """;

    private CeleryOnRedis() {}

    private static List<Integer> widths(Path photo) throws IOException {
        return new ThumbnailMaker(ThumbnailSettings.defaults()).make(photo).all().stream().map(Thumbnail::width)
                .toList();
    }

    /**
     * Runs it.
     *
     * @param arguments none
     * @throws IOException if a server or Python is not there
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path photo = Files.createTempFile("photo", ".jpg");
        ImageIO.write(new BufferedImage(400, 300, BufferedImage.TYPE_INT_RGB), "jpg", photo.toFile());
        try (TestServer redis = TestServer.redis().open();
                Broker broker = Broker.open("celery+" + redis.uri());
                QueueWorker worker = QueueWorker.builder(broker).types(MAKE).start()) {
            System.out.println(worker.status().state() + " for " + MAKE.name());
            Process python = new ProcessBuilder("/usr/bin/python3", "-W", "ignore", "-c", PROGRAM,
                    redis.uri().toString(), redis.uri().toString(), photo.toString()).inheritIO()
                    .redirectOutput(ProcessBuilder.Redirect.PIPE).start();
            System.out.print(new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            System.out.println("Python has ended with " + python.waitFor());
        } finally {
            Files.delete(photo);
        }
    }
}
