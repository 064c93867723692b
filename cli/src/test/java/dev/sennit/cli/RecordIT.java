package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import dev.sennit.cli.command.ExitCode;
import dev.sennit.internal.text.JsonReader;
import dev.sennit.observe.JsonLines;
import dev.sennit.observe.TaskEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Records the tasks of a JVM that runs. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(120)
class RecordIT {
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();

    @TempDir
    Path temp;

    private Process mill;
    private String pid;

    /** Has tasks without an end, on threads and on virtual threads. */
    static final class Mill {
        private Mill() {}

        public static void main(String[] arguments) throws Exception {
            try (Pool wheels = Pools.open("threads:2?name=wheels"); Pool stones = Pools.open("virtual?name=stones")) {
                System.out.println("ready");
                while (true) {
                    var turn = wheels.submit(() -> 1, TaskOptions.named("turn"));
                    stones.submit(() -> 2, TaskOptions.named("grind \"fine\"")).get();
                    turn.get();
                }
            }
        }
    }

    @BeforeEach
    void start() throws IOException {
        start(JAVA);
    }

    private void start(String java) throws IOException {
        mill = new ProcessBuilder(java, "--class-path", System.getProperty("java.class.path"), Mill.class.getName())
                .redirectError(temp.resolve("err").toFile())
                .start();
        BufferedReader out = mill.inputReader();
        assertThat(out.readLine()).isEqualTo("ready");
        pid = Long.toString(mill.pid());
    }

    @AfterEach
    void kill() throws Exception {
        mill.destroyForcibly().waitFor();
        assertThat(temp.resolve("err")).isEmptyFile();
    }

    private Path file(String name) {
        return temp.resolve(name);
    }

    private static void assertIsDone(Run run, Path file) {
        assertThat(run.err()).isEmpty();
        assertThat(run.exit()).isZero();
        assertThat(run.out()).singleElement().asString()
                .matches("\\Q" + file + "\\E: \\d+ events(, and \\d+ more were missed)?.*");
    }

    @Test
    void aTraceHasTheRunsOfAllPools() throws Exception {
        Path file = file("run.json");
        assertIsDone(Run.sennit("record", pid, "-o", file.toString(), "--for", "500ms"), file);
        List<?> records = (List<?>) JsonReader.read(Files.readString(file));
        assertThat(records).extracting(one -> ((Map<?, ?>) one).get("ph").toString()).contains("M", "X", "C");
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("name").equals("process_name"))
                .extracting(one -> ((Map<?, ?>) ((Map<?, ?>) one).get("args")).get("name").toString())
                .containsExactlyInAnyOrder("wheels", "stones");
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("ph").equals("X"))
                .extracting(one -> ((Map<?, ?>) one).get("name").toString())
                .contains("turn", "grind \"fine\"");
    }

    @Test
    void linesAreEventsInTheirOrder() throws Exception {
        Path file = file("RUN.JSONL");
        Run run = Run.sennit("record", pid, "-o", file.toString(), "--for", "300ms");
        assertIsDone(run, file);
        List<TaskEvent> events = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            JsonLines.replay(line, events::add);
        }
        assertThat(run.out().getFirst()).startsWith(file + ": " + events.size() + " events");
        assertThat(events).extracting(TaskEvent::name).containsOnly("turn", "grind \"fine\"");
        assertThat(events).extracting(TaskEvent::kind).contains(
                TaskEvent.Kind.SUBMITTED, TaskEvent.Kind.BEGUN, TaskEvent.Kind.SUCCEEDED);
    }

    @Test
    void aPictureHasABandForEachTaskNameOfAPool() throws Exception {
        Path file = file("run.svg");
        assertIsDone(Run.sennit("record", pid, "-o", file.toString(), "--for", "100ms"), file);
        assertThat(Files.readString(file)).contains(">wheels: turn</text>", ">stones: grind \"fine\"</text>");
        assertThat(DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile())
                .getDocumentElement().getTagName()).isEqualTo("svg");
    }

    @Test
    void aFlightRecordingHasTheTasks() throws Exception {
        Path file = file("run.jfr");
        Run run = Run.sennit("record", pid, "-o", file.toString(), "--for", "500ms");
        assertThat(run.err()).isEmpty();
        assertThat(run.exit()).isZero();
        assertThat(run.out()).singleElement().asString().matches("\\Q" + file + "\\E: \\d+ runs of tasks");
        assertThat(RecordingFile.readAllEvents(file))
                .filteredOn(event -> event.getEventType().getName().equals("dev.sennit.Task"))
                .extracting(event -> event.getString("name"))
                .contains("turn", "grind \"fine\"");
    }

    @Test
    void aFlightRecordingOfAJvmThatEndsIsALine() throws Exception {
        Path file = file("run.jfr");
        var run = CompletableFuture.supplyAsync(
                () -> Run.sennit("record", pid, "-o", file.toString(), "--for", "10m"));
        await().atMost(1, TimeUnit.MINUTES).until(() -> Files.exists(file));
        mill.destroyForcibly().waitFor();
        Run ended = run.get(1, TimeUnit.MINUTES);
        assertThat(ended.exit()).isEqualTo(ExitCode.TASKS_FAILED);
        assertThat(ended.err()).containsExactly("sennit: process " + pid
                + " has ended, or cannot be read any more: " + file + " is not whole");
    }

    @Test
    void aJvmThatEndsMeanwhileLeavesWhatItDid() throws Exception {
        Path file = file("run.json");
        var run = CompletableFuture.supplyAsync(
                () -> Run.sennit("record", pid, "-o", file.toString(), "--for", "10m"));
        await().atMost(1, TimeUnit.MINUTES).until(() -> Files.exists(file) && Files.size(file) > 10_000);
        mill.destroyForcibly().waitFor();
        Run ended = run.get(1, TimeUnit.MINUTES);
        assertThat(ended.exit()).isEqualTo(ExitCode.TASKS_FAILED);
        assertThat(ended.err()).singleElement().asString()
                .startsWith("sennit: process " + pid + " has ended, or cannot be read any more: " + file + " has ");
        assertThat((List<?>) JsonReader.read(Files.readString(file))).isNotEmpty();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFullDiskIsToldOfInOneLine() throws Exception {
        for (String name : List.of("full.json", "full.jsonl", "full.svg", "full.jfr")) {
            Path file = Files.createSymbolicLink(file(name), Path.of("/dev/full"));
            Run run = Run.sennit("record", pid, "-o", file.toString(), "--for", "100ms");
            assertThat(run.err()).containsExactly(
                    "sennit: --output: cannot write " + file + ": No space left on device");
            assertThat(run.out()).as("what was recorded").isEmpty();
            assertThat(run.exit()).isEqualTo(ExitCode.TASKS_FAILED);
        }
    }

    /** Only root can become another user. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aJvmOfAnotherUserIsALine() throws Exception {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        Path setpriv = Path.of("/usr/bin/setpriv");
        assumeThat(setpriv).exists();
        Path open = Files.createTempDirectory("open-");
        try {
            Path jar = Files.copy(JAR, open.resolve("sennit.jar"));
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
            Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("r--r--r--"));
            Path file = open.resolve("run.json");
            List<String> asNobody = List.of(setpriv.toString(), "--reuid=65534", "--regid=65534", "--clear-groups",
                    JAVA, "-jar", jar.toString());
            for (List<String> command : List.of(
                    List.of("ps", pid), List.of("top", pid), List.of("record", pid, "-o", file.toString()))) {
                Run run = run(Stream.concat(asNobody.stream(), command.stream()).toList());
                assertThat(run.err()).singleElement().asString()
                        .matches("sennit: process " + pid + " belongs to root: run this as that user, was [^ ]+");
                assertThat(run.exit()).isEqualTo(ExitCode.COULD_NOT_START);
            }
            assertThat(file).doesNotExist();
        } finally {
            for (String name : List.of("run.json", "sennit.jar", "")) {
                Files.deleteIfExists(open.resolve(name));
            }
        }
    }

    @Test
    void aRuntimeImageWithoutFlightRecorderRecordsAndIsRecorded() throws Exception {
        Path image = temp.resolve("image");
        assertThat(ToolProvider.findFirst("jlink").orElseThrow().run(System.out, System.err, "--add-modules",
                "java.base,java.desktop,java.instrument,java.logging,java.management.rmi,java.naming,java.net.http,"
                        + "java.security.jgss,java.sql,jdk.attach,jdk.management,jdk.management.agent",
                "--output", image.toString())).isZero();
        String java = image.resolve("bin/java").toString();
        Path file = file("run.json");
        Path flight = file("run.jfr");
        assertIsDone(run(List.of(java, "-jar", JAR.toString(), "record", pid, "-o", file.toString(), "--for", "100ms")),
                file);
        Run refused = run(List.of(java, "-jar", JAR.toString(), "record", pid, "-o", flight.toString()));
        assertThat(refused.err()).containsExactly("sennit: --output: the Java runtime of this command has no module"
                + " jdk.management.jfr, which a .jfr needs: record a .json, or use a whole JDK");
        assertThat(refused.exit()).isEqualTo(ExitCode.USAGE);

        kill();
        start(java);
        assertIsDone(Run.sennit("record", pid, "-o", file.toString(), "--for", "100ms"), file);
        Run unable = Run.sennit("record", pid, "-o", flight.toString(), "--for", "100ms");
        assertThat(unable.err()).containsExactly("sennit: process " + pid
                + " has no flight recorder, or it is switched off: record a .json instead");
        assertThat(unable.exit()).isEqualTo(ExitCode.TASKS_FAILED);
        assertThat(flight).doesNotExist();
    }

    private Run run(List<String> command) throws Exception {
        Path out = temp.resolve("command-out");
        Path err = temp.resolve("command-err");
        Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try {
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Run(process.exitValue(), Files.readAllLines(out), Files.readAllLines(err));
    }

    @Test
    void aProcessThatIsNoJvmIsLeftAlone() throws Exception {
        Process cat = new ProcessBuilder("cat").start();
        try {
            Path file = file("run.json");
            Run run = Run.sennit("record", Long.toString(cat.pid()), "-o", file.toString());
            assertThat(run.err()).containsExactly(
                    "sennit: process " + cat.pid() + " is no JVM that answers: jps lists those that there are");
            assertThat(run.exit()).isEqualTo(ExitCode.USAGE);
            assertThat(file).doesNotExist();
        } finally {
            cat.destroyForcibly().waitFor();
        }
    }
}
