package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.testing.server.ServerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sennit with}, with Redis, which starts soonest. */
class WithIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();

    @TempDir
    Path temp;

    private Path folders;

    @BeforeEach
    void prepare() throws IOException {
        ensureInstalled(ServerKind.REDIS);
        folders = Files.createDirectory(temp.resolve("folders"));
    }

    private static void ensureInstalled(ServerKind kind) {
        if (Boolean.getBoolean("sennit.servers.optional")) {
            Assumptions.assumeTrue(kind.isInstalled(), () -> kind.obstacle().orElseThrow());
        }
    }

    private Process start(String... arguments) throws IOException {
        return start(List.of(), arguments);
    }

    private Process start(List<String> options, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + folders));
        command.addAll(options);
        command.addAll(List.of("-jar", JAR.toString(), "with"));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectOutput(temp.resolve("out").toFile())
                .redirectError(temp.resolve("err").toFile())
                .start();
    }

    private static int end(Process process) throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended").isTrue();
        return process.exitValue();
    }

    private List<String> out() throws IOException {
        return Files.readAllLines(temp.resolve("out"));
    }

    private List<String> err() throws IOException {
        return Files.readAllLines(temp.resolve("err"));
    }

    private void awaitLine(String line) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> out().contains(line));
    }

    private void assertNothingIsLeft() {
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            try (Stream<Path> left = Files.list(folders)) {
                assertThat(left.filter(Files::isDirectory)).isEmpty();
            }
            assertThat(ProcessHandle.allProcesses()
                    .map(process -> process.info().commandLine().orElse(""))
                    .filter(line -> line.contains("sennit-caretaker") && line.contains(folders.toString())))
                    .isEmpty();
        });
    }

    @Test
    void theCommandFindsTheServerAndItsExitCodeIsTheCommands() throws Exception {
        Process with = start("redis", "--", "sh", "-c", "echo $SENNIT_REDIS_URI; echo $REDIS_URL; cat; exit 7");
        with.outputWriter().append("from the terminal\n").close();

        assertThat(end(with)).isEqualTo(7);
        assertThat(err()).hasSize(1);
        String uri = "redis://" + err().getFirst().replaceFirst("^redis: ([0-9.:]+), data in .*", "$1") + "/0";
        assertThat(out()).containsExactly(uri, uri, "from the terminal");
        assertThat(err().getFirst()).contains(", data in " + folders + "/sennit-");
        assertNothingIsLeft();
    }

    @Test
    void passwordsAreNotPrinted() throws Exception {
        ensureInstalled(ServerKind.POSTGRESQL);
        Process with = start("postgresql,redis", "--no-fsync", "--", "sh", "-c",
                "echo $PGPASSWORD; psql -XAtc 'show fsync'");

        assertThat(end(with)).as("%s", err()).isZero();
        assertThat(out()).hasSize(2);
        String password = out().getFirst();
        assertThat(password).hasSize(24);
        assertThat(out().getLast()).isEqualTo("off");
        assertThat(err()).hasSize(2).noneMatch(line -> line.contains(password));
    }

    @Test
    void signalsGoToTheCommand() throws Exception {
        Process with = start("redis", "--", "sh", "-c",
                "trap 'echo hangup' HUP; trap 'echo stopping; exit 5' TERM; echo ready; while :; do sleep 0.1; done");
        awaitLine("ready");
        new ProcessBuilder("kill", "-HUP", "" + with.pid()).start().waitFor();
        awaitLine("hangup");
        with.destroy();

        assertThat(end(with)).isEqualTo(5);
        assertThat(out()).containsExactly("ready", "hangup", "stopping");
        assertNothingIsLeft();
    }

    @Test
    void aSignalWhileAServerStartsEndsThat() throws Exception {
        ensureInstalled(ServerKind.POSTGRESQL);
        Files.setPosixFilePermissions(temp, PosixFilePermissions.fromString("rwx--x--x")); // for its user
        Process with = start("postgresql", "--", "echo", "never");
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            try (Stream<Path> made = Files.walk(folders)) {
                return made.anyMatch(file -> file.endsWith("initdb.log"));
            }
        });
        with.destroy();

        assertThat(end(with)).isEqualTo(128 + 15);
        assertThat(out()).isEmpty();
        assertThat(err()).isEmpty();
        assertNothingIsLeft();
    }

    @Test
    void aCommandThatASignalEndsHasItsNumber() throws Exception {
        assertThat(end(start("redis", "--", "sh", "-c", "kill -KILL $$"))).isEqualTo(128 + 9);
        assertNothingIsLeft();
    }

    @Test
    void nothingIsLeftWhenItIsKilled() throws Exception {
        Process with = start("redis", "--", "sh", "-c", "echo ready; exec sleep 60");
        awaitLine("ready");
        List<ProcessHandle> command = with.children().toList();
        with.destroyForcibly().waitFor();
        try {
            assertNothingIsLeft();
        } finally {
            command.forEach(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void whatCannotStartSaysSoInALine() throws Exception {
        assertThat(end(start("redis", "--", "no-such-program"))).isEqualTo(3);
        assertThat(err()).hasSize(2);
        assertThat(err().getLast()).startsWith("sennit: cannot start no-such-program: see whether it is installed");
        assertNothingIsLeft();

        assertThat(end(start(List.of("-Dsennit.servers.path=" + temp), "redis", "--", "true"))).isEqualTo(3);
        assertThat(err()).containsExactly("sennit: redis-server is not installed: apt-get install redis-server");
        assertThat(out()).isEmpty();
    }
}
