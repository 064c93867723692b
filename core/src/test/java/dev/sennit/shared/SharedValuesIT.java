package dev.sennit.shared;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Numbers, flags, arrays and lists in memory that this process shares with workers. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class SharedValuesIT {
    private ProcessPool pool;
    private Set<String> filesBefore;

    @BeforeAll
    void open() throws IOException {
        filesBefore = filesInMemory();
        pool = ProcessPool.builder().workers(2).heap("64m").open();
    }

    @AfterAll
    void nothingIsLeft() throws IOException {
        pool.close();
        assertThat(filesInMemory()).isEqualTo(filesBefore);
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            System.gc(); // what workers made, and was opened here
            return !isOpenHere("sennit-shared");
        });
    }

    /** Where shared memory that has a name lies. */
    private static Set<String> filesInMemory() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
            return files.map(Path::toString).filter(name -> name.contains("sennit")).collect(Collectors.toSet());
        }
    }

    private static boolean isOpenHere(String name) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.anyMatch(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).toString().contains(name);
                } catch (IOException e) {
                    return false; // the one that lists them
                }
            });
        }
    }

    @Test
    void workersUpdateTheSameNumbersAndLoseNothing() throws Exception {
        try (SharedLong counted = SharedLong.create(1_000_000_000_000L);
                SharedMemory memory = SharedMemory.create(192)) {
            SharedInt updated = SharedInt.in(memory, 4);
            SharedDouble summed = SharedDouble.in(memory, 64);
            SharedIntArray counts = SharedIntArray.in(memory, 128, 3);
            pool.forEach(Collections.nCopies(10, 2_000), times -> {
                for (int i = 0; i < times; i++) {
                    counted.incrementAndGet();
                    updated.updateAndGet(x -> x + 3);
                    summed.addAndGet(0.5);
                    counts.getAndIncrement(i % 2);
                }
            });
            assertThat(counted.get()).isEqualTo(1_000_000_020_000L);
            assertThat(updated.get()).isEqualTo(60_000);
            assertThat(summed.get()).isEqualTo(10_000);
            assertThat(counts.toArray()).containsExactly(10_000, 10_000, 0);
        }
    }

    @Test
    void aFlagStopsAWorker() throws Exception {
        try (SharedBoolean running = SharedBoolean.create(false);
                SharedBoolean stop = SharedBoolean.create(false)) {
            TaskFuture<Boolean> task = pool.submit(() -> {
                running.set(true);
                while (!stop.get()) {
                    Thread.onSpinWait();
                }
                return running.compareAndSet(true, false);
            });
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(running::get);
            stop.set(true);
            assertThat(task.get(60, SECONDS)).isTrue();
            assertThat(running.get()).isFalse();
        }
    }

    @Test
    void workersFillArraysOfEveryKind() throws Exception {
        int length = 100_000;
        try (SharedLongArray longs = SharedLongArray.create(length);
                SharedIntArray ints = SharedIntArray.create(length);
                SharedDoubleArray doubles = SharedDoubleArray.create(length);
                SharedByteArray bytes = SharedByteArray.create(length)) {
            pool.forEach(List.of(0, length / 2), start -> {
                byte[] part = new byte[length / 2];
                for (int i = start; i < start + length / 2; i++) {
                    longs.setPlain(i, i * 1_000_000_007L);
                    ints.setPlain(i, -i);
                    doubles.setPlain(i, i / 8.0);
                    part[i - start] = (byte) i;
                }
                bytes.copyFrom(start, part, 0, part.length);
            });
            assertThat(longs.toArray())
                    .isEqualTo(IntStream.range(0, length).mapToLong(i -> i * 1_000_000_007L).toArray());
            assertThat(ints.toArray()).isEqualTo(IntStream.range(0, length).map(i -> -i).toArray());
            assertThat(doubles.toArray()).isEqualTo(IntStream.range(0, length).mapToDouble(i -> i / 8.0).toArray());
            byte[] seen = bytes.toArray();
            assertThat(IntStream.range(0, length).allMatch(i -> seen[i] == (byte) i)).isTrue();
        }
    }

    @Test
    void whatComesHomeLiesInTheSameBlock() throws Exception {
        try (SharedMemory memory = SharedMemory.create(1024)) {
            SharedLong number = SharedLong.in(memory, 8);
            SharedLong numberHome = pool.submit(() -> number).get(60, SECONDS);
            SharedInt intHome = pool.submit(() -> SharedInt.in(memory, 20)).get(60, SECONDS);
            SharedDouble doubleHome = pool.submit(() -> SharedDouble.in(memory, 24)).get(60, SECONDS);
            SharedBoolean flagHome = pool.submit(() -> SharedBoolean.in(memory, 32)).get(60, SECONDS);
            assertThat(List.of(numberHome.memory(), intHome.memory(), doubleHome.memory(), flagHome.memory()))
                    .containsOnly(memory);
            assertThat(List.of(numberHome.offset(), intHome.offset(), doubleHome.offset(), flagHome.offset()))
                    .containsExactly(8L, 20L, 24L, 32L);
            numberHome.set(9);
            assertThat(number.get()).isEqualTo(9);

            SharedLongArray longs = pool.submit(() -> SharedLongArray.in(memory, 64, 3)).get(60, SECONDS);
            SharedIntArray ints = pool.submit(() -> SharedIntArray.in(memory, 128, 3)).get(60, SECONDS);
            SharedDoubleArray doubles = pool.submit(() -> SharedDoubleArray.in(memory, 192, 3)).get(60, SECONDS);
            SharedByteArray bytes = pool.submit(() -> SharedByteArray.in(memory, 255, 3)).get(60, SECONDS);
            assertThat(List.of(longs.memory(), ints.memory(), doubles.memory(), bytes.memory())).containsOnly(memory);
            assertThat(List.of(longs.offset(), ints.offset(), doubles.offset(), bytes.offset())).containsExactly(64L,
                    128L, 192L, 255L);
            assertThat(List.of(longs.length(), ints.length(), doubles.length(), bytes.length())).containsOnly(3);
        }
    }

    @Test
    void whatAWorkerMadeIsUsedHereWhileItHoldsIt() throws Exception {
        try (ProcessPool one = ProcessPool.builder().workers(1).heap("64m").open()) {
            SharedLongArray array =
                    one.submit(() -> Held.array = SharedLongArray.copyOf(new long[] {1, 2, 3})).get(60, SECONDS);
            SharedList list = one.submit(() -> Held.list = SharedList.create(List.of("a", 1))).get(60, SECONDS);
            SharedList byName = SharedList.in(SharedMemory.open(list.memory().name()));
            array.set(0, 9);
            list.set(1, "b");
            assertThat(byName).containsExactly("a", "b");
            assertThat(one.submit(() -> Held.array.get(0) + (String) Held.list.get(1)).get(60, SECONDS))
                    .isEqualTo("9b");
            array.close(); // is the worker's
            assertThat(array.toArray()).containsExactly(9, 2, 3);
            one.submit(() -> {
                Held.array.close();
                return null;
            }).get(60, SECONDS);
            assertThat(array.toArray()).as("who has it keeps it").containsExactly(9, 2, 3);
            assertThatThrownBy(() -> pool.submit(() -> array.length()).get(60, SECONDS))
                    .as("nobody else gets it")
                    .isInstanceOf(Exception.class)
                    .hasStackTraceContaining("is gone: that has closed it");
        }
    }

    static final class Held {
        static SharedLongArray array = null;
        static SharedList list = null;
    }

    @Test
    void aListIsTheSameInEveryProcess() throws Exception {
        try (SharedList list = SharedList.create(Arrays.asList("name", 1, 2L, 0.5, true, null, new byte[] {7}), 40)) {
            List<String> seen = pool.submit(() -> {
                var texts = new ArrayList<String>();
                for (Object element : list) {
                    String kind = element == null ? "" : element.getClass().getSimpleName();
                    texts.add(element instanceof byte[] bytes ? "bytes " + bytes[0] : element + " " + kind);
                }
                list.set(0, 5);
                list.set(5, "not null");
                list.set(6, new byte[] {8, 9});
                return texts;
            }).get(60, SECONDS);
            assertThat(seen).containsExactly("name String", "1 Integer", "2 Long", "0.5 Double", "true Boolean",
                    "null ", "bytes 7");
            assertThat(list.subList(0, 6)).containsExactly(5, 1, 2L, 0.5, true, "not null");
            assertThat((byte[]) list.get(6)).containsExactly(8, 9);
            assertThat(pool.submit(() -> list).get(60, SECONDS).memory()).isSameAs(list.memory());
        }
    }

    // ---- writers that are stopped and killed ----

    /** Long, so that most signals find a writer in the middle of one; tells whether it is whole. */
    private static String wave(int number) {
        int length = 1_000 + number % 1_000;
        return String.valueOf((char) length).repeat(length);
    }

    private static void requireWhole(Object value) {
        if (!(value instanceof String text) || text.length() < 1_000 || !text.equals(wave(text.length() - 1_000))) {
            throw new AssertionError("half a value: " + value);
        }
    }

    private static int writeWaves(SharedList list, SharedBoolean stop, SharedLong sets, int seed) {
        var random = new Random(seed);
        int done = 0;
        while (!stop.get()) {
            int index = random.nextInt(list.size());
            requireWhole(list.set(index, wave(random.nextInt(1_000))));
            requireWhole(list.get(1 - index));
            sets.incrementAndGet();
            done++;
        }
        return done;
    }

    private static void signal(String signal, ProcessHandle process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
    }

    @Test
    void writersThatAreStoppedAndKilledAnywhereLeaveWholeValuesAndKeepNobodyWaiting() throws Exception {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("SharedValuesIT: -Dsennit.seed=" + seed);
        var random = new Random(seed);
        List<ProcessHandle> others = WorkerProcesses.ofThisJvm();
        try (SharedList list = SharedList.create(List.of(wave(0), wave(1)), 4_000);
                SharedBoolean stop = SharedBoolean.create(false);
                SharedLong sets = SharedLong.create(0);
                ProcessPool writers =
                        ProcessPool.builder().workers(3).heap("64m").output(WorkerOutput.DISCARD).open()) {
            List<TaskFuture<Integer>> tasks = new ArrayList<>();
            int killed = 0;
            for (int i = 0; i < 3; i++) {
                int own = random.nextInt();
                tasks.add(writers.submit(() -> writeWaves(list, stop, sets, own)));
            }
            for (int round = 0; round < Integer.getInteger("sennit.kills", 6); round++) {
                long before = sets.get();
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> sets.get() > before + 50);
                List<ProcessHandle> children = new ArrayList<>(WorkerProcesses.ofThisJvm());
                children.removeAll(others);
                Collections.shuffle(children, random);
                List<ProcessHandle> stopped = children.subList(0, random.nextInt(children.size() + 1));
                for (ProcessHandle child : stopped) { // at times all: then there is nobody who could help a reader out
                    signal("STOP", child);
                }
                for (int i = 0; i < 200; i++) {
                    requireWhole(list.get(0));
                    requireWhole(list.get(1));
                    requireWhole(list.set(random.nextInt(2), wave(random.nextInt(1_000))));
                }
                if (!stopped.isEmpty() && random.nextBoolean()) {
                    stopped.getFirst().destroyForcibly();
                    killed++;
                    int own = random.nextInt();
                    tasks.add(writers.submit(() -> writeWaves(list, stop, sets, own)));
                }
                for (ProcessHandle child : stopped) {
                    signal("CONT", child);
                }
                for (int i = 0; i < 200; i++) {
                    requireWhole(list.get(i % 2));
                }
            }
            stop.set(true);
            int crashed = 0;
            for (TaskFuture<Integer> task : tasks) {
                try {
                    assertThat(task.get(60, TimeUnit.SECONDS)).isNotNegative();
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(WorkerCrashedException.class);
                    crashed++;
                }
            }
            assertThat(crashed).isLessThanOrEqualTo(killed);
            requireWhole(list.set(0, "the end"));
            assertThat(list.get(0)).isEqualTo("the end");
        }
    }
}
