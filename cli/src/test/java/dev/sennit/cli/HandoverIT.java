package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.linux.UnixDatagram;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A manager hands its listeners to another, under load; or does not, and goes on. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(240)
class HandoverIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    private static final Pattern WORKER = Pattern.compile("\\S+ \\S+ STARTED, pid (\\d+)");
    private static final Pattern NEXT = Pattern.compile(".* starts process (\\d+), which is to take over: .*");
    private static final Duration LONGEST = Duration.ofSeconds(90);
    private static final int CLIENTS = 4;
    /** Requests before a change, and after it. */
    private static final int SOME = 50;

    /** Waits at its start while somebody is to open the pipe {@code gate}, and fails if it says so. */
    private static final String APPLICATION = """
            package com.acme;

            import dev.sennit.server.Routes;
            import dev.sennit.server.WebApplication;
            import dev.sennit.server.WebResponse;
            import java.io.IOException;
            import java.io.UncheckedIOException;
            import java.nio.file.Files;
            import java.nio.file.Path;

            public final class Shop implements WebApplication {
                private static final long serialVersionUID = 1L;

                @Override
                public Routes routes() {
                    Path gate = Path.of("gate");
                    try {
                        if (Files.exists(gate) && Files.readString(gate).equals("fail")) {
                            throw new IllegalStateException("no database");
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                    String pid = Long.toString(ProcessHandle.current().pid());
                    return Routes.create().get("/pid", _ -> WebResponse.text(pid));
                }
            }
            """;

    @TempDir
    Path temp;

    private final Map<String, String> environment = new HashMap<>();
    private final List<Manager> managers = new ArrayList<>();
    private int port;
    /** Whether a process was killed, whose files the next one removes that makes such. */
    private boolean hasKilled;

    /**
     * A command, and what it has said, with what those have said that it has started. A file has it: a pipe is closed
     * when the first of them ends.
     */
    private record Manager(Process process, Path output) {
        List<String> lines() {
            try {
                return Files.readAllLines(output);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void awaitLines(int count, Predicate<String> kind) {
            try {
                HandoverIT.await("lines", () -> lines().stream().filter(kind).count() >= count);
            } catch (ConditionTimeoutException e) {
                throw new AssertionError("no such line among " + String.join("\n", lines()), e);
            }
        }

        void await(String part) {
            awaitLines(1, line -> line.contains(part));
        }

        /** The processes that were started to take over. */
        List<Long> successors() {
            return found(NEXT);
        }

        List<Long> found(Pattern pattern) {
            return lines().stream().map(pattern::matcher).filter(Matcher::matches)
                    .map(found -> Long.parseLong(found.group(1))).toList();
        }

        int end() throws InterruptedException {
            assertThat(process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS))
                    .as("has ended: " + String.join("\n", lines())).isTrue();
            return process.exitValue();
        }
    }

    @BeforeEach
    void layOut() throws Exception {
        Files.createDirectories(temp.resolve("tmp"));
        new UserSources().with("com/acme/Shop.java", APPLICATION)
                .into(Files.createDirectories(temp.resolve("classes")), JAR);
        port = freePort();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        List<Long> pids = new ArrayList<>();
        for (Manager one : managers) {
            pids.add(one.process.pid());
            pids.addAll(one.successors());
        }
        for (long pid : pids) {
            signal("TERM", pid); // to none that is ending already, as it would not tidy up
        }
        for (Manager one : managers) {
            pids.addAll(one.found(WORKER));
        }
        try {
            await("all have ended", () -> pids.stream().noneMatch(HandoverIT::isAlive));
        } finally {
            pids.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
        }
        if (!hasKilled) {
            try (Stream<Path> left = Stream.concat(Files.walk(temp.resolve("tmp")), Files.walk(temp.resolve("run")))) {
                assertThat(left.filter(file -> !Files.isDirectory(file))).isEmpty();
            }
            try (Stream<Path> left = Files.list(temp)) {
                assertThat(left.map(file -> file.getFileName().toString())).noneMatch(name -> name.endsWith(".sock"));
            }
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
    }

    private static void signal(String name, long pid) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(pid)).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    private static void await(String what, Callable<Boolean> isSo) {
        Awaitility.await(what).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(10)).atMost(LONGEST)
                .until(isSo);
    }

    private List<String> java(String... options) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC", "-Dsennit.cache=", "-Djava.io.tmpdir=" + temp.resolve("tmp")));
        command.addAll(List.of(options));
        command.addAll(List.of("-jar", JAR.toString()));
        return command;
    }

    private Manager start(List<String> program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(program);
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).directory(temp.toFile()).redirectErrorStream(true);
        Path output = temp.resolve("output " + managers.size());
        builder.redirectOutput(output.toFile());
        builder.environment().put("XDG_RUNTIME_DIR", temp.resolve("run").toString());
        builder.environment().put("SENNIT_CLASSPATH", temp.resolve("classes").toString());
        builder.environment().putAll(environment);
        var manager = new Manager(builder.start(), output);
        managers.add(manager);
        return manager;
    }

    /** Starts the services of a.toml. */
    private Manager startUp(int workers) throws Exception {
        Manager manager = start(java(), "services", "a.toml");
        manager.awaitLines(workers, line -> line.contains(" READY"));
        return manager;
    }

    private void write(int workers, String more) throws IOException {
        write("tcp = \"127.0.0.1:" + port + "\"", workers, more);
    }

    private void write(String listener, int workers, String more) throws IOException {
        Files.writeString(temp.resolve("a.toml"), """
                %s
                [listeners.web]
                %s
                [services.web]
                application = "com.acme.Shop"
                classpath = ["classes"]
                listener = "web"
                workers = %d
                stop-limit = "10s"
                """.formatted(more, listener, workers));
    }

    /** The next workers wait at their start. */
    private void closeGate() throws Exception {
        assertThat(new ProcessBuilder("mkfifo", temp.resolve("gate").toString()).start().waitFor()).isZero();
    }

    private static void awaitRequests(RestlessClients clients) {
        long then = clients.answered();
        await("requests are answered: " + clients.failures(),
                () -> clients.answered() > then + SOME || !clients.failures().isEmpty());
    }

    private static String page(int port, String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
            return client.send(request, BodyHandlers.ofString()).body();
        }
    }

    private Run services(String... words) {
        List<String> all = new ArrayList<>(List.of("services"));
        all.addAll(List.of(words));
        all.addAll(List.of("--file", temp.resolve("a.toml").toString()));
        return Run.sennit(all.toArray(String[]::new));
    }

    private static int descriptors(long pid) throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return (int) open.count();
        }
    }

    private static void assertNoneFailed(RestlessClients clients) throws InterruptedException {
        clients.end();
        System.out.println(clients.answered() + " requests, " + clients.failures().size() + " failed");
        assertThat(clients.failures()).isEmpty();
    }

    @Test
    void threeHandoversLoseNoRequest() throws Exception {
        int pages = freePort();
        write(2, "metrics = { address = \"127.0.0.1:" + pages + "\" }");
        Manager first = startUp(2);
        assertThat(services("scale", "web", "3").exit()).isZero();
        int open = descriptors(first.process.pid());
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        awaitRequests(clients);

        signal("USR2", first.process.pid());
        assertThat(first.end()).as(String.join("\n", first.lines())).isZero();
        long second = first.successors().getFirst();
        assertThat(services("status").out().getFirst()).startsWith("a: up, pid " + second + ", ");
        assertThat(page(pages, "/readyz")).isEqualTo("ok\n");
        awaitRequests(clients);

        Run handover = services("handover");
        assertThat(handover.err()).allMatch(line -> line.startsWith("waits for process "));
        assertThat(handover.exit()).isZero();
        long third = first.successors().getLast();
        await("the second has ended", () -> !isAlive(second));
        first.await("process " + second + " has ended");
        awaitRequests(clients);

        Manager fourth = start(java(), "services", "a.toml", "--take-over");
        fourth.await("has taken over from process " + third);
        await("the third has ended", () -> !isAlive(third));
        Run status = services("status", "--json");
        assertThat(status.out().getFirst()).contains("\"pid\":" + fourth.process.pid());
        assertThat(status.out()).as("scaled as before").filteredOn(line -> line.startsWith("{\"worker\"")).hasSize(3);
        assertThat(page(pages, "/metrics")).contains("sennit_service_ready_workers{service=\"web\"} 3");
        awaitRequests(clients);
        assertNoneFailed(clients);
        await("no descriptor has come", () -> descriptors(fourth.process.pid()) <= open);

        assertThat(services("stop").exit()).isZero();
        assertThat(fourth.end()).isZero();
        assertThat(services("status").exit()).isEqualTo(3);
    }

    @Test
    void aNewManagerThatDiesIsNotMissed() throws Exception {
        hasKilled = true;
        write(1, "");
        Manager first = startUp(1);
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        closeGate();
        signal("USR2", first.process.pid());
        first.awaitLines(2, line -> line.contains("web(0) STARTED"));
        signal("KILL", first.successors().getFirst());
        first.await("has not handed over, and goes on: process " + first.successors().getFirst()
                + " has ended with exit code 137");
        awaitRequests(clients);

        Manager byHand = start(java(), "services", "a.toml", "--take-over");
        byHand.await("web(0) STARTED");
        signal("TERM", byHand.process.pid());
        assertThat(byHand.end()).isEqualTo(3);
        assertThat(byHand.lines()).filteredOn(line -> line.startsWith("sennit: ")).singleElement().asString()
                .isEqualTo("sennit: was told to stop before it had taken over; process " + first.process.pid()
                        + " goes on");
        first.await("process " + byHand.process.pid() + " has not taken over: was told to stop");
        Files.delete(temp.resolve("gate"));
        awaitRequests(clients);

        Files.writeString(temp.resolve("gate"), "fail");
        Run handover = services("handover");
        assertThat(handover.exit()).isEqualTo(1);
        assertThat(handover.err()).last().asString().contains("not handed over, the manager goes on: process ",
                " has ended with exit code 3: worker web(0) died before it was ready: ");
        Files.delete(temp.resolve("gate"));
        awaitRequests(clients);
        assertNoneFailed(clients);
        assertThat(services("status").out().getFirst()).startsWith("a: up, pid " + first.process.pid() + ", ");
        assertThat(services("reload").exit()).as("all is as before").isZero();
    }

    @Test
    void aManagerThatIsKilledInTheMiddleLeavesTheServicesToTheNew() throws Exception {
        hasKilled = true;
        write(1, "");
        Manager first = startUp(1);
        closeGate();
        Manager next = start(java(), "services", "a.toml", "--take-over");
        next.await("web(0) STARTED");
        signal("KILL", first.process.pid());
        first.end();
        Files.writeString(temp.resolve("gate"), "");
        next.await("the former manager, process " + first.process.pid() + ", has died; this one goes on");
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        awaitRequests(clients);
        assertNoneFailed(clients);
        assertThat(services("status").out().getFirst()).startsWith("a: up, pid " + next.process.pid() + ", ");
    }

    @Test
    void aFileThatIsBrokenChangesNothing() throws Exception {
        write(1, "");
        Manager first = startUp(1);
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        write(1, "broken = 1");
        Run handover = services("handover");
        assertThat(handover.exit()).isEqualTo(1);
        assertThat(handover.err()).last().asString().matches("sennit: not handed over, the manager goes on: process "
                + "\\d+ has ended with exit code 2: .*a\\.toml: 1 problem");
        first.awaitLines(1, line -> line.contains("has not handed over, and goes on: process "));
        awaitRequests(clients);

        write(1, "");
        Manager nobody = start(java(), "services", "b.toml", "--take-over");
        assertThat(nobody.end()).isEqualTo(2);
        Files.copy(temp.resolve("a.toml"), temp.resolve("b.toml"));
        Manager other = start(java(), "services", "b.toml", "--take-over");
        assertThat(other.end()).isEqualTo(3);
        assertThat(other.lines()).singleElement().asString()
                .startsWith("sennit: nobody listens on ").contains("there is no manager to take over from");
        assertNoneFailed(clients);
    }

    @Test
    void oneTakesOverAtATimeAndNothingElseChangesMeanwhile() throws Exception {
        write(1, "");
        Manager first = startUp(1);
        closeGate();
        signal("USR2", first.process.pid());
        first.awaitLines(2, line -> line.contains("web(0) STARTED"));
        long next = first.successors().getFirst();

        signal("USR2", first.process.pid());
        first.await("does not hand over: process " + next + ", which is to take over, was started already");
        Manager third = start(java(), "services", "a.toml", "--take-over");
        assertThat(third.end()).isEqualTo(3);
        assertThat(third.lines()).singleElement().asString().isEqualTo("sennit: cannot take over: process " + next
                + " takes over already");
        Run reload = services("reload");
        assertThat(reload.exit()).isEqualTo(1);
        assertThat(reload.err()).singleElement().asString()
                .isEqualTo("sennit: not reloaded: process " + next + " takes over: wait until it has");
        assertThat(services("scale", "web", "2").exit()).isEqualTo(2);

        signal("TERM", first.process.pid());
        assertThat(first.end()).isZero();
        first.await("sennit: cannot take over from process " + first.process.pid() + ": the manager was told to stop");
        await("the new one ends with it", () -> !isAlive(next));
    }

    @Test
    void aUnixSocketStays() throws Exception {
        Path socket = temp.resolve("web.sock");
        write("unix = \"web.sock\"\nmode = \"0620\"", 1, "");
        Manager first = startUp(1);
        Object file = Files.getAttribute(socket, "unix:ino");
        RestlessClients clients = RestlessClients.of(socket, CLIENTS);
        awaitRequests(clients);
        write("unix = \"web.sock\"\nmode = \"0660\"", 1, "control = \"other.sock\"");
        signal("USR2", first.process.pid());
        assertThat(first.end()).isZero();
        awaitRequests(clients);
        assertNoneFailed(clients);
        assertThat(Files.getAttribute(socket, "unix:ino")).isEqualTo(file);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket))).isEqualTo("rw-rw----");
        assertThat(temp.resolve("a.toml.sock")).doesNotExist();
        assertThat(services("status").exit()).isZero();
        assertThat(services("stop").exit()).isZero();
        await("the new one has ended", () -> !isAlive(first.successors().getFirst()));
        assertThat(socket).doesNotExist();
    }

    @Test
    void anApplicationIsHandedOverByTheLauncherThatIsThereThen() throws Exception {
        Path launcher = temp.resolve("launcher");
        String script = "#!/bin/sh\nexport SENNIT_LAUNCHER=\"$$ $# $0\"\nexec '" + String.join("' '", java("%s"))
                + "' \"$@\"\n";
        Files.writeString(launcher, script.formatted("-Drelease=1"));
        assertThat(launcher.toFile().setExecutable(true)).isTrue();
        Manager first = start(List.of(launcher.toString()), "serve", "com.acme.Shop", "--listen", "127.0.0.1:" + port,
                "--workers", "1");
        first.await("web(0) READY");
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        awaitRequests(clients);
        Files.writeString(launcher, script.formatted("-Drelease=2"));
        signal("USR2", first.process.pid());
        assertThat(first.end()).isZero();
        long second = first.successors().getFirst();
        first.await("starts process " + second + ", which is to take over: " + launcher + " serve com.acme.Shop");
        Process jcmd = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(second), "VM.system_properties").redirectErrorStream(true).start();
        assertThat(new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).contains("\nrelease=2\n");
        awaitRequests(clients);

        Manager byHand = start(List.of(launcher.toString()), "serve", "com.acme.Shop", "--listen",
                "127.0.0.1:" + port, "--workers", "1", "--take-over", Long.toString(second));
        byHand.await("has taken over from process " + second);
        await("the second has ended", () -> !isAlive(second));
        assertNoneFailed(clients);
    }

    @Test
    void systemdHearsOfTheNewMainProcess() throws Exception {
        Path notify = temp.resolve("notify");
        try (UnixDatagram systemd = UnixDatagram.bind(notify)) {
            environment.put("NOTIFY_SOCKET", notify.toString());
            environment.put("WATCHDOG_USEC", "600000000");
            write(1, "");
            Manager first = startUp(1);
            List<String> told = new ArrayList<>();
            await("ready", () -> heard(systemd, told, "READY=1"));
            signal("USR2", first.process.pid());
            await("the main process", () -> heard(systemd, told, "MAINPID="));
            assertThat(told).last().isEqualTo("MAINPID=" + first.successors().getFirst());
            told.clear();
            await("the new one is ready", () -> heard(systemd, told, "READY=1"));
            assertThat(told).as("the old one is silent").noneMatch(line -> line.startsWith("STOPPING"));
            assertThat(first.end()).isZero();
            signal("TERM", first.successors().getFirst());
            await("the new one stops", () -> heard(systemd, told, "STOPPING=1"));
            await("the new one has ended", () -> !isAlive(first.successors().getFirst()));
        }
    }

    @Test
    void socketsOfSystemdComeFromTheOldManager() throws Exception {
        Path activate = Path.of("/usr/bin/systemd-socket-activate");
        Assumptions.assumeTrue(Files.isExecutable(activate), "no systemd-socket-activate on this machine");
        write("systemd = \"web\"", 1, "");
        List<String> command = new ArrayList<>(List.of(activate.toString(), "--listen=127.0.0.1:" + port,
                "--listen=127.0.0.1:" + freePort(), "--fdname=web:spare",
                "--setenv=XDG_RUNTIME_DIR=" + temp.resolve("run")));
        command.addAll(java());
        Manager first = start(command, "services", "a.toml");
        first.await("Listening on");
        RestlessClients clients = RestlessClients.of(port, CLIENTS);
        first.await("web(0) READY");
        awaitRequests(clients);
        signal("USR2", first.process.pid());
        assertThat(first.end()).as(String.join("\n", first.lines())).isZero();
        awaitRequests(clients);

        long second = first.successors().getLast();
        write("systemd = \"spare\"", 1, "");
        assertNoneFailed(clients);
        assertThat(services("handover").exit()).isZero(); // a socket that none of both managers had used
        await("the second has ended", () -> !isAlive(second));
        write("systemd = \"web\"", 1, "");
        assertThat(services("handover").exit()).isZero(); // nor has it lost that which the third did not use
        RestlessClients others = RestlessClients.of(port, CLIENTS);
        awaitRequests(others);
        assertNoneFailed(others);
    }

    private static boolean heard(UnixDatagram systemd, List<String> told, String message) throws IOException {
        for (byte[] next = systemd.receive(); next != null; next = systemd.receive()) {
            told.add(new String(next, StandardCharsets.UTF_8));
            if (told.getLast().startsWith(message)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aFlightRecordingDoesNotHandOver() throws Exception {
        write(1, "");
        Manager first = start(java("-XX:StartFlightRecording:filename=" + temp.resolve("a.jfr")), "services", "a.toml");
        first.await("web(0) READY");
        signal("USR2", first.process.pid());
        first.await("USR2 is ignored, as the flight recorder of this JVM sends it, too: sennit services handover");
        assertThat(first.successors()).isEmpty();
    }

    @Test
    void withoutNativeAccessNothingIsHandedOver() throws Exception {
        List<String> denied = java("--illegal-native-access=deny", "-cp", JAR.toString());
        denied.subList(denied.size() - 2, denied.size()).clear(); // not -jar, whose manifest would allow it
        denied.add("dev.sennit.cli.Main");
        write(1, "");
        Manager first = startUp(1);
        Manager next = start(denied, "services", "a.toml", "--take-over");
        assertThat(next.end()).isEqualTo(3);
        assertThat(next.lines()).filteredOn(line -> line.startsWith("sennit: ")).singleElement().asString()
                .startsWith("sennit: sockets can be taken over only with native access, so nothing has changed; ");
        assertThat(first.lines()).noneMatch(line -> line.contains("take"));
    }
}
