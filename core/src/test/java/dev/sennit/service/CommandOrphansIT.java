package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.SignalSender;
import dev.sennit.process.WorkerProcess;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A manager that is killed leaves nothing of its commands. */
@EnabledOnOs(OS.LINUX)
class CommandOrphansIT {
    /** Neither it nor what it starts heeds what can be ignored. The last line says that both are there. */
    private static final String STUBBORN =
            "trap '' TERM HUP INT; (while :; do sleep 0.1; done) & echo up; while :; do sleep 0.1; done";

    private final MarkedProcesses processes = new MarkedProcesses();
    private final List<WorkerProcess> managers = new CopyOnWriteArrayList<>();

    @AfterEach
    void killManagers() {
        managers.forEach(WorkerProcess::kill);
    }

    /** Starts a manager in a JVM of its own, which says when its command is up. */
    private WorkerProcess startManager(String script, Duration orphanLimit) throws InterruptedException {
        var up = new CountDownLatch(1);
        Map<String, String> environment = processes.environment();
        WorkerProcess manager = WorkerProcess.builder()
                .heap("64m")
                .onLine((name, error, line) -> {
                    if (line.equals("up")) {
                        up.countDown();
                    }
                })
                .start(() -> manage(script, orphanLimit, environment));
        managers.add(manager);
        assertThat(up.await(60, TimeUnit.SECONDS)).isTrue();
        return manager;
    }

    private static void manage(String script, Duration orphanLimit, Map<String, String> environment) throws Exception {
        ServiceSettings settings = ServiceSettings.ofCommand("test", "sh", "-c", script)
                .environment(environment)
                .orphanLimit(orphanLimit)
                .build();
        new CommandLauncher(settings, "test worker(0)", (error, text) -> System.out.println(text)).start(new Told());
        new CountDownLatch(1).await();
    }

    private void awaitNone(Duration limit) {
        Awaitility.await()
                .atMost(limit)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(processes.alive()).isEmpty());
    }

    /** The processes of the test's command line, the shell and the watch apart. */
    private List<ProcessHandle> stubborn(WorkerProcess manager) {
        return manager.toHandle().descendants()
                .filter(process -> process.info().commandLine().orElse("").contains("trap ''"))
                .toList();
    }

    @Test
    void whatHeedsTermIsGoneAtOnce() throws Exception {
        WorkerProcess manager = startManager("sleep 100 & echo up; exec sleep 100", Duration.ofHours(1));
        assertThat(processes.alive()).hasSizeGreaterThanOrEqualTo(4);

        manager.kill();

        awaitNone(Duration.ofSeconds(10));
    }

    @Test
    void whatDoesNotIsGoneAtTheLimit() throws Exception {
        WorkerProcess manager = startManager(STUBBORN, Duration.ofSeconds(1));

        manager.kill();
        manager.join();

        Awaitility.await()
                .during(Duration.ofMillis(300))
                .atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(processes.alive()).isNotEmpty());
        awaitNone(Duration.ofSeconds(10));
    }

    @Test
    void withoutALimitNothingIsAsked() throws Exception {
        WorkerProcess manager = startManager(STUBBORN, Duration.ZERO);

        manager.kill();

        awaitNone(Duration.ofSeconds(10));
    }

    @Test
    void whatIsStoppedGoesToo() throws Exception {
        WorkerProcess manager = startManager(STUBBORN, Duration.ofMillis(100));
        List<ProcessHandle> stopped = stubborn(manager);
        // A sleep that has just been forked still looks like its shell.
        assertThat(stopped).as("the keeper, the command, its child").hasSizeGreaterThanOrEqualTo(3);
        for (ProcessHandle process : stopped) {
            SignalSender.send(process, SignalSender.numberOf("STOP"));
        }

        manager.kill();

        awaitNone(Duration.ofSeconds(10));
    }
}
