package dev.sennit.cli.queues;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.cli.Run;
import dev.sennit.cli.UserSources;
import dev.sennit.queue.QueueWorker;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The packaged command runs tasks of a user's jar, while it is asked, signalled and killed. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class QueueCommandsIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final String APPLICATION = """
            package com.acme;

            import dev.sennit.queue.*;
            import java.nio.file.*;
            import java.util.List;

            public final class Tasks implements TaskTypeProvider {
                public record Order(String name, int count) {}

                @Override
                public List<TaskType<?, ?>> taskTypes() {
                    return List.of(
                            TaskType.of("acme.order", Order.class, order -> order.name() + " x " + order.count()),
                            TaskType.of("acme.mark", String.class, Tasks::mark),
                            TaskType.of("acme.hold", String.class, Tasks::hold),
                            TaskType.of("acme.crash", Integer.class, Tasks::crash));
                }

                private static long mark(String file) throws Exception {
                    Files.writeString(Path.of(file), "x", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                    return ProcessHandle.current().pid();
                }

                /** Runs until a file is there, or it is to stop. */
                private static boolean hold(String file, RunContext run) throws Exception {
                    mark(file + ".begun");
                    while (Files.notExists(Path.of(file))) {
                        if (run.isStopRequested()) {
                            throw run.giveBack();
                        }
                        Thread.sleep(5);
                    }
                    return true;
                }

                private static int crash(int code) {
                    Runtime.getRuntime().halt(code);
                    return code;
                }
            }
            """;

    @TempDir
    Path temp;

    private Path jar;
    private final List<Process> workers = new ArrayList<>();

    @BeforeEach
    void compile() throws Exception {
        Path api = Path.of(QueueWorker.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        jar = new UserSources().with("com/acme/Tasks.java", APPLICATION)
                .with("META-INF/services/dev.sennit.queue.TaskTypeProvider", "com.acme.Tasks")
                .intoJar(temp.resolve("jars/acme.jar"), api);
    }

    @AfterEach
    void killAll() throws InterruptedException {
        for (Process worker : workers) {
            worker.descendants().forEach(ProcessHandle::destroyForcibly);
            worker.destroyForcibly();
            worker.waitFor();
        }
    }

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
    }

    private String uri() {
        return "sqlite:" + temp.resolve("jobs.db");
    }

    private List<String> sennit(String... arguments) {
        Run run = Run
                .sennit(Stream.concat(Arrays.stream(arguments), Stream.of("--broker", uri())).toArray(String[]::new));
        assertThat(run.err()).isEmpty();
        return run.out();
    }

    private Process worker(String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC", "-jar", JAR.toString(), "worker", jar.toString(), "--broker", uri()));
        command.addAll(List.of(options));
        Process process = new ProcessBuilder(command).directory(temp.toFile()).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(temp.resolve("out").toFile())).start();
        workers.add(process);
        return process;
    }

    private String output() throws IOException {
        return Files.exists(temp.resolve("out")) ? Files.readString(temp.resolve("out")) : "";
    }

    private static void signal(Process process, String name) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor()).isZero();
    }

    private void awaitState(String id, String state) {
        soon().untilAsserted(() -> assertThat(sennit("inspect", id))
                .anyMatch(line -> line.matches("state +" + state + "(: .*)?")));
    }

    @Test
    void tasksRunAndAreWaitedFor() throws Exception {
        Process worker = worker("--on", "threads:2");
        Run done = Run.sennit("enqueue", "acme.order", "{\"name\": \"fig\", \"count\": 3, \"later\": true}", "--wait",
                "--broker", uri());
        assertThat(done.out()).containsExactly("\"fig x 3\"");
        assertThat(sennit("inspect", done.err().getFirst())).anyMatch(line -> line.matches("state +succeeded"));
        Run wrong = Run.sennit("enqueue", "acme.order", "{\"name\": \"fig\"}", "--wait", "--broker", uri());
        assertThat(wrong.exit()).isEqualTo(1);
        assertThat(wrong.err()).hasSize(2);
        assertThat(wrong.err().getLast()).contains("is dead: ").contains("count");
        assertThat(sennit("dead").get(1)).contains("acme.order", "unreadable");
        signal(worker, "TERM");
        assertThat(worker.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(worker.exitValue()).isZero();
        assertThat(output()).contains("worker takes tasks of default from " + uri() + " on threads:2",
                "worker has ended: 1 succeeded");
        assertThat(sennit("inspect")).contains("no worker lives");
    }

    @Test
    void aWorkerThatIsKilledLosesNothing() throws Exception {
        Process first = worker("--on", "processes:1", "--lease", "2s");
        String id = sennit("enqueue", "acme.hold", "\"" + temp.resolve("go") + "\"").getFirst();
        soon().until(() -> Files.exists(temp.resolve("go.begun")));
        first.destroyForcibly().waitFor();
        Files.createFile(temp.resolve("go"));
        worker("--on", "processes:1", "--lease", "2s");
        awaitState(id, "succeeded");
        assertThat(Files.readString(temp.resolve("go.begun"))).isEqualTo("xx");
        assertThat(sennit("inspect", id)).anyMatch(line -> line.matches("attempts +2, of which 0 failed and 1 lost.*"));
    }

    @Test
    void aTaskThatTakesItsProcessAlongIsDeadAtLast() throws Exception {
        worker("--on", "processes:1");
        String crash = sennit("enqueue", "acme.crash", "3").getFirst();
        String other = sennit("enqueue", "acme.order", "{\"name\": \"fig\", \"count\": 1}").getFirst();
        awaitState(crash, "dead");
        awaitState(other, "succeeded");
        assertThat(sennit("dead").get(1)).contains(crash, "crashed");
    }

    @Test
    void aWorkerThatIsToEndGivesBackWhatRuns() throws Exception {
        Process worker = worker("--on", "processes:1");
        String id = sennit("enqueue", "acme.hold", "\"" + temp.resolve("go") + "\"").getFirst();
        soon().until(() -> Files.exists(temp.resolve("go.begun")));
        signal(worker, "TERM");
        assertThat(worker.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(worker.exitValue()).isZero();
        awaitState(id, "ready");
        assertThat(output()).contains("1 given back");
    }

    @Test
    void aTaskThatRunsIsCancelled() throws Exception {
        worker("--on", "processes:1");
        String id = sennit("enqueue", "acme.hold", "\"" + temp.resolve("never") + "\"").getFirst();
        soon().until(() -> Files.exists(temp.resolve("never.begun")));
        assertThat(sennit("inspect", id, "--cancel")).containsExactly(id + " runs, and is to stop");
        awaitState(id, "cancelled");
    }

    @Test
    void aQuietWorkerTakesNothingUntilItIsAskedTo() throws Exception {
        worker("--on", "threads:1", "--name", "quiet-one");
        soon().untilAsserted(
                () -> assertThat(sennit("inspect", "--json")).anyMatch(line -> line.contains("quiet-one")));
        assertThat(sennit("inspect", "--ask", "quiet", "--worker", "quiet-one")).singleElement().asString()
                .startsWith("quiet was sent to quiet-one-");
        soon().untilAsserted(() -> assertThat(output()).contains("quiet-one"));
        soon().untilAsserted(() -> assertThat(sennit("inspect", "--json"))
                .anyMatch(line -> line.contains("\"state\":\"quiet\"")));
        String id = sennit("enqueue", "acme.mark", "\"" + temp.resolve("mark") + "\"").getFirst();
        assertThat(sennit("inspect", id)).anyMatch(line -> line.matches("state +ready"));
        sennit("inspect", "--ask", "resume");
        awaitState(id, "succeeded");
        assertThat(Files.readString(temp.resolve("mark"))).isEqualTo("x");
    }

    @Test
    void figuresAndHealthAreServed() throws Exception {
        int port;
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        worker("--on", "threads:1", "--metrics", "127.0.0.1:" + port);
        Run done =
                Run.sennit("enqueue", "acme.order", "{\"name\": \"fig\", \"count\": 1}", "--wait", "--broker", uri());
        assertThat(done.out()).containsExactly("\"fig x 1\"");
        try (HttpClient client = HttpClient.newHttpClient()) {
            soon().untilAsserted(() -> assertThat(get(client, port, "/metrics"))
                    .contains("sennit_queue_worker_succeeded_total{worker=\"worker\"} 1")
                    .contains("sennit_queue_oldest_ready_seconds{queue=\"default\"} 0"));
            assertThat(get(client, port, "/healthz")).isEqualTo("ok\n");
            assertThat(get(client, port, "/readyz")).isEqualTo("ok\n");
        }
    }

    private static String get(HttpClient client, int port, String path) throws Exception {
        return client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                HttpResponse.BodyHandlers.ofString()).body();
    }

    @Test
    void twoWorkersShareTasksAndNoneRunsTwice() throws Exception {
        worker("--on", "processes:2");
        worker("--on", "threads:2");
        Path marks = Files.createDirectory(temp.resolve("marks"));
        IntStream.range(0, 200).forEach(i -> { // a file for each, by its name
            try {
                Files.createFile(temp.resolve("marks").resolve("task" + i + ".in"));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        sennit("enqueue", "acme.mark", "--each", marks + "/*.in");
        soon().untilAsserted(() -> assertThat(sennit("inspect", "--state", "succeeded", "--json")).hasSize(200));
        for (int i = 0; i < 200; i++) {
            assertThat(Files.readString(marks.resolve("task" + i + ".in"))).isEqualTo("x");
        }
    }

    @Test
    void aWorkerWithoutWhatItNeedsSaysSo() {
        Run run = Run.sennit("worker", "no-such.jar", "--broker", uri());
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly(
                "sennit: there is no file no-such.jar: correct the path, or build it first");
        run = Run.sennit("worker", "--broker", uri());
        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).singleElement().asString().contains("types");
        run = Run.sennit("worker", "--broker", uri(), "--types", "com.acme.Nothing");
        assertThat(run.err()).singleElement().asString()
                .startsWith("sennit: --types: there is no class com.acme.Nothing");
        run = Run.sennit("worker", jar.toString(), "--broker", uri(), "--on", "thread:2");
        assertThat(run.exit()).isEqualTo(2);
        run = Run.sennit("worker", jar.toString(), "--broker", uri(), "--metrics", "here");
        assertThat(run.err()).containsExactly(
                "sennit: --metrics must be HOST:PORT such as 127.0.0.1:9100, was \"here\"");
    }
}
