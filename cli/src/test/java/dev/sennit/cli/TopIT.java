package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code sennit top} of processes that run. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class TopIT {
    private static final Path JAR = Path.of("target", "sennit.jar").toAbsolutePath();
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();

    @TempDir
    Path temp;

    /** Tasks without end on one pool, one after another, and one on another that waits for its input's end. */
    static final class Busy {
        private Busy() {}

        public static void main(String[] arguments) throws Exception {
            var end = new CountDownLatch(1);
            try (Pool pool = Pools.open("threads:2?name=work"); Pool other = Pools.open("virtual?name=net")) {
                other.submit(() -> {
                    end.await();
                    return 1;
                }, TaskOptions.named("fetch"));
                pool.submit(() -> {
                    while (end.getCount() > 0) {
                        pool.submit(() -> 1, TaskOptions.named("count")).get();
                    }
                    return 1;
                }, TaskOptions.named("feed"));
                System.out.println("ready");
                var _ = System.in.read();
                end.countDown();
            }
        }
    }

    private Process start(Class<?> main) throws IOException {
        Process process = new ProcessBuilder(
                JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--class-path",
                System.getProperty("java.class.path"), main.getName())
                .redirectError(temp.resolve("err").toFile()).start();
        BufferedReader out = process.inputReader();
        assertThat(out.readLine()).isEqualTo("ready");
        return process;
    }

    @Test
    void printsLinesWhereThereIsNoTerminal() throws Exception {
        Process busy = start(Busy.class);
        try {
            Run run = Run.sennit("top", Long.toString(busy.pid()), "--every", "300ms", "--count", "2");
            assertThat(run.err()).isEmpty();
            assertThat(run.exit()).isZero();
            String margin = "\\d\\d:\\d\\d:\\d\\d  " + busy.pid();
            assertThat(run.out().stream().filter(line -> line.contains(" pool work: "))).hasSize(2).allMatch(
                    line -> line.matches(margin + " pool work: [1-9][0-9.]* done/s, .* 0 failed, 0 workers lost"));
            assertThat(run.out()).anyMatch(line -> line.matches(
                    margin + " task count: [1-9]\\d* done, 0 failed, .* run p50 .+ p95 .+ p99 .+"));
            Run json = Run.sennit("top", Long.toString(busy.pid()), "-n1", "--every", "200ms", "--json");
            assertThat(json.out()).allMatch(line -> line.startsWith("{\"pid\":" + busy.pid() + ","))
                    .anyMatch(line -> line.contains("\"task\":\"count\""));
            assertThat(temp.resolve("err")).isEmptyFile();
        } finally {
            busy.destroyForcibly().waitFor();
        }
    }

    @Test
    void endsWithTheLastOfThem() throws Exception {
        Process busy = start(Busy.class);
        try {
            Process top = top(busy.pid());
            try (BufferedReader out = top.inputReader()) {
                assertThat(out.readLine()).contains(" pool ");
                end(busy);
                String last = "";
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    last = line;
                }
                assertThat(last).endsWith("process " + busy.pid() + " has ended");
                assertThat(top.waitFor()).isZero();
            } finally {
                top.destroyForcibly();
            }
        } finally {
            busy.destroyForcibly().waitFor();
        }
    }

    private Process top(long pid) throws IOException {
        return new ProcessBuilder(
                JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", JAR.toString(), "top",
                Long.toString(pid), "--every", "200ms").redirectErrorStream(true).start();
    }

    private static void end(Process busy) throws IOException {
        busy.getOutputStream().close();
    }

    /** Presses q once the tables are there; the screen comes back as it was. */
    @Test
    void onATerminalItShowsTablesUntilQ() throws Exception {
        Process busy = start(Busy.class);
        Path typescript = temp.resolve("typescript");
        Process script = topOnATerminal(busy.pid(), typescript);
        try (Writer keys = script.outputWriter(StandardCharsets.UTF_8)) {
            awaitShown(script, typescript, "threads", "thread ", "fetch", "feed", "run p50", "count");
            keys.write("xq");
            keys.flush();
            assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(script.exitValue()).isZero();
            assertThat(shown(typescript)).contains("\u001b[?1049h").contains("\u001b[?1049l");
        } finally {
            script.descendants().forEach(ProcessHandle::destroyForcibly);
            script.destroyForcibly();
            busy.destroyForcibly().waitFor();
        }
    }

    private static Process topOnATerminal(long pid, Path typescript) throws IOException {
        return new ProcessBuilder(
                "script", "-qefc",
                "stty cols 100 rows 40; exec " + JAVA + " -XX:TieredStopAtLevel=1 -jar '" + JAR + "' top " + pid
                        + " --every 200ms",
                typescript.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    @Test
    void theScreenComesBackWhenItIsTerminated() throws Exception {
        Process busy = start(Busy.class);
        Path typescript = temp.resolve("typescript");
        Process script = topOnATerminal(busy.pid(), typescript);
        try {
            awaitShown(script, typescript, "threads", "count");
            script.children().forEach(ProcessHandle::destroy);
            assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(shown(typescript)).contains("\u001b[?1049l").doesNotContain("Exception");
        } finally {
            script.descendants().forEach(ProcessHandle::destroyForcibly);
            script.destroyForcibly();
            busy.destroyForcibly().waitFor();
        }
    }

    private static void awaitShown(Process script, Path typescript, String... wanted) {
        while (!List.of(wanted).stream().allMatch(shown(typescript)::contains)) {
            assertThat(script.isAlive()).as(() -> shown(typescript)).isTrue();
            Thread.onSpinWait();
        }
    }

    private static String shown(Path typescript) {
        try {
            return Files.exists(typescript) ? Files.readString(typescript, StandardCharsets.ISO_8859_1) : "";
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void whatCannotBeSeenIsALine() throws Exception {
        Process plain = new ProcessBuilder("sleep", "600").start();
        try {
            Run none = Run.sennit("top", Long.toString(plain.pid()));
            assertThat(none.err()).singleElement().asString().contains("is no JVM that answers");
            assertThat(none.exit()).isEqualTo(2);
        } finally {
            plain.destroyForcibly().waitFor();
        }
        Run gone = Run.sennit("top", "999999999");
        assertThat(gone.exit()).isEqualTo(2);
        assertThat(gone.err()).singleElement().asString().contains("no process 999999999");
        Run file = Run.sennit("top", temp.resolve("a.toml").toString());
        assertThat(file.exit()).isEqualTo(2);
        assertThat(file.err()).singleElement().asString().contains("there is no such file");
        Path idle = Files.writeString(temp.resolve("b.toml"), "[services.a]\ncommand = [\"sh\"]\n");
        Run idleRun = Run.sennit("top", idle.toString());
        assertThat(idleRun.exit()).isEqualTo(3);
        assertThat(idleRun.err()).singleElement().asString().contains("do not run");
    }
}
