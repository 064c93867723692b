package dev.sennit.internal.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class LinuxProcessTest {
    @Test
    void pagesOfFilesDoNotCount() {
        assertThat(LinuxProcess.parseStatus(List.of(
                "Name:\tjava", "VmRSS:\t   99999 kB", "RssAnon:\t    1000 kB", "RssFile:\t   90000 kB",
                "RssShmem:\t      24 kB")))
                .isEqualTo(1 << 20);
        assertThat(LinuxProcess.parseStatus(List.of())).isZero();
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void thisProcessUsesSomeMegabytes() {
        assertThat(LinuxProcess.tellsMemory()).isTrue();
        assertThat(LinuxProcess.residentBytes(ProcessHandle.current().pid())).isBetween(1L << 20, 1L << 40);
    }

    @Test
    void whoHasEndedUsesNothingAndCannotBeChosen() {
        assertThat(LinuxProcess.residentBytes(Integer.MAX_VALUE)).isZero();
        LinuxProcess.killFirst(Integer.MAX_VALUE);
    }
}
