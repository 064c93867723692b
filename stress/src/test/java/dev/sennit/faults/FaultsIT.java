package dev.sennit.faults;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.manager.ManagerServer;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerTransport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The fault suite: processes are killed, stopped and starved while they are under load, and the books have to balance.
 *
 * <p>The build does a few of each; {@code -Dsennit.faults.workerKills=5000 -Dsennit.faults.parentKills=500
 * -Dsennit.faults.stops=200} makes a long run of it, and {@code -Dsennit.seed=} repeats a round, as far as the moments
 * at which processes run allow.
 */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(value = 6, unit = TimeUnit.HOURS) // a long run takes its time; waits are bounded one by one
class FaultsIT {
    private static final int WORKER_KILLS = Integer.getInteger("sennit.faults.workerKills", 8);
    private static final int PARENT_KILLS = Integer.getInteger("sennit.faults.parentKills", 3);
    private static final int STOPS = Integer.getInteger("sennit.faults.stops", 6);
    /** A round with a seed of its own has so many faults: what fails can be repeated soon. */
    private static final int FAULTS_A_ROUND = 30;

    private static final int WORKERS = 2;
    /** Of a program of its own; enough for all that it does, and soon used up. */
    private static final int DESCRIPTORS = 150;
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final Duration GONE = Duration.ofSeconds(1);

    private interface Round {
        void run(int faults, WorkerTransport transport, long seed) throws Exception;
    }

    /** Does so many faults, half of them over each transport, in rounds with a seed each. */
    private static void rounds(int faults, int mostARound, Round round) {
        int aRound = Math.min(mostARound, (faults + 1) / 2);
        Long given = Long.getLong("sennit.seed");
        var seeds = new SplittableRandom();
        for (int done = 0, i = 0; done < faults; i++) {
            int now = Math.min(aRound, faults - done);
            WorkerTransport transport = i % 2 == 0 ? WorkerTransport.SHARED_MEMORY : WorkerTransport.SOCKET;
            long seed = given != null ? given : seeds.nextLong();
            try {
                round.run(now, transport, seed);
            } catch (Throwable e) {
                throw new AssertionError("fails over " + transport + " with -Dsennit.seed=" + seed, e);
            }
            done += now;
        }
    }

    private static ProcessPool.Builder pool(WorkerTransport transport) {
        return ProcessPool.builder()
                .workers(WORKERS)
                .heap("64m")
                .output(WorkerOutput.DISCARD)
                .transport(transport)
                .grace(Duration.ofMillis(50))
                .archive(false);
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            if (System.nanoTime() - start > BOUND.toNanos()) {
                throw new AssertionError("not within " + BOUND.toSeconds() + " s: " + what);
            }
            Thread.sleep(5);
        }
    }

    // ---- workers ----

    private interface Fault {
        /** Does it to a worker. */
        void befall(ProcessHandle worker, Load load, RandomGenerator random) throws Exception;
    }

    private static void storm(String name, int faults, WorkerTransport transport, long seed, Fault fault)
            throws Exception {
        var random = new SplittableRandom(seed);
        try (ProcessPool pool = pool(transport).open();
                ManagerServer server = ManagerServer.local();
                var load = new Load(pool, server, random.split(), Set.of())) {
            for (int i = 0; i < faults; i++) {
                // Any worker may be hit, a starting one too; but not so often that none ever comes up and does
                // something.
                long until = load.values() + random.nextInt(40);
                await("the load goes on in " + pool, () -> load.values() >= until && pool.statistics().workers() > 0);
                LockSupport.parkNanos(random.nextInt(20_000_000));
                List<ProcessHandle> workers = Machine.workers();
                if (!workers.isEmpty()) {
                    fault.befall(workers.get(random.nextInt(workers.size())), load, random);
                }
            }
            load.settle();
            await("the pool is full again", () -> pool.statistics().workers() == WORKERS);
            assertThat(pool.map(n -> n + 1, List.of(1, 2, 3))).containsExactly(2, 3, 4);
            await("all figures are in", () -> pool.statistics().ended() == pool.statistics().submitted());
            assertThat(pool.statistics().workersLost()).isLessThanOrEqualTo(load.killed());
            System.out.println(
                    "FaultsIT: -Dsennit.seed=" + seed + " " + transport + ": " + faults + " " + name + ", " + load);
        }
        assertThat(Machine.workers()).as("orphans").isEmpty();
    }

    @Test
    void workersAreKilledAndOnlyWhatTheyRanFails() {
        rounds(WORKER_KILLS, FAULTS_A_ROUND,
                (kills, transport, seed) -> storm("kills", kills, transport, seed, (worker, load, random) -> {
                    load.kills(worker.pid());
                    worker.destroyForcibly();
                }));
    }

    @Test
    void workersStandStillAndNothingIsLostOrRunTwice() {
        rounds(STOPS, FAULTS_A_ROUND,
                (stops, transport, seed) -> storm("stops", stops, transport, seed, (worker, load, random) -> {
                    Machine.signal("STOP", worker.pid());
                    LockSupport.parkNanos(random.nextInt(150_000_000));
                    Machine.signal("CONT", worker.pid());
                }));
    }

    // ---- the parent ----

    @Test
    void parentsAreKilledAndNothingOfTheirsIsLeft(@TempDir Path folder) throws Exception {
        int[] figures = new int[4];
        rounds(PARENT_KILLS, 1, (one, transport, seed) -> killAParent(folder, transport, seed, figures));
        System.out.println(
                "FaultsIT: " + PARENT_KILLS + " parents killed, " + figures[0] + " of them while they started; "
                        + "the last process of one went after " + figures[1] + " ms at most, " + figures[2]
                        + " needed more than "
                        + GONE.toMillis() + " ms; " + figures[3] + " that were starting left a folder");
    }

    /** Figures: killed before it was ready, longest time until all are gone, how many took too long, folders left. */
    private static void killAParent(Path folder, WorkerTransport transport, long seed, int[] figures) throws Exception {
        var random = new SplittableRandom(seed);
        String mark = "SENNIT_FAULTS=" + UUID.randomUUID();
        Path temporary = Files.createTempDirectory(folder, "");
        Path said = folder.resolve("said");
        // Most are at work when they are killed, some are still starting.
        boolean starting = random.nextInt(5) == 0;
        Process parent = start(mark, temporary, said, DoomedParent.class, Long.toString(seed), transport.name());
        try {
            if (starting) {
                LockSupport.parkNanos(random.nextLong(1_000_000_000));
            } else {
                await("the parent is ready: " + Files.readString(said),
                        () -> Files.readString(said).contains("ready") || !parent.isAlive());
                assertThat(parent.isAlive()).as(Files.readString(said)).isTrue();
                LockSupport.parkNanos(random.nextLong(100_000_000));
            }
            List<Long> pids = Machine.withEnvironment(mark);
            Set<Long> memory = new HashSet<>();
            for (long pid : pids) {
                memory.addAll(Machine.memoryFiles(pid));
            }
            if (!starting) {
                assertThat(pids).as("the parent, two workers and a process").hasSize(4);
                assertThat(memory).isNotEmpty();
            }
            parent.destroyForcibly().waitFor();
            long killed = System.nanoTime();
            await("all processes of the parent are gone", () -> Machine.withEnvironment(mark).isEmpty());
            int millis = (int) TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killed);
            assertThat(Machine.withMemoryFiles(memory)).as("who has its memory files").isEmpty();
            List<Path> left = contents(temporary);
            if (!starting) {
                assertThat(left).as("left in the temporary folder").isEmpty();
            }
            figures[0] += starting ? 1 : 0;
            figures[1] = Math.max(figures[1], millis);
            figures[2] += millis > GONE.toMillis() ? 1 : 0;
            figures[3] += left.isEmpty() ? 0 : 1;
            System.out.println("FaultsIT: -Dsennit.seed=" + seed + " " + transport + ": a parent killed "
                    + (starting ? "while it started, " : "at work, ") + pids.size() + " processes and " + memory.size()
                    + " memory files gone within " + millis + " ms, left: " + left);
        } finally {
            killAll(mark);
        }
    }

    private static Process start(String mark, Path temporary, Path said, Class<?> main, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "sh",
                "-c",
                "ulimit -n " + DESCRIPTORS + " && exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile());
        int equals = mark.indexOf('=');
        builder.environment().put(mark.substring(0, equals), mark.substring(equals + 1));
        return builder.start();
    }

    /** The files and folders in it, at any depth. */
    private static List<Path> contents(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> !file.equals(folder)).map(folder::relativize).toList();
        }
    }

    // ---- what runs out ----

    @ParameterizedTest
    @EnumSource(value = WorkerTransport.class, names = "AUTO", mode = EnumSource.Mode.EXCLUDE)
    void aTaskThatRunsOutOfMemoryFailsAloneAndIsNamed(WorkerTransport transport) throws Exception {
        long seed = Long.getLong("sennit.seed", new SplittableRandom().nextLong());
        var without = EnumSet.of(Load.Kind.STUBBORN);
        try (ProcessPool pool = pool(transport).heap("32m").open();
                ManagerServer server = ManagerServer.local();
                var load = new Load(pool, server, new SplittableRandom(seed), without)) {
            for (int i = 0; i < 2; i++) {
                TaskFuture<Integer> heap = pool.submit(() -> {
                    List<long[]> all = new ArrayList<>();
                    while (true) {
                        all.add(new long[100_000]);
                    }
                });
                assertThatThrownBy(() -> heap.get(60, SECONDS))
                        .cause()
                        .isInstanceOf(WorkerCrashedException.class)
                        .hasMessageContaining("ran out of memory (heap limit 32m) while it ran task");
                TaskFuture<Integer> stack = pool.submit(() -> deeper(1));
                assertThatThrownBy(() -> stack.get(60, SECONDS)).hasCauseInstanceOf(StackOverflowError.class);
            }
            load.settle();
            assertThat(pool.statistics().workersLost()).as("a stack that overflows costs no worker").isEqualTo(2);
            System.out.println("FaultsIT: -Dsennit.seed=" + seed + " " + transport + ": 2 heaps, 2 stacks, " + load);
        } catch (Throwable e) {
            throw new AssertionError("fails over " + transport + " with -Dsennit.seed=" + seed, e);
        }
    }

    private static int deeper(int depth) {
        return deeper(depth + 1) + 1;
    }

    @ParameterizedTest
    @EnumSource(value = WorkerTransport.class, names = "AUTO", mode = EnumSource.Mode.EXCLUDE)
    void aParentWithoutFileDescriptorsSaysSoAndRecovers(WorkerTransport transport, @TempDir Path folder)
            throws Exception {
        String mark = "SENNIT_FAULTS=" + UUID.randomUUID();
        Path said = folder.resolve("said");
        Path temporary = Files.createDirectory(folder.resolve("t"));
        Process program = start(mark, temporary, said, CrowdedTable.class, transport.name());
        try {
            assertThat(program.waitFor(BOUND.toSeconds(), SECONDS)).as("it ends; it said: " + Files.readString(said))
                    .isTrue();
            assertThat(program.exitValue()).as(Files.readString(said)).isZero();
            await("its processes are gone", () -> Machine.withEnvironment(mark).isEmpty());
            assertThat(contents(temporary)).as("left in the temporary folder").isEmpty();
            System.out.println("FaultsIT: " + transport + ", without file descriptors:\n" + Files.readString(said));
        } finally {
            killAll(mark);
        }
    }

    private static void killAll(String mark) throws IOException {
        for (long pid : Machine.withEnvironment(mark)) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
    }
}
