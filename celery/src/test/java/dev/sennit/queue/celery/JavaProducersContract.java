package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sennit.TaskFuture;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.TaskFailedException;
import dev.sennit.queue.TaskQueue;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.Workflow;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What producers in Java get of real workers of Celery, in workflows of both, over each transport. */
abstract class JavaProducersContract {
    record Numbers(int x, int y) {}

    private static final SubmitOptions PYTHON = SubmitOptions.NONE.queue("python");
    private static final TaskType<Numbers, Integer> ADD =
            TaskType.named("tasks.add", Numbers.class, Integer.class).options(PYTHON);
    private static final TaskType<Integer, Integer> ADD_ONE =
            TaskType.named("tasks.add", Integer.class, Integer.class).options(PYTHON);
    private static final TaskType<List<Integer>, Integer> TOTAL = total();
    private static final TaskType<String, String> FAIL =
            TaskType.named("tasks.fail", String.class, String.class).options(PYTHON);
    private static final TaskType<Integer, Integer> SLEEP =
            TaskType.named("tasks.sleep", Integer.class, Integer.class).options(PYTHON);
    private static final TaskType<Integer, Integer> DOUBLED =
            TaskType.of("java.doubled", Integer.class, number -> number * 2);
    private static final TaskType<List<Integer>, Integer> SUM =
            TaskType.ofList("java.sum", Integer.class, all -> all.stream().mapToInt(n -> n).sum());

    Celery celery;
    CeleryBroker broker;
    QueueWorker worker;
    TaskQueue queue;

    /** Returns the client side of Celery with the worker {@code python}, which stays open. */
    abstract Celery celery();

    /** Returns the address of the broker. */
    abstract String uri();

    @SuppressWarnings("unchecked") // a class cannot tell the type of elements
    private static TaskType<List<Integer>, Integer> total() {
        return (TaskType<List<Integer>, Integer>) (TaskType<?, Integer>) TaskType
                .named("tasks.total", List.class, Integer.class).options(PYTHON);
    }

    @BeforeEach
    void start() {
        celery = celery();
        broker = CeleryBroker.open(uri());
        worker = QueueWorker.builder(broker).on("threads:4").types(DOUBLED, SUM).start();
        queue = TaskQueue.over(broker);
    }

    @AfterEach
    void stop() {
        queue.close();
        worker.close();
        broker.close();
    }

    private static <T> T get(TaskFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    /** Returns a priority that can be had. */
    int least() {
        return 0;
    }

    // ---- tasks ----

    @Test
    void workersOfPythonTakeWhatJavaSubmits() throws Exception {
        assertThat(get(queue.submit(ADD, new Numbers(20, 22)))).isEqualTo(42);
        assertThat(get(queue.submit(ADD_ONE, 7))).isEqualTo(7);
        assertThat(get(queue.submit(TaskType.named("tasks.add", List.class, Integer.class), List.of(3, 4), PYTHON)))
                .isEqualTo(7);
        assertThatThrownBy(() -> get(queue.submit(TOTAL, List.of(), PYTHON.header("x", "y"))))
                .as("a call without an argument").hasMessageContaining("TypeError");
        assertThat(get(queue.submit(TaskType.named("tasks.total", List.class, Integer.class),
                List.of(List.of(1, 2, 3)), PYTHON))).isEqualTo(6);
    }

    @Test
    void aFailureInPythonIsATaskFailedException() {
        TaskFuture<String> future = queue.submit(FAIL, "kaboom");
        assertThatThrownBy(() -> get(future)).hasCauseInstanceOf(TaskFailedException.class)
                .cause().hasMessageStartingWith("task tasks.fail (").hasMessageContaining("ValueError")
                .hasMessageContaining("kaboom");
    }

    @Test
    void optionsTravelAsCeleryHasThem() throws Exception {
        long start = System.nanoTime();
        assertThat(get(queue.submit(ADD_ONE, 1, PYTHON.delay(Duration.ofMillis(1500)).priority(least())))).isEqualTo(1);
        assertThat(System.nanoTime() - start).isGreaterThan(1_400_000_000L);
        assertThatThrownBy(() -> get(queue.submit(SLEEP, 30, PYTHON.hardLimit(Duration.ofSeconds(1)))))
                .hasCauseInstanceOf(TaskFailedException.class).cause().hasMessageContaining("TimeLimitExceeded");
    }

    @Test
    void aTaskOfPythonIsCancelledWhileItRuns() throws Exception {
        TaskFuture<Integer> future = queue.submit(SLEEP, 50);
        Waiting.until("it runs", () -> celery.log("python").contains("tasks.sleep"));
        Waiting.until("it is active", () -> celery.value("[len(t) for t in app.control.inspect(['python@here'])"
                + ".active().values()] == [1]").booleanValue());
        assertThat(future.cancel(true)).isTrue();
        Waiting.until("its worker has ended it", () -> celery.log("python").contains("Terminating"));
        assertThat(get(queue.submit(ADD_ONE, 5))).isEqualTo(5);
    }

    @Test
    void manyResultsComeBack() throws Exception {
        List<TaskFuture<Integer>> futures = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            futures.add(i % 2 == 0 ? queue.submit(ADD_ONE, i) : queue.submit(DOUBLED, i));
        }
        for (int i = 0; i < 200; i++) {
            assertThat(get(futures.get(i))).isEqualTo(i % 2 == 0 ? i : 2 * i);
        }
    }

    // ---- workflows ----

    @Test
    void chainsGoToAndFro() throws Exception {
        assertThat(get(queue.submit(Workflow.of(ADD, new Numbers(1, 2)).then(DOUBLED).then(ADD_ONE).then(DOUBLED))))
                .isEqualTo(12);
        assertThat(get(queue.submit(Workflow.of(DOUBLED, 4).then(ADD_ONE)))).isEqualTo(8);
    }

    @Test
    void aChordRunsHalfItsPartsInPythonAndHalfInJava() throws Exception {
        List<Workflow<Integer>> parts = new ArrayList<>();
        int expected = 0;
        for (int i = 0; i < 20; i++) {
            parts.add(i % 2 == 0 ? Workflow.of(ADD, new Numbers(i, 1)) : Workflow.of(DOUBLED, i));
            expected += i % 2 == 0 ? i + 1 : 2 * i;
        }
        assertThat(get(queue.submit(Workflow.all(parts).then(SUM)))).isEqualTo(expected);
        assertThat(get(queue.submit(Workflow.all(parts).then(TOTAL).then(DOUBLED)))).isEqualTo(2 * expected);
        assertThat(get(queue.submit(Workflow.all(parts)))).hasSize(20).contains(2, 38);
        assertThat(get(queue.submit(Workflow.all(List.of(Workflow.of(DOUBLED, 5))).then(SUM)))).isEqualTo(10);
    }

    record Photo(String path, int side) {}

    record Thumbnail(String path, int width, int height) {}

    private static Thumbnail thumbnail(Photo photo) throws IOException {
        BufferedImage whole = ImageIO.read(new File(photo.path()));
        double scale = (double) photo.side() / Math.max(whole.getWidth(), whole.getHeight());
        var small = new BufferedImage((int) Math.round(whole.getWidth() * scale),
                (int) Math.round(whole.getHeight() * scale), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = small.createGraphics();
        graphics.drawImage(whole, 0, 0, small.getWidth(), small.getHeight(), null);
        graphics.dispose();
        File file = new File(photo.path() + ".thumbnail.png");
        ImageIO.write(small, "png", file);
        return new Thumbnail(file.getPath(), small.getWidth(), small.getHeight());
    }

    @Test
    void aChordMakesThumbnailsWithPillowAndWithJava(@TempDir Path photos) throws Exception {
        assumeTrue(celery.value("__import__('importlib.util').util.find_spec('PIL') is not None").booleanValue(),
                "Pillow is not installed: apt-get install python3-pil");
        TaskType<Photo, Thumbnail> inPython =
                TaskType.named("tasks.thumbnail", Photo.class, Thumbnail.class).options(PYTHON);
        TaskType<Photo, Thumbnail> inJava =
                TaskType.of("java.thumbnail", Photo.class, JavaProducersContract::thumbnail);
        TaskType<List<Thumbnail>, String> album = TaskType.ofList("java.album", Thumbnail.class,
                all -> all.stream().map(Thumbnail::path).sorted().collect(Collectors.joining("\n")));
        List<Workflow<Thumbnail>> parts = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Path photo = photos.resolve("photo-" + i + ".png");
            ImageIO.write(new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB), "png", photo.toFile());
            parts.add(Workflow.of(i % 2 == 0 ? inPython : inJava, new Photo(photo.toString(), 64)));
            expected.add(photo + ".thumbnail.png");
        }
        try (QueueWorker _ = QueueWorker.builder(broker).on("threads:2").types(inJava, album).start()) {
            assertThat(get(queue.submit(Workflow.all(parts).then(album))).lines()).containsExactlyElementsOf(expected);
        }
        for (String each : expected) {
            BufferedImage thumbnail = ImageIO.read(new File(each));
            assertThat(thumbnail.getWidth()).as(each).isEqualTo(64);
            assertThat(thumbnail.getHeight()).as(each).isEqualTo(48);
        }
    }

    @Test
    void aChordBehindATaskAndOfChains() throws Exception {
        assertThat(get(queue.submit(Workflow.all(List.of(Workflow.of(DOUBLED, 1).then(ADD_ONE),
                Workflow.of(ADD, new Numbers(1, 1)).then(DOUBLED))).then(SUM).then(ADD_ONE)))).isEqualTo(6);
    }

    @Test
    void aFailureInTheMiddleEndsTheWorkflow() {
        TaskType<String, Integer> fail = TaskType.named("tasks.fail", String.class, Integer.class).options(PYTHON);
        assertThatThrownBy(() -> get(queue.submit(Workflow.of(fail, "broken").then(DOUBLED).then(ADD_ONE))))
                .hasCauseInstanceOf(TaskFailedException.class).cause().hasMessageContaining("broken");
        assertThatThrownBy(() -> get(queue.submit(Workflow.all(List.of(Workflow.of(fail, "part"),
                Workflow.of(DOUBLED, 1))).then(SUM)))).hasCauseInstanceOf(TaskFailedException.class);
    }

    @Test
    void whatCelerysCanvasHasNotIsRefused() {
        Workflow<List<Integer>> inner = Workflow.all(List.of(Workflow.of(DOUBLED, 1), Workflow.of(DOUBLED, 2)));
        TaskType<List<List<Integer>>, Integer> nested = nested();
        assertThatThrownBy(() -> queue.submit(Workflow.all(List.of(inner, inner)).then(nested)))
                .isInstanceOf(UnsupportedOperationException.class).hasMessageContaining("has no JOINS but chains");
        assertThat(queue.broker().counts().stream().filter(counts -> counts.queue().equals("default"))).isEmpty();
    }

    @SuppressWarnings("unchecked") // a class cannot tell the type of elements
    private static TaskType<List<List<Integer>>, Integer> nested() {
        return (TaskType<List<List<Integer>>, Integer>) (TaskType<?, Integer>) TaskType.named("java.nested",
                List.class, Integer.class);
    }
}
