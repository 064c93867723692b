package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

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
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The files of {@code examples/deploy}: what they say fits together, and their commands run as they stand. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class DeploymentIT {
    private static final Path DEPLOY = Path.of("../examples/deploy");
    private static final String APPLICATION = "dev/sennit/examples/services/Greetings.java";
    private static final Duration LONGEST = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private Process manager;

    /** Fills the folder as the guide says. */
    @BeforeEach
    void layOut() throws Exception {
        try (Stream<Path> files = Files.list(DEPLOY)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.copy(Path.of("target/sennit.jar"), folder.resolve("sennit.jar"));
        new UserSources()
                .with(APPLICATION, Files.readString(Path.of("../examples/src/main/java", APPLICATION)))
                .intoJar(folder.resolve("greetings.jar"));
    }

    @AfterEach
    void end() throws Exception {
        if (manager != null) {
            manager.destroyForcibly().waitFor(); // its workers go with it
        }
    }

    private static String file(String name) throws IOException {
        return Files.readString(DEPLOY.resolve(name));
    }

    /** The value of a key in a unit. */
    private static String of(String unit, String key) throws IOException {
        Matcher line = Pattern.compile("(?m)^" + key + "=(.*)$").matcher(file(unit));
        assertThat(line.find()).as("%s in %s", key, unit).isTrue();
        String value = line.group(1);
        assertThat(line.find()).as("%s twice in %s", key, unit).isFalse();
        return value;
    }

    /** The words of an instruction of the container file that has them as a list. */
    private static List<String> ofContainer(String instruction) throws IOException {
        Matcher list = Pattern.compile("(?m)^ *" + instruction + " \\[(.*)]$").matcher(file("Containerfile"));
        assertThat(list.find()).as(instruction).isTrue();
        return Arrays.stream(list.group(1).split(", ")).map(word -> word.replaceAll("^\"|\"$", "")).toList();
    }

    private static Duration seconds(String text) {
        return Duration.parse("PT" + text.replace("min", "m"));
    }

    @Test
    void theUnitFitsItsSocketAndItsServices() throws Exception {
        assertThat(of("greetings.service", "Type")).isEqualTo("notify");
        assertThat(of("greetings.service", "KillMode")).isEqualTo("mixed");
        assertThat(of("greetings.service", "Requires")).isEqualTo("greetings.socket");
        assertThat(seconds(of("greetings.service", "WatchdogSec"))).isPositive();
        String services = file("systemd.toml");
        assertThat(services).contains("systemd = \"" + of("greetings.socket", "FileDescriptorName") + "\"")
                .contains(
                        "control = \"${RUNTIME_DIRECTORY:-/run/" + of("greetings.service", "RuntimeDirectory") + "}/");
        Matcher stopLimit = Pattern.compile("stop-limit = \"(.*?)\"").matcher(services);
        assertThat(stopLimit.find()).isTrue();
        assertThat(seconds(of("greetings.service", "TimeoutStopSec"))).isGreaterThan(seconds(stopLimit.group(1)));
        assertThat(seconds(of("greetings.service", "TimeoutStartSec"))).isGreaterThan(Duration.ofMinutes(1));
        assertThat(file("greetings.logrotate")).contains(
                "/var/log/" + of("greetings.service", "LogsDirectory") + "/", "--kill-whom=main", "greetings.service");
    }

    @Test
    void theServicesAreRight() {
        for (String file : List.of("services.toml", "systemd.toml")) {
            Run check = Run.sennit("services", "check", folder.resolve(file).toString());
            assertThat(check.exit()).as("%s: %s", file, check.err()).isZero();
        }
    }

    @Test
    void theContainerNamesNoHostAndRunsNoShell() throws Exception {
        assertThat(file("Containerfile")).contains("\nARG JAVA\nFROM ${JAVA}\n", "\nSTOPSIGNAL SIGTERM\n");
        assertThat(ofContainer("ENTRYPOINT")).startsWith("java").endsWith("services", "services.toml");
        assertThat(ofContainer("CMD")).startsWith("java").endsWith("status", "--file", "services.toml");
    }

    private ProcessBuilder builder(List<String> command, Map<String, String> environment) {
        List<String> inPath = new ArrayList<>(List.of("env")); // which looks into the path of the environment
        inPath.addAll(command);
        var builder = new ProcessBuilder(inPath).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().put("PATH",
                Path.of(System.getProperty("java.home"), "bin") + ":" + System.getenv("PATH"));
        builder.environment().put("XDG_RUNTIME_DIR", folder.toString());
        builder.environment().put("WEB_CONCURRENCY", "2");
        builder.environment().putAll(environment);
        return builder;
    }

    private void start(List<String> command, Map<String, String> environment) throws IOException {
        manager = builder(command, environment).redirectOutput(folder.resolve("log").toFile()).start();
    }

    private void runs(List<String> command, Map<String, String> environment) throws Exception {
        Process process = builder(command, environment).start();
        var said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as("%s: %s", command, said).isZero();
    }

    private void awaitUp() {
        await().atMost(LONGEST).pollInterval(Duration.ofMillis(10)).until(() -> isLogged("hello(0) READY")
                && isLogged("hello(1) READY"));
    }

    private boolean isLogged(String part) throws IOException {
        return Files.readString(folder.resolve("log")).contains(part);
    }

    private static String answer(int port) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port)).timeout(LONGEST).build(),
                    HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private void stop() throws Exception {
        manager.destroy(); // TERM
        assertThat(manager.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(manager.exitValue()).as(Files.readString(folder.resolve("log"))).isZero();
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void theProcfileRunsAndItsManagerGetsTheSignals() throws Exception {
        int port = freePort();
        String line = file("Procfile").strip();
        assertThat(line).startsWith("web: ");
        start(List.of("sh", "-c", line.substring("web: ".length())), Map.of("PORT", Integer.toString(port)));
        awaitUp();
        assertThat(answer(port)).startsWith("hello from worker ");
        runs(ofContainer("CMD"), Map.of("PORT", Integer.toString(port)));
        stop();
    }

    @Test
    void theUnitRunsOnItsSocketAndReloads() throws Exception {
        Path activate = Path.of("/usr/bin/systemd-socket-activate");
        Assumptions.assumeTrue(Files.isExecutable(activate), "no systemd-socket-activate on this machine");
        int port = freePort();
        Map<String, String> environment = Map.of("RUNTIME_DIRECTORY", folder.toString());
        List<String> command = new ArrayList<>(List.of(activate.toString(), "--listen=127.0.0.1:" + port,
                "--fdname=" + of("greetings.socket", "FileDescriptorName")));
        for (String variable : List.of("PATH", "WEB_CONCURRENCY", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")) {
            command.add("--setenv=" + variable);
        }
        command.addAll(List.of(of("greetings.service", "ExecStart").split(" ")));
        start(command, environment);
        await().atMost(LONGEST).until(() -> isLogged("Listening on"));
        assertThat(answer(port)).as("the client that had it started").startsWith("hello from worker ");
        awaitUp();
        runs(List.of(of("greetings.service", "ExecReload").split(" ")), environment);
        await().atMost(LONGEST).until(() -> isLogged("manager: has reloaded"));
        assertThat(answer(port)).startsWith("hello from worker ");
        stop();
    }
}
