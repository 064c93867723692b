package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged command as process 1, as it is in a container: the kernel gives that process no default action for
 * signals, and makes it the parent of all orphans.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ProcessOneIT {
    private static final Path JAR = Path.of("target/sennit.jar").toAbsolutePath();
    /** To be followed by a command, which is process 1 then, and dies with this one. */
    private static final List<String> AS_PROCESS_ONE = List.of(
            "unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc");
    private static final int ORPHANS = 20;

    @TempDir
    Path temp;

    private Path log;
    private Process unshare;

    @BeforeAll
    static void thisMachineAllowsIt() throws Exception {
        List<String> command = new ArrayList<>(AS_PROCESS_ONE);
        command.addAll(List.of("sh", "-c", "test $$ = 1"));
        String why;
        try {
            Process trial = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(trial.getInputStream().readAllBytes());
            why = trial.waitFor() == 0 ? "" : "exit code " + trial.exitValue() + " " + said;
        } catch (IOException e) { // there is no unshare
            why = e.toString();
        }
        Assumptions.assumeTrue(why.isEmpty(), "no pid namespaces for users on this machine: " + why);
    }

    private void start(String file) throws IOException {
        Files.writeString(temp.resolve("a.toml"), file);
        log = temp.resolve("log");
        List<String> command = new ArrayList<>(AS_PROCESS_ONE);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dsennit.cache=", "-jar", JAR.toString(), "services",
                "a.toml"));
        var builder = new ProcessBuilder(command)
                .directory(temp.toFile()).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("XDG_RUNTIME_DIR", temp.resolve("run").toString());
        unshare = builder.start();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        if (unshare != null) {
            List<ProcessHandle> all = unshare.descendants().toList();
            unshare.destroyForcibly().waitFor();
            await("all have ended", () -> all.stream().noneMatch(ProcessHandle::isAlive));
        }
    }

    private void await(String what, Callable<Boolean> isSo) {
        Awaitility.await(what).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(5))
                .atMost(Duration.ofSeconds(60)).until(isSo);
    }

    private void awaitLines(int count, String part) throws IOException {
        try {
            await(part, () -> Files.readAllLines(log).stream().filter(line -> line.contains(part)).count() >= count);
        } catch (Exception e) {
            throw new AssertionError(part + " is not among " + Files.readAllLines(log), e);
        }
    }

    /** Sends a signal from outside, as engines do: one that has no handler does not reach process 1. */
    private void signal(String name) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(processOne())).inheritIO().start().waitFor())
                .isZero();
    }

    private long processOne() {
        return unshare.children().findFirst().orElseThrow().pid();
    }

    private int exitCode() throws Exception {
        assertThat(unshare.waitFor(60, TimeUnit.SECONDS)).as("%s", Files.readAllLines(log)).isTrue();
        return unshare.exitValue();
    }

    /** Returns how many children of process 1 have command lines that end so, or are zombies. */
    private int childrenOfProcessOne(String end) throws IOException {
        int count = 0;
        for (ProcessHandle one : unshare.children().findFirst().orElseThrow().children().toList()) {
            Path folder = Path.of("/proc", Long.toString(one.pid()));
            try {
                boolean isZombie = Files.readString(folder.resolve("status")).contains("\nState:\tZ");
                String command =
                        isZombie ? "zombie" : Files.readString(folder.resolve("cmdline")).replace("\0", " ").strip();
                count += command.endsWith(end) ? 1 : 0;
            } catch (IOException e) {
                // it has ended
            }
        }
        return count;
    }

    @Test
    void orphansAreReapedAndWorkersKeepTheirExitCodes() throws Exception {
        start("""
                [services.forks]
                command = ["sh", "-c", '''
                for i in $(seq %1$d); do (sh -c "until [ -e go ]; do sleep 0.1; done # orphan" &); done
                echo forked
                exec sleep 600
                ''']
                ready = { line = "forked" }

                [services.crashes]
                command = ["sh", "-c", "exit 7"]
                after = ["forks"]
                backoff = { first = "20ms", most = "40ms" }
                deaths = { count = %1$d, within = "10m", then = "fail" }
                """.formatted(ORPHANS));
        awaitLines(1, "forks(0) READY");
        await("process 1 has the orphans", () -> childrenOfProcessOne("# orphan") == ORPHANS);
        Files.createFile(temp.resolve("go"));
        awaitLines(1, "crashes(0) FAILED");
        await("none is left", () -> childrenOfProcessOne("# orphan") + childrenOfProcessOne("zombie") == 0);

        assertThat(Files.readAllLines(log)).filteredOn(line -> line.contains(" DIED: ")).hasSize(ORPHANS)
                .allMatch(line -> line.contains("crashes(0) DIED: exited with code 7, pid "));
        signal("TERM");
        assertThat(exitCode()).as("one has failed").isEqualTo(1);
    }

    @Test
    void javaServicesRunAndSignalsAreObeyed() throws Exception {
        new UserSources().with("com/acme/Worker.java", """
                package com.acme;

                import dev.sennit.service.Service;
                import dev.sennit.service.ServiceWorker;

                public class Worker implements Service {
                    @Override
                    public void run(ServiceWorker me) throws Exception {
                        System.out.println("works in process " + ProcessHandle.current().pid());
                        me.awaitStop();
                        System.out.println("has ended its work");
                    }
                }
                """).intoJar(temp.resolve("app.jar"));
        start("""
                [services.worker]
                class = "com.acme.Worker"
                classpath = ["app.jar"]
                """);
        awaitLines(1, "a runs " + temp.toRealPath().resolve("a.toml") + " as process 1");
        awaitLines(1, "worker(0) READY");
        awaitLines(1, "worker(0) out: works in process ");
        signal("HUP");
        awaitLines(1, "manager: has reloaded");
        awaitLines(2, "worker(0) READY");
        signal("TTIN");
        awaitLines(1, "worker(1) READY");
        signal("USR2");
        awaitLines(1, "manager: does not hand over: it is process 1, with which the container ends; replace the "
                + "container");
        signal("INT");
        assertThat(exitCode()).isZero();
        awaitLines(3, "out: has ended its work");
    }

    @Test
    void theSecondInterruptKillsAndTheExitCodeTells() throws Exception {
        start("""
                [services.deaf]
                command = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"]
                ready = { line = "up" }
                stop-limit = "10m"
                """);
        awaitLines(1, "deaf(0) READY");
        signal("INT");
        awaitLines(1, "deaf(0) STOPPING");
        signal("INT");
        assertThat(exitCode()).isEqualTo(1);

        start("[services.a]\ncomand = [\"true\"]\n");
        assertThat(exitCode()).isEqualTo(2);
    }
}
