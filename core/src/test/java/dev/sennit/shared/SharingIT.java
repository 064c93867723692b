package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Conditions;
import dev.sennit.loop.EventLoop;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerProcesses;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Programs that are started without native access, and those that they share memory with. */
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharingIT {
    /** What a program printed. */
    private record Ran(int exitCode, String out, List<String> errors) {}

    /** A program on this class path, without this JVM's options. */
    private static Process start(Path folder, Class<?> main, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                WorkerProcesses.java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dsennit.cache=",
                "-Djava.io.tmpdir=" + folder));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        return new ProcessBuilder(command)
                .redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    private static Ran run(Path folder, Class<?> main, String... options) throws Exception {
        Process process = start(folder, main, options);
        try {
            assertThat(process.waitFor(100, SECONDS)).isTrue();
            return new Ran(
                    process.exitValue(),
                    Files.readString(folder.resolve("out")).strip(),
                    Files.readAllLines(folder.resolve("err")));
        } finally {
            process.destroyForcibly();
        }
    }

    private static List<String> memoryFolders(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("sennit-memory-"))
                    .toList();
        }
    }

    private static void assertWorked(Ran ran, Path folder) throws IOException {
        assertThat(ran.errors).as("says once what is missing").filteredOn(line -> line.contains("native"))
                .singleElement().asString().contains("start java with --enable-native-access=ALL-UNNAMED");
        assertThat(ran.errors).filteredOn(line -> line.contains("Exception")).isEmpty();
        assertThat(ran.exitCode).isZero();
        assertThat(memoryFolders(folder)).as("left behind").isEmpty();
    }

    @Test
    void allThatIsSharedWorksWithoutTheOption(@TempDir Path folder) throws Exception {
        Ran ran = run(folder, Shares.class);
        assertWorked(ran, folder);
        assertThat(ran.out).isEqualTo("PORTABLE PORTABLE 2000 42 7 true [a, b, c] 3");
    }

    /** The worker uses what its system offers; it waits for the parent, and the parent for it. */
    @Test
    void aProcessThatHasTheOptionWorksWithOneThatHasNot(@TempDir Path folder) throws Exception {
        Ran ran = run(folder, Shares.class, "-Dtest.worker=--enable-native-access=ALL-UNNAMED");
        assertWorked(ran, folder);
        assertThat(ran.out).isEqualTo("PORTABLE NATIVE 2000 42 7 true [a, b, c] 3");
    }

    /**
     * Each thing that is missing is told once, by the program and not by its workers, and only where somebody could
     * want it.
     */
    @Test
    void whatIsMissingIsToldOnceInAProgramWithItsRemedy(@TempDir Path folder) throws Exception {
        Ran ran = run(folder, WithoutOptions.class, "-Dsennit.cache=" + Files.createFile(folder.resolve("file")));
        assertThat(ran.out).isEqualTo("BATON BATON");
        assertThat(ran.errors).filteredOn(line -> line.startsWith("INFO: ") || line.startsWith("WARNING: "))
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo(
                                "WARNING: event loops are in fallback mode: blocking calls such as Thread.sleep stop"
                                        + " the whole loop; start java with --add-opens "
                                        + "java.base/java.lang=ALL-UNNAMED"),
                        line -> assertThat(line)
                                .startsWith("INFO: worker processes start without an archive of the JDK's classes")
                                .contains(folder.resolve("file").toString())
                                .endsWith("name another with -Dsennit.cache=FOLDER, or none with archive=off"),
                        line -> assertThat(line)
                                .startsWith(
                                        "INFO: no native access: tasks and results of worker processes go over sockets")
                                .endsWith("start java with --enable-native-access=ALL-UNNAMED"));
        assertThat(ran.errors).hasSize(6); // before each the logger's own
    }

    /** Opens everything twice, and a loop in a worker. */
    public static final class WithoutOptions {
        private WithoutOptions() {}

        public static void main(String[] arguments) throws Exception {
            for (int i = 0; i < 2; i++) {
                try (var loop = EventLoop.open();
                        ProcessPool pool = ProcessPool.builder().workers(1).open()) {
                    if (i == 1) {
                        String there = pool.submit(WithoutOptions::mechanism).get();
                        System.out.println(there + ' ' + loop.submit(WithoutOptions::mechanism).get());
                    }
                }
            }
        }

        private static String mechanism() {
            try (var loop = EventLoop.open()) {
                return loop.mechanism().name();
            }
        }
    }

    /** Uses all kinds of things with a worker. */
    public static final class Shares {
        private Shares() {}

        public static void main(String[] arguments) throws Exception {
            SharedLock lock = SharedLock.create();
            Condition changed = lock.newCondition();
            SharedEvent go = SharedEvent.create();
            SharedBarrier barrier = SharedBarrier.create(2);
            SharedQueue<String> queue = SharedQueue.create(2, 1 << 12);
            SharedBoundedSemaphore seats = SharedBoundedSemaphore.create(1);
            SharedSemaphore ready = SharedSemaphore.create(0);
            try (ProcessPool pool = ProcessPool.builder()
                    .workers(1)
                    .jvmOptions(System.getProperty("test.worker", "-Xshare:auto"))
                    .open();
                    SharedLong count = SharedLong.create(0);
                    SharedMemory memory = SharedMemory.create(64)) {
                MemorySegment part = memory.segment().asSlice(8, 4);
                TaskFuture<SharedMemory> worker = pool.submit(() -> {
                    go.await();
                    add(lock, seats, count);
                    part.set(JAVA_INT, 0, 42);
                    lock.lock();
                    try {
                        while (count.get() >= 0 && !go.isSet()) {
                            changed.await();
                        }
                    } finally {
                        lock.unlock();
                    }
                    barrier.await();
                    ready.release();
                    for (String text : List.of("a", "b", "c")) {
                        queue.put(text);
                    }
                    Made.memory = SharedMemory.create(4);
                    Made.memory.segment().set(JAVA_INT, 0, 7);
                    return Made.memory;
                });
                go.set();
                add(lock, seats, count);
                barrier.await();
                ready.acquire();
                List<String> taken = List.of(queue.take(), queue.take(), queue.take());
                SharedMemory made = worker.get();
                MemorySegment copied = Arena.ofAuto().allocate(3);
                String mechanism = pool.submit(() -> SharedMemory.mechanism().name()).get();
                System.out.println(SharedMemory.mechanism() + " " + mechanism + " " + count + " "
                        + memory.segment().get(JAVA_INT, 8) + " " + made.segment().get(JAVA_INT, 0) + " "
                        + pool.submit(() -> lock.tryLock()).get() + " " + taken + " "
                        + pool.submit(() -> copied.byteSize()).get());
            }
        }

        private static void add(SharedLock lock, SharedBoundedSemaphore seats, SharedLong count)
                throws InterruptedException {
            for (int i = 0; i < 1000; i++) {
                seats.acquire();
                lock.lock();
                try {
                    count.setPlain(count.getPlain() + 1);
                } finally {
                    lock.unlock();
                    seats.release();
                }
            }
        }
    }

    static final class Made {
        static SharedMemory memory = null;
    }

    @Test
    void whatAKilledProcessLeavesTheNextOneRemoves(@TempDir Path folder) throws Exception {
        Process killed = start(folder, Holds.class);
        try {
            Conditions.await("it has made some").until(() -> Files.readString(folder.resolve("out")).contains("holds"));
            killed.destroyForcibly().waitFor();
        } finally {
            killed.destroyForcibly();
        }
        assertThat(memoryFolders(folder)).hasSize(1);
        assertWorked(run(folder, Shares.class), folder);
    }

    /** Makes some, and waits to be killed. */
    public static final class Holds {
        private Holds() {}

        public static void main(String[] arguments) throws Exception {
            List<SharedLong> numbers = IntStream.range(0, 10).mapToObj(SharedLong::create).toList();
            System.out.println("holds " + numbers);
            Thread.sleep(100_000);
        }
    }
}
