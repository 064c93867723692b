package dev.sennit.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.compare.CompareTest;
import dev.sennit.cli.programs.Primes;
import dev.sennit.cli.programs.SumJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The packaged jar as its users run it, copied into a folder with a space in its name; but with one compiler, as it
 * runs for seconds.
 */
@DisabledOnOs(OS.WINDOWS)
class CommandIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final Path TEST_CLASSES = Path.of("target/test-classes").toAbsolutePath();
    private static final String SLOW_PRIME = "9223372036854775783";
    private static final long SECONDS = 60;

    @TempDir
    Path temp;

    /** What a process left behind. */
    private record Ended(int exit, List<String> out, List<String> err) {}

    private ProcessBuilder command(String... args) throws IOException {
        Path jar = temp.resolve("a folder/sennit.jar");
        if (Files.notExists(jar)) {
            Files.createDirectories(jar.getParent());
            Files.copy(JAR, jar);
        }
        List<String> command = java("-jar", jar.toString());
        command.addAll(List.of(args));
        return redirected(command);
    }

    private static List<String> java(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.add("-XX:+UseSerialGC");
        command.add("-Dsennit.cache=" + System.getProperty("sennit.cache")); // the build's
        command.addAll(List.of(arguments));
        return command;
    }

    private ProcessBuilder redirected(List<String> command) {
        return new ProcessBuilder(command)
                .redirectOutput(temp.resolve("out").toFile())
                .redirectError(temp.resolve("err").toFile());
    }

    private Ended run(String... args) throws Exception {
        return run(command(args), "");
    }

    private Ended run(ProcessBuilder builder, String stdin) throws Exception {
        Process process = builder.start();
        try (var in = process.getOutputStream()) {
            in.write(stdin.getBytes(UTF_8));
        }
        return end(process);
    }

    private Ended end(Process process) throws Exception {
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as("ended in time").isTrue();
        return new Ended(process.exitValue(), lines("out"), lines("err"));
    }

    private List<String> lines(String file) throws IOException {
        Path path = temp.resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads", "virtual", "processes:2"})
    void theTwentyPrimesOnEveryPlan(String plan) throws Exception {
        Ended ended = run("primes", "--on", plan);

        assertThat(ended.err()).isEmpty();
        assertThat(ended.exit()).isZero();
        assertThat(ended.out()).hasSize(21);
        assertThat(ended.out().stream().limit(20).map(line -> Long.valueOf(line.substring(0, 16).strip())))
                .containsExactlyInAnyOrderElementsOf(Primes.NUMBERS);
        assertThat(ended.out().stream().limit(20).filter(line -> line.contains(" P "))
                .map(line -> line.substring(0, 16).strip()))
                .containsExactlyInAnyOrder(
                        "2", "142702110479723", "299593572317531", "3333333333333301", "4444444444444423",
                        "5555555555555503", "6666666666666719", "7777777777777753", "9999999999999917");
        assertThat(ended.out().getLast()).matches("20 checks in [\\d.]+s, 9 prime, on " + plan);
    }

    @Test
    void sumsOnProcessesAreThoseOfInline() throws Exception {
        Ended processes = run("sums", "--seed", "42", "--on", "processes:2", "--json");

        assertThat(processes.exit()).isZero();
        assertThat(processes.out().stream()
                .limit(8)
                .map(line -> line.replaceAll(",\"seconds.*", "}"))
                .sorted())
                .containsExactlyElementsOf(SumJob.jobs(42).stream()
                        .map(job -> "{\"job\":" + job.number() + ",\"sum\":" + job.sum() + "}")
                        .toList());
        // the first worker may have done all before the second was ready
        assertThat(processes.out().get(8)).containsPattern("\"workers\":[12],\"submitted\":8.*\"succeeded\":8");
    }

    @Test
    void numbersFromStdinOnProcesses() throws Exception {
        Ended ended = run(command("primes", "-", "--on", "processes:2"), "2 3\n4 abc 5\n");

        assertThat(ended.exit()).isEqualTo(2);
        assertThat(ended.err()).singleElement().asString()
                .isEqualTo("sennit: stdin line 2: \"abc\" is not a whole number: give whole numbers from 0 to"
                        + " 9223372036854775807; 3 numbers before it were checked");
        assertThat(ended.out()).hasSize(4);
    }

    @Test
    void aResultIsPrintedWhileStdinStaysOpen() throws Exception {
        Process process = command("primes", "-").start();
        var in = process.getOutputStream();
        in.write("7\n".getBytes(UTF_8));
        in.flush();

        await().atMost(Duration.ofSeconds(SECONDS)).until(() -> Files.readString(temp.resolve("out")).contains("7  P"));
        in.close();
        assertThat(end(process).exit()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads", "virtual", "loop", "processes"})
    void theSpinnerLeavesTheAnswer(String plan) throws Exception {
        Ended ended = run("spinner", "--on", plan);

        String out = String.join("\n", ended.out());
        assertThat(ended.err()).isEmpty();
        assertThat(ended.exit()).isZero();
        String all = Files.readString(temp.resolve("out"));
        assertThat(all).contains("\r| thinking!\r/ thinking!\r- thinking!\r\\ thinking!\r| thinking!");
        assertThat(all).endsWith("\r           \rAnswer: 42\n");
        assertThat(out).startsWith(switch (plan) {
            case "threads" -> "spinner: thread ";
            case "virtual" -> "spinner: virtual thread ";
            case "loop" -> "spinner: coroutine ";
            default -> "spinner: process ";
        });
    }

    /** All at once: each takes some seconds, so that the spinner is seen to turn. */
    @Test
    void otherWorkBesideTheSpinnerTakesAsLong() throws Exception {
        Map<String, Process> running = new LinkedHashMap<>();
        for (String work : List.of("block", "prime", "nap")) {
            running.put(work, command("spinner", "--work", work, "--on", "processes")
                    .redirectOutput(temp.resolve(work).toFile())
                    .start());
        }
        for (var each : running.entrySet()) {
            assertThat(end(each.getValue()).exit()).isZero();
            assertThat(Files.readString(temp.resolve(each.getKey())))
                    .as(each.getKey())
                    .contains("\r| thinking!\r/ thinking!\r- thinking!\r\\ thinking!\r| thinking!")
                    .endsWith("\r           \rAnswer: 42\n");
        }
    }

    @Test
    void workThatBlocksTheLoopLeavesNoTurnToTheSpinner() throws Exception {
        Ended ended = run("spinner", "--work", "block", "--on", "loop");

        assertThat(ended.exit()).isZero();
        assertThat(ended.out()).containsExactly("Answer: 42");
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "processes:2"})
    void controlCEndsWith130AndLeavesNobody(String plan) throws Exception {
        Process process = command("primes", "2", "--on", plan, SLOW_PRIME, SLOW_PRIME, SLOW_PRIME, SLOW_PRIME).start();
        await().atMost(Duration.ofSeconds(SECONDS)).until(() -> Files.size(temp.resolve("out")) > 0);
        List<ProcessHandle> workers = process.descendants().toList();
        assertThat(workers).hasSize(plan.startsWith("processes") ? 2 : 0);

        interrupt(process);
        Ended ended = end(process);

        assertThat(ended.exit()).isEqualTo(130);
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out()).singleElement().asString().contains("2  P");
        await().atMost(Duration.ofSeconds(SECONDS)).until(() -> workers.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void controlCDuringACompare() throws Exception {
        Process process = command("compare", "sleep", "--on", "processes:2").start();
        await().atMost(Duration.ofSeconds(SECONDS)).until(() -> process.descendants().count() == 2);
        List<ProcessHandle> workers = process.descendants().toList();

        interrupt(process);
        Ended ended = end(process);

        assertThat(ended.exit()).isEqualTo(130);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).isEmpty();
        await().atMost(Duration.ofSeconds(SECONDS)).until(() -> workers.stream().noneMatch(ProcessHandle::isAlive));
    }

    private static void interrupt(Process process) throws Exception {
        assertThat(new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor()).isZero();
    }

    @Test
    void aReaderThatLeavesIsNoError() throws Exception {
        String sennit =
                command("primes").command().stream().map(word -> "'" + word + "'").collect(Collectors.joining(" "));
        Ended ended = run(redirected(List.of("sh", "-c", sennit + " | head -n 1")), "");

        assertThat(ended.out()).hasSize(1);
        assertThat(ended.err()).isEmpty();
    }

    @Test
    void workersThatCannotStart() throws Exception {
        Ended ended = run("primes", "7", "8", "--json", "--on", "processes:1?jvm=-XX:NoSuchOption");

        assertThat(ended.exit()).isEqualTo(3);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err().getLast()).startsWith("sennit: plan processes:1?jvm=-XX:NoSuchOption: ")
                .contains("could not be started");
        assertThat(ended.err()).filteredOn(line -> line.startsWith("sennit:")).hasSize(1);
    }

    @Test
    void compareOnProcessesWithAWorkloadFromTheClassPath() throws Exception {
        String classPath = JAR + java.io.File.pathSeparator + TEST_CLASSES;
        Ended ended = run(
                redirected(java("--enable-native-access=ALL-UNNAMED", "-cp", classPath, "dev.sennit.cli.Main",
                        "compare", CompareTest.Small.class.getName(),
                        "--on", "threads:2,processes:1,processes:2", "--repeat", "3")),
                "");

        assertThat(ended.err()).isEmpty();
        assertThat(ended.exit()).isZero();
        assertThat(ended.out()).hasSize(7);
        assertThat(ended.out().get(4)).startsWith("processes:1 ");
        assertThat(ended.out().get(5)).startsWith("processes:2 ");
    }

    @Test
    void aWorkerThatDiesFailsItsPlanAlone() throws Exception {
        String classPath = JAR + java.io.File.pathSeparator + TEST_CLASSES;
        Ended ended = run(
                redirected(java("--enable-native-access=ALL-UNNAMED", "-cp", classPath, "dev.sennit.cli.Main",
                        "compare", Deadly.class.getName(), "--on",
                        "processes:1,threads:1", "--repeat", "3")),
                "");

        assertThat(ended.exit()).isEqualTo(1);
        assertThat(ended.out().get(3))
                .matches("processes:1 +1  failed in round 1: task 2 of 2: WorkerCrashedException: .*");
        assertThat(ended.out().get(4)).startsWith("threads:1 ").contains("x");
    }

    @Test
    void aTaskThatCannotTravelFailsItsPlanAlone() throws Exception {
        String classPath = JAR + java.io.File.pathSeparator + TEST_CLASSES;
        Ended ended = run(
                redirected(java("--enable-native-access=ALL-UNNAMED", "-cp", classPath, "dev.sennit.cli.Main",
                        "compare", Rooted.class.getName(), "--on",
                        "processes:1,threads:1", "--repeat", "1")),
                "");

        assertThat(ended.exit()).isEqualTo(1);
        assertThat(ended.err()).isEmpty();
        assertThat(ended.out().get(3))
                .matches("processes:1 +1  failed in round 1: task 1 of 1: TaskSerializationException: .*");
        assertThat(ended.out().get(4)).startsWith("threads:1 ").contains("x");
    }

    /** Captures what cannot be serialized. */
    public static class Rooted implements java.util.function.Supplier<List<dev.sennit.Task<Boolean>>> {
        @Override
        public List<dev.sennit.Task<Boolean>> get() {
            var root = new Object();
            return List.of(() -> root.hashCode() == 0 || true);
        }
    }

    /** Ends every process but the one it was made in. */
    public static class Deadly implements java.util.function.Supplier<List<dev.sennit.Task<Integer>>> {
        @Override
        public List<dev.sennit.Task<Integer>> get() {
            long here = ProcessHandle.current().pid();
            return List.of(() -> 1, () -> {
                if (ProcessHandle.current().pid() != here) {
                    Runtime.getRuntime().halt(7);
                }
                return 2;
            });
        }
    }

    @Test
    void theVersionLoadsNeitherPicocliNorCharts() throws Exception {
        List<String> command = new ArrayList<>(command("--version").command());
        command.add(1, "-Xlog:class+load");
        Ended ended = run(redirected(command), "");

        assertThat(ended.exit()).isZero();
        assertThat(ended.out()).anyMatch(line -> line.startsWith("sennit ") && line.contains(" on Java "));
        assertThat(ended.out()).noneMatch(line -> line.contains("picocli") || line.contains("xchart"));
    }

    @Test
    void noChartsAndNoWindowsUnlessThereIsAPlot() throws Exception {
        List<String> command = new ArrayList<>(command("primes", "7").command());
        command.add(1, "-Xlog:class+load");
        Ended ended = run(redirected(command), "");

        assertThat(ended.out()).noneMatch(line -> line.contains("xchart") || line.contains(" java.awt."));
    }
}
