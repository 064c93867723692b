package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.SignalSender;
import dev.sennit.internal.machine.FolderOwner;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Storms end with what was asked for, and leave no process and no file; also where the manager is killed in one.
 *
 * <p>{@code -Dsennit.serviceRounds=200} makes a long run of it, and {@code -Dsennit.seed=} repeats one, as far as the
 * moments allow.
 */
@EnabledOnOs(OS.LINUX)
class ServiceStormIT {
    private static final int ROUNDS = Integer.getInteger("sennit.serviceRounds", 12);

    private final MarkedProcesses processes = new MarkedProcesses();

    @AfterEach
    void killProcesses() {
        processes.kill();
    }

    private static long seed(String test) {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("ServiceStormIT." + test + ": -Dsennit.seed=" + seed);
        return seed;
    }

    private static List<Path> folders(Path among, String prefix) throws IOException {
        try (var all = Files.list(among)) {
            return all.filter(one -> one.getFileName().toString().startsWith(prefix)).sorted().toList();
        }
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("storm-"))
                .toList();
    }

    private static int descriptors() {
        return new File("/proc/self/fd").list().length;
    }

    @Test
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void anyStormEndsWithWhatWasAskedFor(@TempDir Path folder) throws Exception {
        long seed = seed("anyStormEndsWithWhatWasAskedFor");
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        List<Path> before = folders(temporary, FolderOwner.namePrefix());
        int descriptors = descriptors();
        var log = new ByteArrayOutputStream();
        try (var storm = new ServiceStorm(seed, folder, processes, log)) {
            for (int i = 0; i < ROUNDS; i++) {
                storm.step();
            }
            int workers = 1 + new Random(seed).nextInt(3);
            storm.settle(workers).orTimeout(60, TimeUnit.SECONDS).join();

            assertHas(storm, workers);
            assertThatScalingToOneTouchesNoOther(storm);
            System.out.println("ServiceStormIT: -Dsennit.seed=" + seed + ": " + ROUNDS + " rounds, " + counts(storm));
        } catch (Throwable e) {
            throw new AssertionError(
                    "fails with -Dsennit.seed=" + seed + "\n" + log.toString(StandardCharsets.UTF_8), e);
        }
        Conditions.await("no process is left").untilAsserted(() -> assertThat(processes.alive()).isEmpty());
        Conditions.await("no folder is left")
                .untilAsserted(() -> assertThat(folders(temporary, FolderOwner.namePrefix())).isEqualTo(before));
        Conditions.await("no thread is left").untilAsserted(() -> assertThat(threads()).isEmpty());
        assertThat(descriptors()).as("descriptors").isLessThan(descriptors + 20); // the JVM opens some itself
        assertThat(log.toString(StandardCharsets.UTF_8)).doesNotContain("NoClassDefFoundError");
    }

    private static Map<ServiceEvent.Kind, Integer> counts(ServiceStorm storm) {
        Map<ServiceEvent.Kind, Integer> counts = new TreeMap<>();
        List.copyOf(storm.events).forEach(one -> counts.merge(one.kind(), 1, Integer::sum));
        return counts;
    }

    /** Each service has so many ready workers of one generation, and there are no other processes. */
    private void assertHas(ServiceStorm storm, int workers) {
        List<SlotStatus> all = storm.manager.status();
        assertThat(all).extracting(SlotStatus::service).containsOnly(ServiceStorm.SERVICES.toArray(String[]::new));
        for (String service : ServiceStorm.SERVICES) {
            List<SlotStatus> its = all.stream().filter(one -> one.service().equals(service)).toList();
            assertThat(its).hasSize(workers).allMatch(one -> one.state() == SlotState.READY);
            assertThat(its.stream().map(SlotStatus::generation).distinct()).hasSize(1);
            for (int i = 0; i < workers; i++) {
                assertThat(its.get(i).id()).isEqualTo(i);
            }
        }
        // A command is four processes: the shell that keeps it, its watch, the command, its child.
        Conditions.await("there are no others").untilAsserted(() -> assertThat(processes.alive()).hasSize(6 * workers));
        assertThat(processes.alive().stream().map(one -> Long.parseLong(one.substring(0, one.indexOf(' ')))))
                .containsAll(all.stream().map(SlotStatus::pid).toList());
    }

    private void assertThatScalingToOneTouchesNoOther(ServiceStorm storm) {
        Map<String, SlotStatus> first = new HashMap<>();
        storm.manager.status().stream().filter(one -> one.id() == 0).forEach(one -> first.put(one.service(), one));
        for (String service : ServiceStorm.SERVICES) {
            storm.manager.scale(service, 1).orTimeout(60, TimeUnit.SECONDS).join();
        }
        assertHas(storm, 1);
        for (SlotStatus now : storm.manager.status()) {
            assertThat(now.pid()).isEqualTo(first.get(now.service()).pid());
            assertThat(now.restarts()).isEqualTo(first.get(now.service()).restarts());
        }
    }

    // ---- the manager's own end ----

    private enum End {
        KILLED, STOPPED_AND_KILLED
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(120)
    void noProcessOutlivesAManagerThatIsKilledInAStorm(End end) throws Exception {
        long seed = seed("noProcessOutlivesAManagerThatIsKilledInAStorm");
        // A short path: folders with a socket lie elsewhere where the temporary folder's own path is long.
        Path folder = Files.createDirectory(Path.of("/tmp/s" + ProcessHandle.current().pid()));
        try {
            Process manager = start(seed, folder);
            try (BufferedReader lines = manager.inputReader()) {
                String last = "step " + new Random(seed).nextInt(5, 15);
                while (!last.equals(lines.readLine())) {
                    assertThat(manager.isAlive()).isTrue();
                }
                assertThat(processes.alive()).isNotEmpty();
                if (end == End.STOPPED_AND_KILLED) {
                    SignalSender.send(manager.toHandle(), SignalSender.numberOf("STOP"));
                }
            } finally {
                manager.destroyForcibly().waitFor();
            }
            Conditions.await("no process is left; -Dsennit.seed=" + seed)
                    .untilAsserted(() -> assertThat(processes.alive()).isEmpty());
            MeetingFolder.removeOfTheDead(folder, Files.getOwner(folder)); // as the next program does
            assertThat(folders(folder, "sennit-")).isEmpty();
        } finally {
            try (var all = Files.walk(folder)) {
                for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(one);
                }
            }
        }
    }

    private Process start(long seed, Path folder) throws IOException {
        List<String> command = Program.command(
                List.of("-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.io.tmpdir=" + folder,
                        "-Dsennit.cache=", "--enable-native-access=ALL-UNNAMED"),
                ServiceStorm.class, Long.toString(seed), folder.toString(), processes.mark());
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
