package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What real processes use. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ProcessUsageIT {
    private static final Duration TENTH = Duration.ofMillis(100);

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void end() throws InterruptedException {
        for (Process process : started) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
    }

    private Process start(String... command) throws IOException {
        Process process = new ProcessBuilder(command).start();
        started.add(process);
        return process;
    }

    private static void awaitLine(Process process, String line) throws IOException {
        BufferedReader out = process.inputReader();
        assertThat(out.readLine()).isEqualTo(line);
    }

    @Test
    void aProcessThatSleeps() throws Exception {
        Process process = start("sleep", "100");
        ProcessUsage usage = ProcessUsage.of(process.pid()).orElseThrow();
        assertThat(usage.threads()).isOne();
        assertThat(usage.cpu()).isLessThan(Duration.ofSeconds(1));
        await().until(() -> ProcessUsage.of(process.pid()).orElseThrow().residentBytes().isPresent());
        assertThat(ProcessUsage.of(process.pid()).orElseThrow().residentBytes().getAsLong()).isBetween(1L << 12,
                1L << 26);
        await().until(() -> ProcessUsage.of(process.pid()).orElseThrow().openDescriptors().equals(OptionalLong.of(3)));
        process.destroyForcibly().waitFor();
        await().until(() -> ProcessUsage.of(process.pid()).isEmpty());
        assertThat(ProcessUsage.ofTrees(List.of(process.pid()))).isEmpty();
    }

    /** Computes until it is killed. */
    static final class Busy {
        private Busy() {}

        public static void main(String[] arguments) {
            System.out.println("ready");
            long sum = 0;
            while (sum >= 0) {
                sum = sum * 31 + 7 & Long.MAX_VALUE;
            }
        }
    }

    @Test
    void aBusyJvm() throws Exception {
        Process process = start(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-cp",
                Path.of(Busy.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString(),
                Busy.class.getName());
        awaitLine(process, "ready");
        ProcessUsage first = ProcessUsage.of(process.pid()).orElseThrow();
        await().until(() -> ProcessUsage.of(process.pid()).orElseThrow().cpu().compareTo(first.cpu().plus(TENTH)) > 0);
        assertThat(first.threads()).isGreaterThan(5);
        assertThat(first.residentBytes().getAsLong()).isBetween(4L << 20, 1L << 30);
        assertThat(first.openDescriptors().getAsLong()).isBetween(3L, 100L);
        Duration before = process.info().totalCpuDuration().orElseThrow();
        Duration told = ProcessUsage.of(process.pid()).orElseThrow().cpu();
        assertThat(told).isBetween(before, process.info().totalCpuDuration().orElseThrow());
    }

    @Test
    void theProcessesBelowCount() throws Exception {
        String busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        Process shell = start(
                "/bin/sh", "-c", "sh -c '" + busy + "'; sh -c 'sleep 100 & sleep 100 & wait' & echo ended; wait; exit");
        Process other = start("sleep", "100");
        awaitLine(shell, "ended");
        await().until(() -> shell.descendants().count() == 3);
        Map<Long, ProcessUsage> usage =
                ProcessUsage.ofTrees(List.of(shell.pid(), other.pid(), (long) Integer.MAX_VALUE));
        assertThat(usage).containsOnlyKeys(shell.pid(), other.pid());
        ProcessUsage tree = usage.get(shell.pid());
        ProcessUsage root = ProcessUsage.of(shell.pid()).orElseThrow();
        assertThat(tree.threads()).isEqualTo(4);
        assertThat(root.threads()).isOne();
        assertThat(tree.residentBytes().getAsLong()).isGreaterThan(root.residentBytes().getAsLong());
        assertThat(tree.openDescriptors().getAsLong()).isGreaterThan(root.openDescriptors().getAsLong());
        assertThat(tree.cpu()).as("with that of the child which has ended")
                .isGreaterThanOrEqualTo(root.cpu().plusMillis(20));
        assertThat(usage.get(other.pid()).threads()).isOne();
    }

    @Test
    void nobody() {
        assertThat(ProcessUsage.of(Integer.MAX_VALUE)).isEmpty();
        assertThat(ProcessUsage.of(0)).isEmpty();
        assertThat(ProcessUsage.of(-1)).isEmpty();
        assertThat(ProcessUsage.ofTrees(List.of())).isEmpty();
    }

    @Test
    void aNameMayContainAnything() {
        String fields = " S 7 1 1 0 -1 4194304 1 2 3 4 10 20 300 400 20 0 5 0 123 456 789 18446744073709551615\n";
        var expected = new ProcessUsage.Stat(7, 30, 700, 5);
        for (String name : List.of("sleep", "a b", "a) S 1", "))", "", "(1) R 2 (3")) {
            assertThat(ProcessUsage.Stat.parse("42 (" + name + ")" + fields)).isEqualTo(expected);
        }
        assertThatThrownBy(() -> ProcessUsage.Stat.parse("")).isInstanceOf(RuntimeException.class);
    }
}
