package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.internal.linux.SystemdNotifier;
import dev.sennit.internal.linux.UnixDatagram;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What systemd hears of a manager without services, which is up. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SystemdTellerIT {
    private static final String UP = "STATUS=0 of 0 workers of 0 services are ready or done";

    @TempDir
    Path folder;

    private UnixDatagram systemd;
    private SystemdNotifier notifier;
    private ServiceManager manager;
    private ServiceLog log;
    private SystemdTeller teller;

    @BeforeEach
    void start() throws IOException {
        systemd = UnixDatagram.bind(folder.resolve("notify"));
        notifier = SystemdNotifier.of(Map.of("NOTIFY_SOCKET", systemd.path().toString()));
        manager = ServiceManager.create("told");
        manager.start();
        log = ServiceLog.to(new ByteArrayOutputStream(), ServiceLog.Format.TEXT);
        teller = new SystemdTeller(notifier, manager, log);
    }

    @AfterEach
    void stop() throws IOException {
        manager.close();
        log.close();
        systemd.close();
    }

    /** Returns what came until now, without proofs of life, which come when the manager gives them. */
    private List<String> told() throws IOException {
        notifier.status("end");
        List<String> told = new ArrayList<>();
        while (true) {
            String next = new String(systemd.receive(), StandardCharsets.UTF_8);
            if (next.equals("STATUS=end")) {
                return told;
            }
            if (!next.equals("WATCHDOG=1")) {
                told.add(next.lines().findFirst().orElseThrow());
            }
        }
    }

    @Test
    void aManagerIsReadyOnce() throws Exception {
        teller.look();
        teller.look();
        assertThat(told()).containsExactly("READY=1", UP);
    }

    @Test
    void readyFollowsTheLastOfReloadsThatOverlap() throws Exception {
        teller.look();
        teller.reloadBegins();
        teller.reloadBegins();
        teller.reloadEnds(null);
        assertThat(told()).containsExactly("READY=1", UP, "RELOADING=1");
        teller.reloadEnds(null);
        assertThat(told()).containsExactly("READY=1");
    }

    @Test
    void aManagerThatIsNotReadyBeforeItsReloadIsReadyAfterIt() throws Exception {
        teller.reloadBegins();
        teller.look();
        assertThat(told()).containsExactly("RELOADING=1", UP);
        teller.reloadEnds(null);
        teller.look();
        assertThat(told()).containsExactly("READY=1");
    }

    @Test
    void aReloadThatFailedIsToldUntilAnotherSucceeds() throws Exception {
        teller.look();
        teller.reloadBegins();
        teller.reloadEnds("no paper");
        teller.look();
        assertThat(told()).containsExactly(
                "READY=1", UP, "RELOADING=1", "READY=1", UP + "; the last reload failed: no paper");
        teller.reloadBegins();
        teller.reloadEnds(null);
        teller.look();
        assertThat(told()).containsExactly("RELOADING=1", "READY=1", UP);
    }

    @Test
    void aManagerThatStopsBeforeItWasReadyIsNeverReady() throws Exception {
        teller.stopping();
        teller.look();
        assertThat(told()).containsExactly("STOPPING=1", UP);
    }

    @Test
    void theEndOfAReloadIsNotToldOnceTheManagerStops() throws Exception {
        teller.look();
        teller.reloadBegins();
        teller.stopping();
        teller.reloadEnds(null);
        teller.look();
        assertThat(told()).containsExactly("READY=1", UP, "RELOADING=1", "STOPPING=1");
    }
}
