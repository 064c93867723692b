package dev.sennit.internal.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class SystemdNotifierIT {
    @TempDir
    Path folder;

    private UnixDatagram systemd;

    @BeforeEach
    void bind() throws IOException {
        systemd = UnixDatagram.bind(folder.resolve("notify"));
    }

    @AfterEach
    void close() throws IOException {
        systemd.close();
    }

    @Test
    void saysWhatSystemdReads() throws Exception {
        SystemdNotifier notifier = SystemdNotifier.of(
                Map.of("NOTIFY_SOCKET", systemd.path().toString(), "WATCHDOG_USEC", "3000000"));
        assertThat(notifier.isWanted()).isTrue();
        assertThat(notifier.watchdogLimit()).contains(Duration.ofSeconds(3));
        notifier.ready();
        notifier.status("2 of 2 are ready\nMAINPID=1");
        notifier.watchdog();
        notifier.stopping();
        assertThat(next()).isEqualTo("READY=1");
        assertThat(next()).isEqualTo("STATUS=2 of 2 are ready MAINPID=1");
        assertThat(next()).isEqualTo("WATCHDOG=1");
        assertThat(next()).isEqualTo("STOPPING=1");
    }

    @Test
    void aReloadComesWithTheTime() throws Exception {
        SystemdNotifier notifier = SystemdNotifier.of(Map.of("NOTIFY_SOCKET", systemd.path().toString()));
        long before = uptimeMicros();
        notifier.reloading();
        String said = next();
        assertThat(said).matches("RELOADING=1\nMONOTONIC_USEC=\\d+");
        // The file tells hundredths of a second, of a clock that goes on while the machine sleeps.
        assertThat(Long.parseLong(said.substring(said.lastIndexOf('=') + 1)))
                .isBetween(before - 20_000, uptimeMicros() + 20_000);
    }

    @Test
    void doesNothingIfNobodyWantsToKnow() throws Exception {
        SystemdNotifier notifier = SystemdNotifier.of(Map.of("WATCHDOG_USEC", "1000"));
        assertThat(notifier.isWanted()).isFalse();
        assertThat(notifier.watchdogLimit()).isEmpty();
        notifier.ready();
        notifier.reloading();
        notifier.status("?");
        notifier.watchdog();
        notifier.stopping();
    }

    @Test
    void aWatchdogOfAnotherProcessIsNotFed() throws Exception {
        String socket = systemd.path().toString();
        SystemdNotifier other =
                SystemdNotifier.of(Map.of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "1000", "WATCHDOG_PID", "1"));
        assertThat(other.watchdogLimit()).isEmpty();
        other.watchdog();
        other.ready();
        assertThat(next()).isEqualTo("READY=1");
        String own = Long.toString(ProcessHandle.current().pid());
        assertThat(SystemdNotifier.of(
                Map.of("NOTIFY_SOCKET", socket, "WATCHDOG_USEC", "1000", "WATCHDOG_PID", own))
                .watchdogLimit())
                .contains(Duration.ofMillis(1));
    }

    @Test
    void impossibleVariablesAreRefused() {
        assertThatThrownBy(() -> SystemdNotifier.of(Map.of("NOTIFY_SOCKET", "vsock:2:1234")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("NOTIFY_SOCKET must be an absolute path, or a name behind @, was \"vsock:2:1234\"");
        for (String wrong : new String[] {"0", "-1", "soon", "99999999999999999999"}) {
            assertThatThrownBy(() -> SystemdNotifier.of(Map.of("NOTIFY_SOCKET", "/x", "WATCHDOG_USEC", wrong)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("was \"" + wrong + "\"");
        }
    }

    @Test
    void aSocketThatIsGoneIsNamed() throws Exception {
        systemd.close();
        SystemdNotifier notifier = SystemdNotifier.of(Map.of("NOTIFY_SOCKET", systemd.path().toString()));
        assertThatThrownBy(notifier::ready)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(systemd.path() + ": no such file or folder");
    }

    /** It is the other way round: what a command says to a manager that listens as systemd does. */
    @Test
    void systemdsOwnCommandIsUnderstood() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-notify")), "systemd-notify is not installed");
        var command = new ProcessBuilder("/usr/bin/systemd-notify", "--ready", "--status=all is well").inheritIO();
        command.environment().put("NOTIFY_SOCKET", systemd.path().toString());
        Process process = command.start();
        assertThat(next()).contains("READY=1").contains("STATUS=all is well");
        assertThat(next()).as("it waits until the descriptor that comes with this is closed").isEqualTo("BARRIER=1");
        assertThat(process.waitFor(3, TimeUnit.SECONDS)).as("it has not waited for its limit of 5 s").isTrue();
        assertThat(process.exitValue()).isZero();
    }

    private String next() throws IOException {
        return new String(systemd.receive());
    }

    private static long uptimeMicros() throws IOException {
        return (long) (Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]) * 1e6);
    }
}
