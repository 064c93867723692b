package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.FailingBackend;
import dev.sennit.internal.SignalSender;
import dev.sennit.internal.linux.UnixDatagram;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands as runs: how they start, get ready, take orders and end, and that none leaves a process. */
@EnabledOnOs(OS.LINUX)
class CommandLauncherIT {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Readiness READY = new Readiness.Line(Pattern.compile("^up$"));
    /** Ignores what can be ignored, and says so. */
    private static final String STUBBORN = "trap '' TERM HUP INT; echo up; while :; do sleep 0.1; done";

    private final MarkedProcesses processes = new MarkedProcesses();
    private final Told told = new Told();
    private final List<Run> runs = new ArrayList<>();

    @AfterEach
    void nothingIsLeft() {
        runs.forEach(Run::kill);
        Awaitility.await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> assertThat(processes.alive()).isEmpty());
    }

    /** The watch was killed just before, and may still be about to go. */
    private void assertNothingRuns() {
        assertThat(processes.alive()).allMatch(process -> process.contains(" sennit-watch "));
    }

    private Run start(UnaryOperator<ServiceSettings.Builder> more, String... command) throws IOException {
        ServiceSettings settings = more.apply(ServiceSettings.ofCommand("test", command)
                .environment(processes.environment())
                .stopLimit(Duration.ofSeconds(30)))
                .build();
        Run run = new CommandLauncher(settings, "test worker(0)", told).start(told);
        runs.add(run);
        return run;
    }

    private Run shell(String script) throws IOException {
        return start(settings -> settings.readiness(READY), "sh", "-c", script);
    }

    private static void signal(long pid, String name) throws IOException, InterruptedException {
        SignalSender.send(ProcessHandle.of(pid).orElseThrow(), SignalSender.numberOf(name));
    }

    // ---- ends ----

    @ParameterizedTest
    @CsvSource({
        "exit 0, 0", "exit 3, 3", "exit 200, 200", "kill -KILL $$, -9", "kill -TERM $$, -15", "kill -INT $$, -2",
        "kill -SEGV $$, -11"
    })
    void itEndsAsItsCommandDoes(String script, int code) throws Exception {
        Run run = shell("echo said; " + script);

        RunEnd end = told.end();

        assertThat(end.exitCode()).isEqualTo(code);
        assertThat(end.wasKilled()).isFalse();
        assertThat(told.all()).containsExactly("out said", "ended");
        assertThat(end.why()).endsWith(code == 0 ? "exited with code 0" : "; it said: said");
        assertNothingRuns();
        run.terminate(LONG);
        run.reload();
        run.kill();
        assertThat(run).hasToString("CommandRun[test worker(0), pid " + run.pid() + ", is over]");
    }

    @Test
    void itsProcessIsTheCommandItself() throws Exception {
        Run run = shell("echo $$; echo up; exec sleep 100");

        told.awaitReady();

        assertThat(told.all()).contains("out " + run.pid());
        assertThat(ProcessHandle.of(run.pid()).orElseThrow().info().commandLine().orElse("")).contains("sleep 100");
    }

    @Test
    void theLastLinesOfBothStreamsSayWhy() throws Exception {
        shell("echo one; echo two >&2; exit 1");

        assertThat(told.end().why()).startsWith("exited with code 1; it said: ").contains("one").contains("two");
    }

    @Test
    void aCommandInheritsNoFileNoInputAndNoIgnoredSignal() throws Exception {
        Process plain = new ProcessBuilder("grep", "SigIgn", "/proc/self/status").start();
        String signals = new String(plain.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        shell("cat; ls /proc/self/fd; grep SigIgn /proc/self/status");

        told.end();

        assertThat(told.all())
                .as("the fourth is the folder that ls reads")
                .containsExactly("out 0", "out 1", "out 2", "out 3", "out " + signals, "ended");
    }

    @Test
    void itHasTheDirectoryAndTheEnvironmentOfItsSettings(@TempDir Path folder) throws Exception {
        Path real = folder.toRealPath();
        Map<String, String> mine = new HashMap<>(processes.environment());
        mine.putAll(Map.of("a.b-c", "odd one", "left", "5", "code", "6", "ids", "7", "SPACE", " $HOME '\" "));
        start(settings -> settings.directory(real).environment(mine), "env");

        told.end();

        assertThat(told.all()).contains(
                "out a.b-c=odd one", "out code=6", "out ids=7", "out left=5", "out SPACE= $HOME '\" ",
                "out PWD=" + real);
        assertThat(told.all()).noneMatch(line -> line.startsWith("out NOTIFY_") || line.startsWith("out LISTEN_"));
    }

    // ---- orders ----

    @Test
    void termGoesToTheWholeGroup() throws Exception {
        Run run = shell("(trap 'echo child; exit' TERM; echo up; while :; do sleep 0.05; done) & wait");
        told.awaitReady();

        run.terminate(LONG);

        RunEnd end = told.end();
        assertThat(end).isEqualTo(new RunEnd(-15, false, "was killed by signal 15 (SIGTERM)"));
        assertThat(told.all()).contains("out child");
    }

    /** The shell dies of TERM at once; what it started has until the limit all the same, and is heard. */
    @Test
    void childrenOfACommandThatHasEndedMayFinish() throws Exception {
        Run run = shell("(trap 'sleep 0.5; echo drained; exit' TERM; echo up; while :; do sleep 0.05; done) & wait");
        told.awaitReady();

        run.terminate(LONG);

        assertThat(told.end().wasKilled()).isFalse();
        assertThat(told.all()).endsWith("out drained", "ended");
    }

    @Test
    void whatDoesNotHeedTermIsKilledAtTheLimit() throws Exception {
        Run run = shell("sh -c \"" + STUBBORN + "\" & " + STUBBORN);
        told.awaitReady();

        run.terminate(LONG);
        assertThat(told.hasEnded()).isFalse();
        run.terminate(Duration.ofMillis(300));
        run.terminate(LONG);

        RunEnd end = told.end();
        assertThat(end.exitCode()).isEqualTo(-9);
        assertThat(end.wasKilled()).isTrue();
        assertThat(end.why()).startsWith("was killed, as it did not end within 300 ms; it said: up");
        assertNothingRuns();
    }

    @Test
    void childrenThatDoNotHeedTermAreKilledAtTheLimit() throws Exception {
        Run run = shell("sh -c \"" + STUBBORN + "\" & wait");
        told.awaitReady();

        run.terminate(Duration.ofMillis(300));

        RunEnd end = told.end();
        assertThat(end.exitCode()).isEqualTo(-15);
        assertThat(end.wasKilled()).isTrue();
        assertNothingRuns();
    }

    /** Nobody asked it to end, so nobody says how long its children have: the stop limit counts. */
    @Test
    void childrenOfACommandThatDiedAreKilledAtTheStopLimit() throws Exception {
        start(
                settings -> settings.readiness(READY).stopLimit(Duration.ofMillis(200)),
                "sh", "-c", "sh -c \"" + STUBBORN + "\" & sleep 0.3; exit 7");

        assertThat(told.end().exitCode()).isEqualTo(7);
        assertNothingRuns();
    }

    @Test
    void killEndsTheWholeGroup() throws Exception {
        Run run = shell("sh -c \"" + STUBBORN + "\" & " + STUBBORN);
        told.awaitReady();

        run.kill();

        assertThat(told.end()).isEqualTo(new RunEnd(-9, true, told.end().why()));
        assertNothingRuns();
    }

    @Test
    void aStoppedCommandHandlesTerm() throws Exception {
        Run run = shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
        told.awaitReady();
        signal(run.pid(), "STOP");

        run.terminate(LONG);

        assertThat(told.end().exitCode()).isZero();
        assertThat(told.all()).contains("out bye").endsWith("ended");
    }

    @Test
    void aStoppedCommandIsKilled() throws Exception {
        Run run = shell(STUBBORN);
        told.awaitReady();
        signal(run.pid(), "STOP");

        run.kill();

        assertThat(told.end().exitCode()).isEqualTo(-9);
    }

    @Test
    void reloadGoesToTheCommandAndNotToItsChildren() throws Exception {
        Run run = shell("(trap 'echo no' HUP; while :; do sleep 0.05; done) & trap 'echo again' HUP; echo up; "
                + "while :; do sleep 0.05; done");
        told.awaitReady();

        run.reload();
        told.await("out again");
        run.terminate(LONG);

        told.end();
        assertThat(told.all()).doesNotContain("out no");
    }

    @Test
    void signalsToTheShellThatKeepsItChangeNothing() throws Exception {
        Run run = shell("echo up; exec sleep 100");
        told.awaitReady();
        long keeper = ProcessHandle.of(run.pid()).orElseThrow().parent().orElseThrow().pid();

        signal(keeper, "INT");
        signal(keeper, "HUP");
        signal(keeper, "TERM");
        run.terminate(LONG);

        assertThat(told.end().exitCode()).isEqualTo(-15);
    }

    @Test
    void killingTheShellThatKeepsItEndsIt() throws Exception {
        Run run = shell("sh -c \"" + STUBBORN + "\" & sleep 100");
        told.awaitReady();

        ProcessHandle.of(run.pid()).orElseThrow().parent().orElseThrow().destroyForcibly();

        assertThat(told.end().exitCode()).isEqualTo(-9); // the orphan limit later, nothing is left
    }

    @Test
    void aStoppedShellThatKeepsItDelaysTheEndOfAKilledCommandByASecondAtMost() throws Exception {
        Run run = shell(STUBBORN);
        told.awaitReady();
        signal(ProcessHandle.of(run.pid()).orElseThrow().parent().orElseThrow().pid(), "STOP");

        run.kill();

        assertThat(told.end().wasKilled()).isTrue();
    }

    @Test
    void withoutATimerItIsKilledAtOnce() throws Exception {
        Run run = shell(STUBBORN);
        told.awaitReady();

        try (var _ = FailingBackend.withoutTimers()) {
            run.terminate(LONG);
            assertThat(told.end().wasKilled()).isTrue();
        }
        assertThat(told.end().why()).startsWith("was killed: there was no timer for its end");
    }

    @Test
    void aCommandWithoutASessionOfItsOwnIsSignalledAlone() throws Exception {
        ServiceSettings settings = ServiceSettings.ofCommand("test", "sh", "-c", "echo up; exec sleep 100")
                .environment(processes.environment())
                .readiness(READY)
                .build();
        Run run = new CommandLauncher(settings, "test worker(0)", told, null).start(told);
        told.awaitReady();

        run.terminate(LONG);

        assertThat(told.end().exitCode()).isEqualTo(-15);
    }

    // ---- readiness ----

    @Test
    void itIsReadyOnceItHasLivedForATime() throws Exception {
        long start = System.nanoTime();
        start(settings -> settings.readiness(new Readiness.Alive(Duration.ofMillis(300))), "sleep", "100");

        told.awaitReady();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(300));
    }

    @Test
    void aCommandThatEndsBeforeIsNeverReady() throws Exception {
        start(settings -> settings.readiness(new Readiness.Alive(Duration.ofSeconds(20))), "sleep", "0.1");

        told.end();

        assertThat(told.all()).containsExactly("ended");
    }

    @Test
    void itIsReadyOnceALineOfEitherStreamMatches() throws Exception {
        start(
                settings -> settings.readiness(new Readiness.Line(Pattern.compile("listening on \\d+"))),
                "sh", "-c", "echo listening; echo now listening on 80 >&2; echo listening on 81; exec sleep 100");

        told.awaitReady();
        told.await("out listening on 81");
        runs.getFirst().kill();
        told.end();

        assertThat(told.all()).containsOnlyOnce("ready");
    }

    @Test
    void itIsReadyOnceItsPortAccepts() throws Exception {
        int port;
        try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        start(settings -> settings.readiness(new Readiness.Port(port)), "sleep", "100");
        assertThat(Ports.accepts(port)).isFalse();
        assertThat(told.isReady()).isFalse();

        try (var listening = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            told.awaitReady();
            assertThat(listening.isBound()).isTrue();
        }
    }

    @Test
    void itIsReadyOnceItSaysSo() throws Exception {
        start(settings -> settings.readiness(new Readiness.Said()), "sh", "-c", "echo $NOTIFY_SOCKET; exec sleep 100");
        Awaitility.await().until(() -> !told.all().isEmpty());
        String socket = told.all().getFirst().substring("out ".length());

        UnixDatagram.send(socket, "STATUS=READY=1 is far\nREADY=0".getBytes(StandardCharsets.UTF_8));
        UnixDatagram.send(socket, new byte[3000]);
        UnixDatagram.send(socket, new byte[0]);
        assertThat(told.isReady()).isFalse();
        UnixDatagram.send(socket, "MAINPID=1\nREADY=1\n".getBytes(StandardCharsets.UTF_8));
        UnixDatagram.send(socket, "READY=1".getBytes(StandardCharsets.UTF_8));

        told.awaitReady();
        runs.getFirst().terminate(LONG);
        told.end();
        assertThat(told.all()).containsExactly("out " + socket, "ready", "ended");
        assertThat(Path.of(socket).getParent()).doesNotExist();
    }

    // ---- what cannot start ----

    @Test
    void whatCannotStartSaysWhatToDo(@TempDir Path folder) throws Exception {
        Path text = Files.writeString(folder.resolve("text"), "no program");
        assertThatThrownBy(() -> start(settings -> settings.environment(Map.of("PATH", "/bin:/no")), "no-such"))
                .isInstanceOf(IOException.class)
                .hasMessage("test worker(0) cannot start: there is no program no-such in PATH (/bin:/no): install it, "
                        + "or name it with its folder");
        assertThatThrownBy(() -> start(settings -> settings.directory(folder), "./no-such"))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("no-such: install it, or correct its command");
        assertThatThrownBy(() -> start(settings -> settings, text.toString()))
                .isInstanceOf(IOException.class)
                .hasMessage("test worker(0) cannot start: its program " + text + " may not be executed: chmod +x "
                        + text);
        assertThatThrownBy(() -> start(settings -> settings.directory(folder.resolve("no")), "sleep", "1"))
                .isInstanceOf(IOException.class)
                .hasMessage("test worker(0) cannot start: its directory " + folder.resolve("no")
                        + " does not exist: make that folder, or set another directory");
        assertThatThrownBy(() -> start(settings -> settings.directory(text), "sleep", "1"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is a file");
        assertThatThrownBy(() -> start(settings -> settings, "a\0b")).isInstanceOf(IOException.class);
        assertThat(told.all()).isEmpty();
    }

    @Test
    void whereNoThreadCanBeHadNothingStarts() {
        for (String thread : List.of("-out", "-err", "-end", "-notify")) {
            try (var _ = FailingBackend.withoutThreads(each -> each.getName().endsWith(thread))) {
                assertThatThrownBy(() -> start(settings -> settings.readiness(new Readiness.Said()), "sleep", "100"))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("unable to create native thread");
            }
        }
        assertThat(told.all()).isEmpty();
    }
}
