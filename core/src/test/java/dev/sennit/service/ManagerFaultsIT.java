package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.SignalSender;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Managers in JVMs of their own: they have no descriptors, no room for files, stand still, hang, and are killed. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ManagerFaultsIT {
    private static final String TOO_MANY = "Too many open files";

    private final MarkedProcesses processes = new MarkedProcesses();
    private final List<String> lines = new CopyOnWriteArrayList<>();
    /** A short path: folders with a socket lie elsewhere where the temporary folder's own path is long. */
    private final Path folder = Path.of("/tmp/m" + ProcessHandle.current().pid());
    private Process manager;
    private PrintWriter orders;

    @BeforeEach
    void makeFolder() throws IOException {
        Files.createDirectory(folder);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        try {
            if (manager != null) {
                manager.destroyForcibly().waitFor();
            }
            Conditions.await("no process is left").untilAsserted(() -> assertThat(processes.alive()).isEmpty());
        } finally {
            processes.kill();
            try (var all = Files.walk(folder)) {
                for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(one);
                }
            }
        }
    }

    // ---- the program ----

    /** Starts it with a limit of the shell, such as "ulimit -n 100", and waits until all are ready. */
    private void start(String limit, int spares, Path... classPath) throws IOException {
        launch(limit, "-Dheld=false", spares, classPath);
        awaitLine(0, "# up");
    }

    private void launch(String limit, String option, int spares, Path... classPath) throws IOException {
        Path library = Jars.library(folder);
        // A jar: classes in a folder cannot be loaded without a descriptor.
        Path program = Jars.write(
                folder.resolve("program.jar"), ManagerProgram.class, ServiceStorm.Served.class,
                ServiceStorm.Late.class);
        List<String> command = new ArrayList<>(List.of(
                "sh", "-c", limit + " && exec \"$@\"", "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dsennit.cache=",
                "-Djava.io.tmpdir=" + folder, option, "--enable-native-access=ALL-UNNAMED",
                "-cp", library + File.pathSeparator + program, ManagerProgram.class.getName(), processes.mark(),
                Integer.toString(spares)));
        List.of(classPath).forEach(part -> command.add(part.toString()));
        manager = new ProcessBuilder(command).redirectErrorStream(true).start();
        orders = new PrintWriter(
                new OutputStreamWriter(manager.getOutputStream(), StandardCharsets.UTF_8), true);
        BufferedReader output = manager.inputReader();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                output.lines().forEach(lines::add);
            } catch (UncheckedIOException e) {
                // it was killed
            }
        });
    }

    /** Waits for a line that is not older than so many lines, and returns it. */
    private String awaitLine(int from, String part) {
        List<String> found = new ArrayList<>();
        Conditions.await(part).untilAsserted(() -> {
            lines.stream().skip(from).filter(line -> line.contains(part)).forEach(found::add);
            assertThat(found).as("%s among %s", part, lines).isNotEmpty();
        });
        return found.getFirst();
    }

    private String answer(String order, String part) {
        int from = lines.size();
        orders.println(order);
        return awaitLine(from, "# " + part);
    }

    /** What a worker is: "java 0 READY 4711 0", without its name. */
    private String[] worker(String name) {
        String all = answer("status", "[");
        int start = all.indexOf(name + " ") + name.length() + 1;
        return all.substring(start).split("[],]")[0].split(" ");
    }

    private int descriptors() {
        return Path.of("/proc", Long.toString(manager.pid()), "fd").toFile().list().length;
    }

    private List<Path> foldersLeft() throws IOException {
        try (var all = Files.list(folder)) {
            return all.filter(one -> one.getFileName().toString().startsWith("sennit-")).toList();
        }
    }

    /** Asks it to end. */
    private void end() throws Exception {
        int from = lines.size();
        orders.close();
        awaitLine(from, "# exits with 0");
        assertThat(manager.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(foldersLeft()).isEmpty();
    }

    // ---- descriptors ----

    @Test
    void withoutDescriptorsItSaysSoKeepsWhatRunsAndGoesOnWhenThereAreSome() throws Exception {
        start("ulimit -n 100", 0);
        int before = descriptors();
        String served = answer("status", "[");
        assertThat(answer("0", "held: ")).contains("Too many open files");

        int from = lines.size();
        orders.println("scale 3");
        assertThat(awaitLine(from, "java(2) DIED: cannot be started: ")).contains(TOO_MANY);
        assertThat(awaitLine(from, "command(2) DIED: cannot be started: ")).contains(TOO_MANY);
        assertThat(answer("reload", "failed: ")).contains("was given up, the former goes on", TOO_MANY);
        assertThat(lines.stream().skip(from)).as("one line each").allMatch(line -> line.matches("(#|20\\S+Z ).*"));
        for (String worker : List.of("java 0", "java 1", "command 0", "command 1")) {
            assertThat(served).contains(worker + " READY " + worker(worker)[1] + " 0");
        }

        from = lines.size();
        orders.println("free");
        awaitLine(from, "# java has 3");
        awaitLine(from, "# command has 3");
        answer("reload", "reloaded");
        from = lines.size();
        orders.println("scale 2");
        awaitLine(from, "# java has 2");
        awaitLine(from, "# command has 2");
        Conditions.await("no descriptor is lost").untilAsserted(() -> assertThat(descriptors()).isEqualTo(before));
        end();
    }

    /** A start fails half way. */
    @ParameterizedTest
    @ValueSource(ints = {12, 26})
    void withFewDescriptorsAStartThatFailsLosesNone(int few) throws Exception {
        start("ulimit -n 100", 0);
        int before = descriptors();
        String served = answer("status", "[");
        answer(Integer.toString(few), "held: ");
        int from = lines.size();
        orders.println("scale 3");
        awaitLine(from, "java(2) ");
        awaitLine(from, "command(2) ");

        orders.println("free");
        awaitLine(from, "# java has 3");
        awaitLine(from, "# command has 3");
        from = lines.size();
        orders.println("scale 2");
        awaitLine(from, "# java has 2");
        awaitLine(from, "# command has 2");
        assertThat(answer("status", "[")).isEqualTo(served);
        Conditions.await("no descriptor is lost").untilAsserted(() -> assertThat(descriptors()).isEqualTo(before));
        end();
    }

    private Path classes() throws IOException {
        Path classes = Files.createDirectory(folder.resolve("classes"));
        Jars.writeClasses(classes, ServiceStorm.Served.class, ServiceStorm.Late.class);
        return classes;
    }

    // ---- room ----

    @Test
    void withoutRoomForACopyOfTheClassPathAReloadIsRefusedAndTheOldServesOn() throws Exception {
        Path library = Jars.library(folder);
        Path classes = classes();
        long blocks = Files.size(library) / 512 + 512;
        start("ulimit -f " + blocks, 0, classes, library);
        String served = answer("status", "[");

        Path large = Files.write(classes.resolve("large"), new byte[(int) (blocks + 1) * 512]);
        assertThat(answer("reload", "refused: ")).contains("File too large");
        assertThat(answer("status", "[")).isEqualTo(served);
        assertThat(foldersLeft()).as("the copy that is in use").hasSize(1);

        Files.delete(large);
        answer("reload", "reloaded");
        end();
    }

    // ---- the manager itself ----

    private void signal(long pid, String name) throws Exception {
        SignalSender.send(ProcessHandle.of(pid).orElseThrow(), SignalSender.numberOf(name));
    }

    /** The kernel had their heartbeats meanwhile. */
    @Test
    void aManagerThatWasStoppedAndGoesOnKillsNoWorkerForItsOwnSilence() throws Exception {
        start("true", 0);
        String served = answer("status", "[");
        signal(manager.pid(), "STOP");
        new ProcessBuilder("sleep", "3.5").start().waitFor(); // the heartbeat limit is 2 s
        signal(manager.pid(), "CONT");

        assertThat(answer("status", "[")).isEqualTo(served);
        answer("reload", "reloaded");
        assertThat(lines).noneMatch(line -> line.contains(" DIED"));
        end();
    }

    private enum End {
        KILLED, STOPPED, HANGS
    }

    /** Nor does one that is stopped itself, with all its children. */
    @ParameterizedTest
    @EnumSource
    void noWorkerOutlivesAManagerThatIsKilled(End how) throws Exception {
        start("true", 1);
        Conditions.await("two JVMs and a spare, two commands of four processes")
                .untilAsserted(() -> assertThat(processes.alive()).hasSize(3 + 2 * 4));
        switch (how) {
            case KILLED -> {}
            case STOPPED -> signal(manager.pid(), "STOP");
            case HANGS -> {
                answer("hang", "hangs");
                int from = lines.size();
                signal(Long.parseLong(worker("java 0")[1]), "KILL");
                awaitLine(from, "java(0) READY"); // slots do without the thread that hangs
            }
        }
        stopAllButWatches();
        manager.destroyForcibly().waitFor();

        assertNoneIsLeft();
    }

    private void stopAllButWatches() throws Exception {
        for (String process : processes.alive()) {
            if (!process.contains(" sennit-watch ")) {
                signal(Long.parseLong(process.substring(0, process.indexOf(' '))), "STOP");
            }
        }
    }

    private void assertNoneIsLeft() {
        Conditions.await("none is left").untilAsserted(() -> assertThat(processes.alive()).isEmpty());
    }

    /** A lack of descriptors when it looks for the program that ties workers to it is no lack of that program. */
    @Test
    void aManagerThatBeganWithoutDescriptorsLeavesNoWorkerEither() throws Exception {
        launch("ulimit -n 100", "-Dheld=true", 0, classes(), Jars.library(folder));
        awaitLine(0, "java(0) DIED: cannot be started: ");
        awaitLine(0, "command(0) DIED: cannot be started: ");
        orders.println("free");
        awaitLine(0, "# up");

        stopAllButWatches();
        manager.destroyForcibly().waitFor();

        assertNoneIsLeft();
    }
}
