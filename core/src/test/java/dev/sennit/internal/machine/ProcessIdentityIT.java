package dev.sennit.internal.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Identities of a process that is killed; those of systems other than Linux are used here by no other such test. */
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ProcessIdentityIT {
    static Stream<ProcessIdentity.Processes> kinds() {
        return Stream.of(new LinuxProcesses(), new AnyProcesses());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aProcessIsAliveUntilItIsKilled(ProcessIdentity.Processes processes) throws Exception {
        Process process = new ProcessBuilder("sleep", "100").start();
        try {
            long identity = ProcessIdentity.of(processes, process.pid());
            assertThat(ProcessIdentity.pid(identity)).isEqualTo(process.pid());
            assertThat(ProcessIdentity.isAlive(processes, identity)).isTrue();
            assertThat(ProcessIdentity.isAlive(processes, identity ^ 1L << 32)).as("another start").isFalse();
            process.destroyForcibly().waitFor();
            assertThat(ProcessIdentity.isAlive(processes, identity)).isFalse();
        } finally {
            process.destroyForcibly();
        }
    }
}
