package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Backoff;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.internal.machine.FolderOwner;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Workers, hooks and logs that fail: whoever else there is serves on, the manager says what happened, and no process
 * and no file is left.
 */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ServiceFaultsIT {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final String OLD = "has been replaced";

    private final MarkedProcesses processes = new MarkedProcesses();
    private final Set<Path> foldersBefore = folders();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final List<ServiceEvent> events = Collections.synchronizedList(new ArrayList<>());
    private ServiceManager manager = newManager(ServiceLog.to(written, ServiceLog.Format.TEXT));

    private ServiceManager newManager(ServiceLog log) {
        ServiceManager made = ServiceManager.create("test", log);
        made.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                events.add(event);
            }
        });
        return made;
    }

    @AfterEach
    void nothingIsLeft() {
        manager.close();
        Conditions.await("no process is left")
                .untilAsserted(
                        () -> assertThat(processes.alive()).as(written.toString(StandardCharsets.UTF_8)).isEmpty());
        Conditions.await("no folder is left").untilAsserted(() -> assertThat(folders()).isEqualTo(foldersBefore));
    }

    /** The temporary folders of this JVM. */
    private static Set<Path> folders() {
        try (var all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            Set<Path> mine = new HashSet<>();
            all.filter(one -> one.getFileName().toString().startsWith(FolderOwner.namePrefix())).forEach(mine::add);
            return mine;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void add(ServiceSettings.Builder... all) throws IOException {
        for (ServiceSettings.Builder one : all) {
            manager.add(one.environment(processes.environment()).build());
        }
    }

    private void start(ServiceSettings.Builder... all) throws IOException {
        add(all);
        manager.start();
        manager.whenUp().join();
    }

    private String log() {
        return written.toString(StandardCharsets.UTF_8);
    }

    private List<SlotStatus> workers(String service) {
        return manager.status().stream().filter(one -> one.service().equals(service)).toList();
    }

    private SlotStatus worker(String service) {
        return workers(service).getFirst();
    }

    private List<Long> pids(String service) {
        return workers(service).stream().map(SlotStatus::pid).toList();
    }

    private long count(ServiceEvent.Kind kind, String service) {
        return List.copyOf(events).stream().filter(one -> one.kind() == kind && one.service().equals(service)).count();
    }

    /** Kills a worker, and waits until another is ready in its place. */
    private void killAndAwaitAnother(String service) {
        long killed = worker(service).pid();
        ProcessHandle.of(killed).orElseThrow().destroyForcibly();
        awaitReady(service, killed);
    }

    private void awaitReady(String service, long former) {
        Conditions.await(service + " is ready again").until(() -> {
            SlotStatus now = worker(service);
            return now.state() == SlotState.READY && now.pid() != former;
        });
    }

    // ---- workers ----

    @ParameterizedTest
    @EnumSource
    void aCrashLoopEndsWhereItsSettingsSay(FaultyService kind) throws Exception {
        add(
                kind.serving("healthy"),
                kind.crashing("bad").deaths(3, Duration.ofMinutes(10), Escalation.FAIL).backoff(Backoff.none()));
        manager.start();
        Conditions.await("it is given up")
                .until(() -> !workers("bad").isEmpty() && worker("bad").state() == SlotState.FAILED);

        assertThatThrownBy(() -> manager.whenUp().get())
                .hasMessageContaining("worker 0 of service bad stays down: 3 processes died within 600 s; the last: ")
                .hasMessageContaining("no paper");

        Conditions.await("healthy is ready").until(() -> worker("healthy").state() == SlotState.READY);
        assertThat(manager.shutdown().get()).isEqualTo(1);
        assertThat(count(ServiceEvent.Kind.STARTED, "bad")).isEqualTo(3);
        assertThat(count(ServiceEvent.Kind.DIED, "bad")).isEqualTo(3);
        assertThat(count(ServiceEvent.Kind.STARTED, "healthy")).isOne();
    }

    /** Neither the pauses of those that crash nor the start of one that hangs: all of these would take an hour. */
    @ParameterizedTest
    @EnumSource
    void aRestartWaitsForNoNeighbour(FaultyService kind, @TempDir Path folder) throws Exception {
        add(
                kind.serving("healthy"),
                kind.crashing("crashing").workers(2).backoff(Backoff.fixed(HOUR)),
                kind.waiting("hanging", folder.resolve("never")).startLimit(HOUR));
        manager.start();
        // The first restart is made at once: from the second death on they pause.
        Conditions.await("the neighbours pause and hang").until(() -> count(ServiceEvent.Kind.DIED, "crashing") == 4
                && worker("healthy").state() == SlotState.READY && worker("hanging").state() == SlotState.STARTING);
        int before = events.size();

        killAndAwaitAnother("healthy");

        Conditions.await("the last event").until(() -> events.size() == before + 3);
        assertThat(List.copyOf(events).subList(before, before + 3))
                .extracting(one -> one.kind() + " " + one.service())
                .containsExactly("DIED healthy", "STARTED healthy", "READY healthy");
        assertThat(workers("crashing")).extracting(SlotStatus::state).containsOnly(SlotState.WAITING);
        assertThat(worker("hanging").state()).isEqualTo(SlotState.STARTING);
    }

    @ParameterizedTest
    @EnumSource
    void aStartThatHangsIsEndedAtItsLimit(FaultyService kind, @TempDir Path folder) throws Exception {
        add(kind.waiting("hanging", folder.resolve("never"))
                .startLimit(Duration.ofMillis(700))
                .deaths(2, HOUR, Escalation.FAIL));
        manager.start();

        assertThatThrownBy(() -> manager.whenUp().get())
                .hasMessageEndingWith("2 processes died within 3600 s; the last: was not ready within 700 ms");
    }

    /** The child of the command is no less stubborn. */
    @ParameterizedTest
    @EnumSource
    void aWorkerThatHeedsNoStopIsKilledAtItsLimit(FaultyService kind) throws Exception {
        start(kind.serving("heeding"), kind.stubborn("stubborn").stopLimit(Duration.ofMillis(300)));

        assertThat(manager.shutdown().get()).isEqualTo(1);

        assertThat(count(ServiceEvent.Kind.KILLED, "stubborn")).isOne();
        assertThat(count(ServiceEvent.Kind.STOPPED, "heeding")).isOne();
    }

    // ---- hooks ----

    @Test
    void listenersThatThrowOrHangHarmNobody() throws Exception {
        var never = new CountDownLatch(1);
        var thrown = new AtomicInteger();
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                thrown.incrementAndGet();
                throw new IllegalStateException("a mistake");
            }

            @Override
            public void reloading(List<String> services) {
                throw new AssertionError("a mistake");
            }

            @Override
            public void terminating() {
                throw new IllegalStateException("a mistake");
            }
        });
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                try {
                    never.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        try {
            start(FaultyService.JAVA.serving("java"), FaultyService.COMMAND.serving("command"));
            killAndAwaitAnother("java");
            killAndAwaitAnother("command");
            manager.reload().get();
            assertThat(manager.shutdown().get()).as("while one listener still hangs").isZero();
        } finally {
            never.countDown();
        }
        assertThat(events).hasSize(2 * 11).extracting(ServiceEvent::kind).endsWith(ServiceEvent.Kind.STOPPED);
        assertThat(thrown).as("who throws hears of the next event too").hasValue(events.size());
    }

    /** A mistake in the code of a service. */
    private enum Mistake implements Service {
        TERMINATE_THROWS {
            @Override
            public void terminate(ServiceWorker me) {
                throw new IllegalStateException("a mistake");
            }
        },
        TERMINATE_HANGS {
            @Override
            public void terminate(ServiceWorker me) throws InterruptedException {
                new CountDownLatch(1).await();
            }
        },
        RELOAD_THROWS {
            @Override
            public void reload(ServiceWorker me) {
                throw new IllegalStateException("a mistake");
            }
        },
        RELOAD_HANGS {
            @Override
            public void reload(ServiceWorker me) throws InterruptedException {
                new CountDownLatch(1).await();
            }
        };

        @Override
        public void run(ServiceWorker me) throws InterruptedException {
            me.awaitStop();
        }
    }

    @Test
    void hooksOfServicesThatThrowOrHangHarmTheirWorkerAtMost() throws Exception {
        for (Mistake one : Mistake.values()) {
            boolean hangs = one == Mistake.TERMINATE_HANGS;
            add(FaultyService.of(one.name(), one)
                    .reloadInPlace(true)
                    .stopLimit(Duration.ofMillis(hangs ? 300 : 30_000)));
        }
        add(FaultyService.of("HUP_FAILS", "trap 'exit 1' HUP; echo up; while :; do sleep 0.05; done")
                .reloadInPlace(true));
        manager.start();
        manager.whenUp().get();
        Map<String, Long> before = new HashMap<>();
        manager.status().forEach(one -> before.put(one.service(), one.pid()));

        manager.reload().get();
        awaitReady("HUP_FAILS", before.get("HUP_FAILS"));
        Conditions.await("one has failed to reload").until(() -> log().contains("RELOAD_THROWS(0) failed to reload"));
        for (Mistake one : Mistake.values()) {
            assertThat(worker(one.name()).pid()).isEqualTo(before.get(one.name()));
        }
        assertThat(manager.shutdown().get()).isEqualTo(1);

        assertThat(events.stream()
                .filter(one -> one.kind() == ServiceEvent.Kind.STOPPED || one.kind() == ServiceEvent.Kind.KILLED)
                .map(one -> one.kind() + " " + one.service() + " " + one.why())
                .map(one -> one.startsWith("KILLED") ? one.replaceFirst(" did not stop within .*", "") : one))
                .containsExactlyInAnyOrder(
                        "STOPPED TERMINATE_THROWS exited with code 0", "KILLED TERMINATE_HANGS",
                        "STOPPED RELOAD_THROWS exited with code 0", "STOPPED RELOAD_HANGS exited with code 0",
                        "STOPPED HUP_FAILS was killed by signal 15 (SIGTERM)");
        assertThat(log()).contains("TERMINATE_THROWS(0) failed to terminate");
    }

    // ---- reloads ----

    @ParameterizedTest
    @EnumSource
    void aReloadDuringAReloadEndsWithTheNewestWithoutAGap(FaultyService kind, @TempDir Path folder) throws Exception {
        Path gate = Files.createFile(folder.resolve("gate"));
        start(kind.waiting("served", gate).workers(2));
        Files.delete(gate);

        CompletableFuture<Void> first = manager.reload();
        Conditions.await("a reload is under way").until(() -> worker("served").isReplacing());
        CompletableFuture<Void> second = manager.reload("served");
        CompletableFuture<Void> third = manager.reload();
        Files.createFile(gate);
        CompletableFuture.allOf(first, second, third).get();

        assertThat(workers("served")).hasSize(2).allMatch(one -> one.state() == SlotState.READY);
        assertThat(workers("served")).extracting(SlotStatus::generation).containsOnly(4L);
        assertThat(workers("served")).extracting(SlotStatus::restarts).containsOnly(0L);
        assertThat(manager.shutdown().get()).isZero();
        assertThatOneServedAlways("served");
    }

    /** Nobody was asked to stop for another before that one was ready. */
    private void assertThatOneServedAlways(String service) {
        Map<Integer, Set<Long>> ready = new HashMap<>();
        for (ServiceEvent event : events) {
            Set<Long> here = ready.computeIfAbsent(event.id(), id -> new HashSet<>());
            if (event.service().equals(service) && event.kind() == ServiceEvent.Kind.READY) {
                here.add(event.pid());
            } else if (event.service().equals(service) && event.why().startsWith(OLD)) {
                here.remove(event.pid());
                assertThat(here).as("%s", events).isNotEmpty();
            }
        }
        assertThat(events).anyMatch(event -> event.why().startsWith(OLD));
    }

    @ParameterizedTest
    @EnumSource
    void aReloadDuringAStartEndsWithTheNewest(FaultyService kind, @TempDir Path folder) throws Exception {
        Path gate = folder.resolve("gate");
        add(kind.waiting("slow", gate).workers(2).atOnce(2));
        manager.start();
        CompletableFuture<Void> up = manager.whenUp();
        Conditions.await("all are starting").until(() -> workers("slow").size() == 2
                && workers("slow").stream().allMatch(one -> one.state() == SlotState.STARTING));

        CompletableFuture<Void> reloaded = manager.reload();
        Conditions.await("their successors are starting")
                .until(() -> workers("slow").stream().allMatch(SlotStatus::isReplacing));
        assertThat(reloaded).isNotDone();
        assertThat(up).isNotDone();
        Files.createFile(gate);
        CompletableFuture.allOf(up, reloaded).get();

        assertThat(workers("slow")).hasSize(2).allMatch(one -> one.state() == SlotState.READY);
        assertThat(workers("slow")).extracting(SlotStatus::generation).containsOnly(2L);
        assertThat(workers("slow")).extracting(SlotStatus::restarts).containsOnly(0L);
    }

    private static void writeProgram(Path file, String script) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + script + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    /** A Java service with a broken jar: {@link ServiceManagerIT#aBrokenJarIsGivenUpAndTheOldServesOn}. */
    @Test
    void aBrokenCommandIsGivenUpAndTheOldServesOn(@TempDir Path folder) throws Exception {
        Path program = folder.resolve("serve");
        writeProgram(program, "echo up; exec sleep 1000");
        start(ServiceSettings.ofCommand("served", program.toString())
                .readiness(new Readiness.Line(Pattern.compile("^up$")))
                .workers(2));
        List<Long> before = pids("served");

        writeProgram(program, "echo no paper; exit 3");
        assertGivenUp(2, "exited with code 3; it said: no paper", before);
        Files.delete(program);
        assertGivenUp(3, "cannot be started: served(0) cannot start: there is no program " + program, before);
        Files.writeString(program, "no program");
        assertGivenUp(4, "cannot be started: served(0) cannot start: its program " + program + " may not be", before);

        writeProgram(program, "echo up; exec sleep 1000");
        manager.reload().get();
        assertThat(pids("served")).hasSize(2).doesNotContainAnyElementsOf(before);
    }

    private void assertGivenUp(int generation, String why, List<Long> serving) throws IOException {
        CompletableFuture<Void> reloaded = manager.reload();
        assertThatThrownBy(reloaded::get)
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("generation " + generation
                        + " of service served was given up, the former goes on: worker 0 " + why);
        assertThat(pids("served")).isEqualTo(serving);
    }

    // ---- logs ----

    /** A stream whose reader stands still for a while. */
    private final class Standing extends OutputStream {
        final CountDownLatch goesOn = new CountDownLatch(1);

        @Override
        public void write(int one) {
            throw new AssertionError("lines come as arrays");
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            try {
                goesOn.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            written.write(bytes, from, length);
        }
    }

    private long missing(String worker) {
        return Pattern.compile(" (\\d+) lines of " + Pattern.quote(worker) + " are missing")
                .matcher(log())
                .results()
                .mapToLong(found -> Long.parseLong(found.group(1)))
                .sum();
    }

    @ParameterizedTest
    @EnumSource
    void aFloodIntoALogThatStandsStillHoldsUpNobody(FaultyService kind) throws Exception {
        int lines = 100_000;
        var standing = new Standing();
        ServiceLog log = ServiceLog.to(standing, ServiceLog.Format.TEXT);
        manager = newManager(log);
        try {
            start(kind.flooding("flooding", lines), kind.serving("quiet"));
            killAndAwaitAnother("quiet");
            manager.reload("quiet").get();
            Conditions.await("what is too much is dropped").until(() -> log.dropped() > lines / 2);
        } finally {
            standing.goesOn.countDown();
        }
        manager.close();
        long all = log().lines().filter(line -> line.contains(" flooding(0) out: ")).count() + missing("flooding(0)");
        assertThat(all).isEqualTo(kind == FaultyService.JAVA ? lines : lines + 1);
        assertThat(missing("flooding(0)")).isEqualTo(log.dropped());
        assertThat(log()).contains(" quiet(0) READY");
    }

    @Test
    void aLogOnAFullDiskHoldsUpNobodyAndGoesOnWhenThereIsRoom(@TempDir Path folder) throws Exception {
        Path file = Files.createSymbolicLink(folder.resolve("services.log"), Path.of("/dev/full"));
        ServiceLog log = ServiceLog.to(file, ServiceLog.Format.TEXT);
        manager = newManager(log);
        start(FaultyService.JAVA.serving("java"), FaultyService.COMMAND.serving("command"));
        killAndAwaitAnother("java");
        killAndAwaitAnother("command");
        manager.reload().get();
        Conditions.await("the disk is full").until(() -> log.dropped() > 0);

        Files.delete(file); // the next that is opened under this name is a file
        Conditions.await("the log goes on").until(() -> {
            killAndAwaitAnother("command");
            return Files.exists(file) && Files.readString(file).contains(" are missing");
        });
        manager.close();
        written.writeBytes(Files.readAllBytes(file));
        assertThat(missing("all workers")).isEqualTo(log.dropped());
        assertThat(log()).contains(" command(0) STOPPED");
    }
}
