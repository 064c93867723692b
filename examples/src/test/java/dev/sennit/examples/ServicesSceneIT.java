package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.conformance.internal.Conditions;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The files of services, under the packaged command: as they stand, in a folder like the project's. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ServicesSceneIT {
    private static final Path JAR = Path.of("../cli/target/sennit.jar").toAbsolutePath().normalize();
    private static final int PHOTOS = 6;
    private static final Pattern WORKER =
            Pattern.compile("\"worker\": *\"thumbnails\\((\\d+)\\)\".*\"pid\": *(\\d+).*\"restarts\": *(\\d+)");

    @TempDir
    Path root;

    private Path log;
    private Process manager;

    @BeforeEach
    void copyExamples() throws IOException {
        Assumptions.assumeTrue(Files.exists(JAR), "mvn package -pl cli -am makes the command");
        log = root.resolve("services.log");
        for (Path folder : List.of(Path.of("target/classes/dev/sennit/examples/services"), Path.of("services"),
                Path.of("thumbnails.toml"))) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Path copy = root.resolve("examples").resolve(file);
                    Files.createDirectories(copy.getParent());
                    Files.copy(file, copy);
                }
            }
        }
    }

    @AfterEach
    void end() throws Exception {
        if (manager != null) {
            manager.destroyForcibly().waitFor(); // its workers go with it
        }
    }

    private ProcessBuilder sennit(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC", "-jar", JAR.toString(), "services"));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).directory(root.toFile()).redirectErrorStream(true);
        builder.environment().put("XDG_RUNTIME_DIR", root.resolve("run").toString());
        return builder;
    }

    /** Runs a command that speaks to the manager, and returns what it prints. */
    private String ask(String... arguments) throws Exception {
        Process process = sennit(arguments).start();
        String printed = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as("%s: %s%n%s", List.of(arguments), printed, lines()).isZero();
        return printed;
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(log);
    }

    private boolean isLogged(String part) throws IOException {
        return lines().stream().anyMatch(line -> line.contains(part));
    }

    private void start(String file, int ready) throws IOException {
        Files.createDirectories(root.resolve("run"));
        manager = sennit(file).redirectOutput(log.toFile()).start();
        Conditions.await("all are ready")
                .until(() -> lines().stream().filter(line -> line.contains(" READY")).count() >= ready);
    }

    private void stop() throws Exception {
        ask("stop");
        assertThat(manager.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(manager.exitValue()).as("%s", lines()).isZero();
    }

    private static List<String> filesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith(".")).sorted().toList();
        }
    }

    private List<MatchResult> workers() throws Exception {
        return WORKER.matcher(ask("status", "--json")).results().toList();
    }

    @Test
    void eachPhotographHasItsThumbnailsAndStatusShowsOneRestart() throws Exception {
        start("examples/thumbnails.toml", 4);
        List<String> expected = new ArrayList<>();
        for (int i = 10; i < 10 + PHOTOS; i++) {
            String name = i + ".png";
            ImageIO.write(new BufferedImage(800, 600, BufferedImage.TYPE_INT_RGB), "png",
                    root.resolve("incoming").resolve(name).toFile());
            expected.addAll(List.of(name + "_200.jpg", name + "_32.jpg", name + "_64.jpg"));
        }
        Files.writeString(root.resolve("incoming/page.jpg"), "<html></html>");

        ask("scale", "thumbnails", "4");
        List<MatchResult> four = workers();
        assertThat(four).hasSize(4);
        ProcessHandle.of(Long.parseLong(four.getFirst().group(2))).orElseThrow().destroyForcibly();
        Conditions.await("the worker is missed").until(() -> isLogged("thumbnails(0) DIED"));
        ask("reload");
        assertThat(ask("status")).startsWith("thumbnails: up");
        assertThat(workers()).extracting(worker -> worker.group(3)).containsExactly("1", "0", "0", "0");

        Path thumbnails = root.resolve("thumbnails");
        Conditions.await("all are made").until(() -> filesIn(thumbnails.resolve("done")).size() == PHOTOS
                && filesIn(thumbnails.resolve("refused")).size() == 1);
        stop();
        assertThat(filesIn(thumbnails)).isEqualTo(expected);
        for (String file : expected) {
            assertThat(ImageIO.read(thumbnails.resolve(file).toFile()).getWidth())
                    .isEqualTo(Integer.parseInt(file.replaceAll(".*_|\\.jpg", "")));
        }
        assertThat(filesIn(root.resolve("incoming"))).isEmpty();
        assertThat(thumbnails.resolve("work")).isEmptyDirectory();
        assertThat(isLogged("out: page.jpg refused: ")).isTrue();
    }

    @Test
    void whatHasToEndFirstEndsFirst() throws Exception {
        start("examples/services/services.toml", 3);
        Conditions.await("both print").until(
                () -> isLogged("printer(0) out: printer 0 prints page 1")
                        && isLogged("printer(1) out: printer 1 prints page 1"));
        List<String> lines = lines();
        int paper = indexOf(lines, "paper(0) DONE");
        assertThat(paper).isBetween(0,
                Math.min(indexOf(lines, "printer(0) STARTED"), indexOf(lines, "clock(0) STARTED")));
        stop();
    }

    private static int indexOf(List<String> lines, String part) {
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).contains(part)) {
                return i;
            }
        }
        return -1;
    }
}
