package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.examples.services.ThumbnailWatcher;
import dev.sennit.examples.services.ThumbnailWorker;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import dev.sennit.shared.SharedQueue;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The thumbnails of {@code thumbnails.toml}, while workers are killed, stopped, replaced, added and taken away. Each
 * photograph has three whole thumbnails, each file that is no image is refused with a line.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ThumbnailServicesIT {
    private static final int PHOTOS = Integer.getInteger("sennit.photos", 12);
    private static final Set<Integer> WIDTHS = Set.of(200, 64, 32);

    @TempDir
    Path folder;

    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    private List<String> lines() {
        return log.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private long linesWith(String part) {
        return lines().stream().filter(line -> line.contains(part)).count();
    }

    private static byte[] photo() throws IOException {
        var picture = new BufferedImage(1600, 1200, BufferedImage.TYPE_INT_RGB);
        var pen = picture.createGraphics();
        pen.setPaint(new GradientPaint(0, 0, Color.ORANGE, 1600, 1200, Color.BLUE));
        pen.fillRect(0, 0, 1600, 1200);
        pen.dispose();
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(picture, "jpeg", bytes);
        return bytes.toByteArray();
    }

    /** Puts photographs and other files into a folder, and returns the names of the latter. */
    private static Set<String> fill(Path incoming) throws IOException {
        byte[] photo = photo();
        for (int i = 0; i < PHOTOS; i++) {
            Files.write(incoming.resolve("photo " + i + ".jpg"), photo);
        }
        Files.write(incoming.resolve("half.jpg"), Arrays.copyOf(photo, photo.length / 2));
        Files.write(incoming.resolve("empty.jpg"), new byte[0]);
        Files.writeString(incoming.resolve("page.jpg"), "<html><body>404</body></html>");
        Files.writeString(incoming.resolve("script.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>");
        return Set.of("half.jpg", "empty.jpg", "page.jpg", "script.svg");
    }

    private static Set<String> filesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith("."))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static List<String> foldersIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private ServiceSettings.Builder settings(String name, Class<?> type, SharedQueue<String> photos) {
        return ServiceSettings.ofClass(name, type.getName())
                .directory(folder)
                .heap("128m")
                .heartbeatLimit(Duration.ofSeconds(3))
                .backoff(Backoff.exponential(Duration.ofMillis(50)).atMost(Duration.ofMillis(500)).fullJitter())
                .value("photos", photos);
    }

    private static void signal(String signal, long pid) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).start().waitFor()).isZero();
    }

    /** Does to the workers what may happen to them, and returns what it was. */
    private static String disturb(ServiceManager manager, Random random) throws Exception {
        List<SlotStatus> workers = manager.status().stream()
                .filter(one -> one.service().equals("thumbnails") && one.state() == SlotState.READY)
                .toList();
        switch (random.nextInt(6)) {
            case 0 -> {
                int wanted = 1 + random.nextInt(4);
                manager.scale("thumbnails", wanted);
                return "scale " + wanted;
            }
            case 1 -> {
                manager.reload("thumbnails");
                return "reload";
            }
            case 2 -> {
                return workers.isEmpty() ? "nothing" : to(workers.get(random.nextInt(workers.size())), "STOP");
            }
            default -> {
                return workers.isEmpty() ? "nothing" : to(workers.get(random.nextInt(workers.size())), "KILL");
            }
        }
    }

    private static String to(SlotStatus worker, String signal) throws Exception {
        if (ProcessHandle.of(worker.pid()).isEmpty()) {
            return "nothing";
        }
        new ProcessBuilder("kill", "-" + signal, Long.toString(worker.pid())).start().waitFor();
        return signal + " " + worker.id();
    }

    /** The scene under the command kills and reloads in every build; this one goes on until all are made. */
    @Test
    @Timeout(value = 1, unit = TimeUnit.HOURS) // each wait in it has its own limit
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void eachPhotographHasItsThumbnailsWhateverHappensToWorkers() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        var random = new Random(seed);
        List<String> done = new ArrayList<>(List.of("seed " + seed));
        SharedQueue<String> photos = SharedQueue.create(8, 1 << 16);
        Path incoming = folder.resolve("incoming");
        Path thumbnails = folder.resolve("thumbnails");
        try (ServiceManager manager =
                ServiceManager.create("thumbnails", ServiceLog.to(log, ServiceLog.Format.TEXT))) {
            manager.add(settings("watcher", ThumbnailWatcher.class, photos).build());
            manager.add(settings("thumbnails", ThumbnailWorker.class, photos).workers(2).after("watcher").build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);

            Set<String> refused = fill(incoming);
            int all = PHOTOS + refused.size();
            while (ended(thumbnails) < all) {
                done.add(disturb(manager, random));
                int next = Math.min(all, ended(thumbnails) + 1 + random.nextInt(8));
                Conditions.await("%s files have ended after %s; %s".formatted(next, done, lines()))
                        .until(() -> ended(thumbnails) >= next);
            }
            manager.scale("thumbnails", 2).get(1, TimeUnit.MINUTES);
            Conditions.await("nobody has the folder of a dead worker, after " + done)
                    .until(() -> foldersIn(thumbnails.resolve("work")).size() == 2);
            assertThat(manager.shutdown().get(1, TimeUnit.MINUTES)).as(done + " " + lines()).isBetween(0, 1);

            assertThat(filesIn(thumbnails.resolve("refused"))).as(done.toString()).isEqualTo(new TreeSet<>(refused));
            for (String name : refused) {
                assertThat(linesWith("out: " + name + " refused: ")).as(name).isBetween(1L, 1 + givenBack(name));
            }
        }
        System.out.println(done);
        assertThat(filesIn(incoming)).isEmpty();
        assertThat(foldersIn(thumbnails.resolve("work"))).as(done.toString()).isEmpty();
        var expected = new TreeSet<String>();
        for (String name : filesIn(thumbnails.resolve("done"))) {
            assertThat(linesWith("out: " + name + " has 3 thumbnails")).as(name).isBetween(1L, 1 + givenBack(name));
            for (int width : WIDTHS) {
                String file = name + "_" + width + ".jpg";
                expected.add(file);
                assertThat(ImageIO.read(thumbnails.resolve(file).toFile()).getWidth()).as(file).isEqualTo(width);
            }
        }
        assertThat(expected).hasSize(3 * PHOTOS);
        assertThat(filesIn(thumbnails)).isEqualTo(expected);
    }

    private long givenBack(String name) {
        return linesWith("out: " + name + " given back");
    }

    private static int ended(Path thumbnails) throws IOException {
        return filesIn(thumbnails.resolve("done")).size() + filesIn(thumbnails.resolve("refused")).size();
    }

    /** The worker that is killed has a photograph for certain: it is stopped before it can end it. */
    @Test
    void aPhotographThatAWorkerHadWhenItDiedIsMade() throws Exception {
        SharedQueue<String> photos = SharedQueue.create(8, 1 << 16);
        try (ServiceManager manager =
                ServiceManager.create("thumbnails", ServiceLog.to(log, ServiceLog.Format.TEXT))) {
            manager.add(settings("watcher", ThumbnailWatcher.class, photos).build());
            manager.add(settings("thumbnails", ThumbnailWorker.class, photos).after("watcher").build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);
            long pid = manager.status().stream().filter(one -> one.service().equals("thumbnails"))
                    .findFirst().orElseThrow().pid();
            Path work = folder.resolve("thumbnails/work/0-" + pid);
            Conditions.await("the worker has its folder").until(() -> Files.isDirectory(work));
            signal("STOP", pid);
            Files.write(work.resolve("one.jpg"), photo());
            Files.writeString(work.resolve(".part"), "half a thumbn");
            signal("KILL", pid);
            Conditions.await("it is made: " + lines())
                    .until(() -> Files.exists(folder.resolve("thumbnails/done/one.jpg")));
        }
        assertThat(linesWith("out: one.jpg given back")).isOne();
        assertThat(linesWith("out: one.jpg has 3 thumbnails")).isOne();
        assertThat(filesIn(folder.resolve("thumbnails"))).containsExactly("one.jpg_200.jpg", "one.jpg_32.jpg",
                "one.jpg_64.jpg");
        assertThat(foldersIn(folder.resolve("thumbnails/work"))).isEmpty();
    }
}
