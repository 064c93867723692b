package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.compare.SamplePhotos;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code sennit thumbnails} as a process that is interrupted, whose workers are killed, and whose servers misbehave.
 */
@DisabledOnOs(OS.WINDOWS)
class ThumbnailsIT {
    private static final String JAR = Path.of("target/sennit.jar").toAbsolutePath().toString();
    private static final int COUNT = 40;
    private static final long SECONDS = 60;
    private static final List<byte[]> PHOTOS = SamplePhotos.draw(4, 2);

    @TempDir
    Path temp;

    private Path photos() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("photos"));
        for (int i = 0; i < COUNT; i++) {
            Files.write(folder.resolve("p" + i + ".jpg"), PHOTOS.get(i % PHOTOS.size()));
        }
        return folder;
    }

    private static List<String> command(String... args) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-jar", JAR, "thumbnails"));
        command.addAll(List.of(args));
        return command;
    }

    private Process start(String... args) throws IOException {
        return new ProcessBuilder(command(args))
                .redirectOutput(temp.resolve("out").toFile())
                .redirectError(temp.resolve("err").toFile())
                .start();
    }

    private int end(Process process) throws InterruptedException {
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as("ended in time").isTrue();
        return process.exitValue();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(file -> !file.toString().endsWith(".part")).sorted().toList();
        }
    }

    @Test
    void theSevenVariantsOfTheGuideMakeTheSame() throws Exception {
        List<List<String>> variants = Pattern.compile("^\\| [^|`]+ \\| `(--fetch-on [^`]+)` \\|$", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("../docs/guides/thumbnails.md")))
                .results()
                .map(row -> List.of(row.group(1).split(" ")))
                .toList();
        assertThat(variants).hasSize(7).doesNotHaveDuplicates();
        Path photos = Files.createDirectories(temp.resolve("three"));
        for (int i = 0; i < 3; i++) {
            Files.write(photos.resolve("p" + i + ".jpg"), PHOTOS.get(i));
        }
        Map<String, Integer> first = Map.of();
        for (List<String> variant : variants) {
            Path small = temp.resolve("small" + variants.indexOf(variant));
            List<String> args = new ArrayList<>(List.of("thumbnails", photos.toString(), "-o", small.toString()));
            args.addAll(variant);

            Run run = Run.sennit(args.toArray(String[]::new));

            assertThat(run.err()).isEmpty();
            assertThat(run.exit()).isZero();
            Map<String, Integer> made = new TreeMap<>();
            for (Path file : files(small)) {
                made.put(file.getFileName().toString(), Arrays.hashCode(Files.readAllBytes(file)));
            }
            assertThat(made).hasSize(9);
            first = first.isEmpty() ? made : first;
            assertThat(made).as("%s", variant).isEqualTo(first);
        }
    }

    @Test
    void controlCLeavesWholeFilesAndTheNextRunDoesTheRest() throws Exception {
        long seed = RandomGenerator.getDefault().nextLong(1000);
        Path small = temp.resolve("small");
        String[] args = {photos().toString(), "-o", small.toString(), "--on", "processes:2", "--no-clobber"};
        Process process = start(args);
        int enough = (int) (seed % (COUNT - 10));
        await().atMost(Duration.ofSeconds(SECONDS))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> Files.exists(small) && files(small).size() > enough);

        assertThat(new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor()).isZero();

        assertThat(end(process)).as("seed %d", seed).isEqualTo(130);
        List<Path> before = files(small);
        try (Stream<Path> all = Files.list(small)) {
            assertThat(all).as("seed %d: nothing half-written", seed).hasSameSizeAs(before);
        }
        for (Path file : before) {
            assertThat(file.getFileName().toString()).as("seed %d", seed).matches("p\\d+_\\d+\\.jpg");
            assertThat(ImageIO.read(file.toFile())).as("seed %d: %s", seed, file).isNotNull();
        }

        assertThat(end(start(args))).as("seed %d", seed).isZero();
        assertThat(files(small)).hasSize(3 * COUNT).containsAll(before);
    }

    /** As from a program that writes a name whenever a camera has taken a picture. */
    @Test
    void whatAListBringsIsMadeBeforeItsNextLineComes() throws Exception {
        Path photos = photos();
        Path small = temp.resolve("small");
        Process process = start("-", "-o", small.toString(), "--on", "threads:1", "--sizes", "20");
        try (Writer list = process.outputWriter()) {
            for (int i = 0; i < 3; i++) {
                list.write(photos.resolve("p" + i + ".jpg") + "\n");
                list.flush();
                Path made = small.resolve("p" + i + "_20.jpg");
                await().atMost(Duration.ofSeconds(SECONDS)).until(() -> Files.exists(made));
            }
        }
        assertThat(end(process)).isZero();
        assertThat(files(small)).hasSize(3);
    }

    /** As {@code ... | head -1} does: there is nothing more to do, and no line of the list is waited for. */
    @Test
    void whoeverReadsNoMoreEndsTheWaitForALine() throws Exception {
        Path photos = photos();
        Process process = new ProcessBuilder(
                command("-", "-o", temp.resolve("small").toString(), "--on", "threads:1", "--sizes", "20"))
                .redirectError(temp.resolve("err").toFile())
                .start();
        try (Writer list = process.outputWriter()) {
            BufferedReader lines = process.inputReader();
            list.write(photos.resolve("p0.jpg") + "\n");
            list.flush();
            assertThat(lines.readLine()).startsWith(photos.resolve("p0.jpg").toString());
            lines.close();
            list.write(photos.resolve("p1.jpg") + "\n");
            list.flush();

            end(process);

            assertThat(temp.resolve("err")).isEmptyFile();
        }
    }

    @Test
    void controlCEndsTheWaitForALine() throws Exception {
        Path small = temp.resolve("small");
        Process process = start("-", photos().resolve("p0.jpg").toString(), "-o", small.toString(), "--on", "threads:1",
                "--sizes", "20");
        try (Writer list = process.outputWriter()) {
            list.write(temp.resolve("photos").resolve("p1.jpg") + "\n");
            list.flush();
            await().atMost(Duration.ofSeconds(SECONDS)).until(() -> Files.exists(small.resolve("p1_20.jpg")));

            assertThat(new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor()).isZero();

            assertThat(end(process)).isEqualTo(130);
        }
    }

    @Test
    void controlCBeforeAnythingIsWrittenLeavesNoFolder() throws Exception {
        try (var server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Path small = temp.resolve("made/small");
            Process process = start("http://127.0.0.1:" + server.getLocalPort() + "/never.jpg", "-o", small.toString(),
                    "--on", "threads:1",
                    "--allow-private");
            try (Socket client = server.accept()) { // it asks, and waits for an answer that does not come
                assertThat(client.getInputStream().read()).isEqualTo('G');

                assertThat(new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor()).isZero();

                assertThat(end(process)).isEqualTo(130);
            }
            assertThat(small.getParent()).doesNotExist();
        }
    }

    @Test
    void aWorkerThatDiesCostsTheImageItHad() throws Exception {
        Path small = temp.resolve("small");
        Process process = start(photos().toString(), "-o", small.toString(), "--on", "processes:2");
        await().atMost(Duration.ofSeconds(SECONDS))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> Files.exists(small) && !files(small).isEmpty());
        // they are there, as they have made something
        ProcessHandle worker = process.descendants().findFirst().orElseThrow();

        assertThat(new ProcessBuilder("kill", "-9", Long.toString(worker.pid())).start().waitFor()).isZero();

        int exit = end(process);
        List<String> lines = Files.readAllLines(temp.resolve("err"));
        assertThat(lines).as("the pool's own").filteredOn(line -> line.startsWith("WARNING: ")).singleElement()
                .asString()
                .contains("(pid " + worker.pid() + ") was killed by signal 9");
        List<String> errors = lines.stream().filter(line -> line.contains(".jpg: ")).toList();
        assertThat(errors).as("the one it was at, or none if it was between two").hasSizeBetween(0, 1);
        assertThat(exit).isEqualTo(errors.isEmpty() ? 0 : 1);
        assertThat(errors).allMatch(line -> line.contains("pid " + worker.pid()));
        assertThat(lines).as("the logger has a line before each").hasSize(2 + errors.size());
        assertThat(files(small)).hasSize(3 * (COUNT - errors.size()));
    }

    @Test
    void serversThatStallOrHangUpAreALine() throws Exception {
        try (var server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> misbehave(server));
            String address = "http://127.0.0.1:" + server.getLocalPort();
            Path good = photos().resolve("p1.jpg");

            Process process = start(address + "/stall.jpg", address + "/reset.jpg", good.toString(), "-o",
                    temp.resolve("small").toString(), "--on", "threads:1", "--allow-private", "--deadline", "2s",
                    "--retries", "0");

            assertThat(end(process)).isEqualTo(1);
            assertThat(Files.readAllLines(temp.resolve("err")))
                    .hasSize(2)
                    .anyMatch(line -> line.startsWith("sennit: " + address + "/stall.jpg: "))
                    .anyMatch(line -> line.startsWith("sennit: " + address + "/reset.jpg: "));
            assertThat(files(temp.resolve("small"))).hasSize(3);
        }
    }

    /** Sends some of what it promised; then nothing more, or the end. */
    private static void misbehave(ServerSocket server) {
        try {
            while (true) {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> {
                    try {
                        byte[] request = new byte[1000];
                        int length = client.getInputStream().read(request);
                        boolean stalls = new String(request, 0, Math.max(0, length), StandardCharsets.ISO_8859_1)
                                .contains("/stall");
                        client.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n1234"
                                .getBytes(StandardCharsets.ISO_8859_1));
                        if (!stalls) {
                            client.setSoLinger(true, 0);
                            client.close();
                        }
                    } catch (IOException e) {
                        // the client has gone
                    }
                });
            }
        } catch (IOException e) {
            // the test is over
        }
    }
}
