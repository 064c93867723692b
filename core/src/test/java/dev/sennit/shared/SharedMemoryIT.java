package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskSerializationException;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.process.ProcessPool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(120)
class SharedMemoryIT {
    private static ProcessPool two() {
        return ProcessPool.builder().workers(2).heap("64m").open();
    }

    @Test
    void isTheSameMemoryInEveryProcess() throws Exception {
        try (SharedMemory memory = SharedMemory.create(1 << 20);
                ProcessPool pool = two()) {
            memory.segment().set(JAVA_INT, 0, 20);
            assertThat(pool.submit(() -> {
                memory.segment().set(JAVA_INT, 4, 22);
                return memory.segment().get(JAVA_INT, 0) + memory.segment().get(JAVA_INT, 4);
            }).get(60, SECONDS)).isEqualTo(42);
            assertThat(memory.segment().get(JAVA_INT, 4)).isEqualTo(22);
            assertThat(memory.segment().byteSize()).isEqualTo(memory.size()).isEqualTo(1 << 20);
            assertThat(memory.segment().address() % 64).isZero();
        }
    }

    /** In each worker the first one finds out whether there can be any: an interrupt says nothing of that. */
    @Test
    void theFirstUseInAWorkerMayBeInterrupted() throws Exception {
        try (SharedMemory memory = SharedMemory.create(8);
                ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            assertThat(pool.submit(() -> {
                Thread.currentThread().interrupt();
                try (SharedMemory first = SharedMemory.create(8)) {
                    return Thread.interrupted() && first.size() == 8;
                }
            }).get(60, SECONDS)).isTrue();
            assertThat(pool.submit(() -> memory.segment().byteSize()).get(60, SECONDS)).isEqualTo(8);
        }
    }

    @Test
    void atomicOperationsOfTwoWorkersLoseNothing() throws Exception {
        try (SharedMemory memory = SharedMemory.create(8);
                ProcessPool pool = two()) {
            List<Integer> done = pool.map(
                    i -> {
                        for (int n = 0; n < 10_000; n++) {
                            JAVA_LONG.varHandle().getAndAdd(memory.segment(), 0L, 1L);
                        }
                        return i;
                    },
                    IntStream.range(0, 20).boxed().toList());
            assertThat(done).hasSize(20);
            assertThat(memory.segment().get(JAVA_LONG, 0)).isEqualTo(200_000);
        }
    }

    @Test
    void comesHomeAsItself() throws Exception {
        try (SharedMemory memory = SharedMemory.create(100);
                ProcessPool pool = two()) {
            assertThat(pool.submit(() -> memory).get(60, SECONDS)).isSameAs(memory);
        }
    }

    @Test
    void oneThatAWorkerMadeIsReadHereWhileThatHoldsIt() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            String name = pool.submit(() -> {
                Held.memory = SharedMemory.create(3);
                Held.memory.segment().set(JAVA_BYTE, 2, (byte) 9);
                return Held.memory.name();
            }).get(60, SECONDS);
            SharedMemory opened = SharedMemory.open(name);
            assertThat(opened.segment().get(JAVA_BYTE, 2)).isEqualTo((byte) 9);
            assertThat(SharedMemory.open(name)).isSameAs(opened);
            pool.shutdownNow();
            assertThat(pool.awaitTermination(60, SECONDS)).isTrue();
            assertThat(opened.segment().get(JAVA_BYTE, 2)).as("outlives who made it").isEqualTo((byte) 9);
        }
    }

    static final class Held {
        static SharedMemory memory = null;
    }

    @Test
    void aClosedOneCannotBeUsedOrOpened() throws Exception {
        SharedMemory memory = SharedMemory.create(100);
        String name = memory.name();
        try (ProcessPool pool = two()) {
            assertThat(pool.submit(() -> SharedMemory.open(name).size()).get(60, SECONDS)).isEqualTo(100);
            memory.close();
            memory.close();
            assertThatThrownBy(() -> memory.segment().get(JAVA_INT, 0)).isInstanceOf(IllegalStateException.class);
            // Another thread of this JVM may have opened something under its descriptor meanwhile.
            assertThatThrownBy(() -> SharedMemory.open(name)).isInstanceOf(IOException.class)
                    .message().containsAnyOf("that has closed it", "is no memory file of this library");
        }
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(descriptors.map(SharedMemoryIT::target)).noneMatch(SharedMemoryIT::isBlock);
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return ""; // the one that lists them
        }
    }

    @Test
    void aClosedOneDoesNotTravel() throws Exception {
        SharedMemory memory = SharedMemory.create(100);
        memory.close();
        assertThat(memory).hasToString("SharedMemory[" + memory.name() + ", closed]");
        try (ProcessPool pool = two()) {
            assertThatThrownBy(() -> pool.submit(() -> memory.size()).get(60, SECONDS))
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("shared memory " + memory.name() + " is closed");
        }
    }

    @Test
    void oneThatIsClosedOnItsWayIsSaidToBeGone() throws Exception {
        SharedMemory memory = SharedMemory.create(100);
        byte[] sent = serialized(memory);
        assertThat(deserialized(sent)).isSameAs(memory);
        memory.close();
        assertThatThrownBy(() -> deserialized(sent))
                .isInstanceOf(InvalidObjectException.class)
                .hasMessageContaining("is gone: that has closed it");
    }

    /** A worker that is in somebody else's hands may send anything. */
    @Test
    void aNumberThatCannotBeIsRefusedOnArrival() throws Exception {
        try (SharedMemory memory = SharedMemory.create(0x0123_4567_89ABL)) { // nobody touches it
            byte[] sent = serialized(memory);
            byte[] size = {0, 0, 0x01, 0x23, 0x45, 0x67, (byte) 0x89, (byte) 0xAB};
            int at = IntStream.rangeClosed(0, sent.length - 8)
                    .filter(i -> Arrays.equals(sent, i, i + 8, size, 0, 8))
                    .findFirst()
                    .getAsInt();
            sent[at] = (byte) 0x80;
            assertThatThrownBy(() -> deserialized(sent)).isInstanceOf(InvalidObjectException.class);
        }
    }

    private static byte[] serialized(Object value) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new ObjectOutputStream(bytes)) {
            out.writeObject(value);
        }
        return bytes.toByteArray();
    }

    private static Object deserialized(byte[] bytes) throws IOException, ClassNotFoundException {
        try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
            return in.readObject();
        }
    }

    // ---- blocks that are lost ----

    /** So large that its mapping is known by its size. */
    private static final long STRIKING = 77 * 4096;

    private static boolean isBlock(String text) {
        return text.contains("sennit-shared") || text.contains("sennit-memory-");
    }

    /** How many mappings of a size there are. */
    private static long mapped(long size) throws IOException {
        try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(SharedMemoryIT::isBlock)
                    .map(line -> line.substring(0, line.indexOf(' ')).split("-"))
                    .filter(range -> Long.parseLong(range[1], 16) - Long.parseLong(range[0], 16) == size)
                    .count();
        }
    }

    /** How many blocks others could open here: descriptors, or the files of this process. */
    private static long open() throws IOException {
        if (SharedMemory.mechanism() == SharingMechanism.PORTABLE) {
            try (var folders = Files.newDirectoryStream(
                    Path.of(System.getProperty("java.io.tmpdir")),
                    "sennit-memory-" + ProcessHandle.current().pid() + "-*")) {
                long files = 0;
                for (Path folder : folders) {
                    String[] names = folder.toFile().list();
                    files += names == null ? 0 : names.length; // it goes with the last file, at any moment
                }
                return files;
            }
        }
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.map(SharedMemoryIT::target).filter(SharedMemoryIT::isBlock).count();
        }
    }

    private static void collectUntil(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20)).until(() -> {
            System.gc();
            return condition.call();
        });
    }

    @Test
    void oneThatIsLostIsUnmapped() throws Exception {
        collectUntil(() -> open() == 0); // other tests'
        loseOne();
        // Without native access nothing tells that the last segment is lost, so that the memory stays until the end.
        long mapped = SharedMemory.mechanism() == SharingMechanism.NATIVE ? 0 : 1;
        collectUntil(() -> mapped(STRIKING) == mapped && open() == 0);
    }

    private static void loseOne() throws IOException {
        SharedMemory memory = SharedMemory.create(STRIKING - 64);
        memory.segment().set(JAVA_INT, 0, 1);
        assertThat(mapped(STRIKING)).isOne();
    }

    @Test
    void aClosedOneIsUnmappedAtOnce() throws Exception {
        SharedMemory memory = SharedMemory.create(STRIKING + 4096 - 64);
        assertThat(mapped(STRIKING + 4096)).isOne();
        memory.close();
        assertThat(mapped(STRIKING + 4096)).isZero();
    }

    @Test
    void aSegmentOutlivesALostBlock() throws Exception {
        collectUntil(() -> open() == 0);
        MemorySegment slice = sliceOfALostOne();
        collectUntil(() -> open() == 0); // the block is lost, its mapping is not
        assertThat(slice.get(JAVA_INT, 0)).isEqualTo(42);
        assertThat(mapped(STRIKING + 8192)).isOne();
        Reference.reachabilityFence(slice);
    }

    private static MemorySegment sliceOfALostOne() {
        SharedMemory memory = SharedMemory.create(STRIKING + 8192 - 64);
        memory.segment().set(JAVA_INT, 8, 42);
        return memory.segment().asSlice(8, 4);
    }

    // ---- threads ----

    @Test
    void threadsThatOpenTheSameGetTheSame() throws Exception {
        try (ProcessPool pool = ProcessPool.builder().workers(1).heap("64m").open()) {
            for (int round = 0; round < 50; round++) {
                String name = pool.submit(() -> {
                    Held.memory = SharedMemory.create(3);
                    return Held.memory.name();
                }).get(60, SECONDS);
                var start = new CountDownLatch(1);
                Callable<SharedMemory> open = () -> {
                    start.await();
                    return SharedMemory.open(name);
                };
                List<Caller<SharedMemory>> callers = List.of(Caller.of(open), Caller.of(open), Caller.of(open));
                start.countDown();
                SharedMemory first = callers.getFirst().result();
                for (Caller<SharedMemory> caller : callers) {
                    assertThat(caller.result()).isSameAs(first);
                }
            }
        }
    }

    @Test
    void threadsThatCloseItOrUseItMeanwhileGetAnException() throws Exception {
        for (int round = 0; round < 50; round++) {
            SharedMemory memory = SharedMemory.create(64);
            Caller<Integer> user = Caller.of(() -> {
                while (true) {
                    memory.segment().set(JAVA_INT, 0, memory.segment().get(JAVA_INT, 0) + 1);
                }
            });
            Callable<String> close = () -> {
                memory.close();
                return "closed";
            };
            List<Caller<String>> closers = List.of(Caller.of(close), Caller.of(close));
            for (Caller<String> closer : closers) {
                assertThat(closer.result()).isEqualTo("closed");
            }
            assertThat(user.failure()).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void oneThatAChannelUsesIsFreedWhenItIsClosedAgain() throws Exception {
        while (!closesUnderAChannel()) {
            Thread.onSpinWait(); // it was closed before the channel began
        }
    }

    private static boolean closesUnderAChannel() throws Exception {
        SharedMemory memory = SharedMemory.create(64);
        Pipe pipe = Pipe.open();
        try (var source = pipe.source();
                var sink = pipe.sink()) {
            Caller<Integer> reader = Caller.of(() -> source.read(memory.segment().asByteBuffer()));
            Thread.yield();
            boolean refused = false;
            try {
                memory.close();
            } catch (IllegalStateException e) {
                refused = true;
            }
            sink.write(ByteBuffer.wrap(new byte[] {1}));
            if (refused) {
                assertThatThrownBy(() -> SharedMemory.open(memory.name())).isInstanceOf(IOException.class);
                assertThat(reader.result()).isOne();
                assertThat(memory.segment().get(JAVA_BYTE, 0)).isOne();
                memory.close();
            }
            assertThatThrownBy(() -> memory.segment().get(JAVA_INT, 0)).isInstanceOf(IllegalStateException.class);
            return refused;
        }
    }

    @Test
    void badNamesAndSizes() {
        for (String name : List.of("", "1", "1:2:3", "a:b:c:d", "1:2:zz:4", "1:2:3:-4", "1:2:3:4:5", "-1:2:3:4",
                "0:2:3:4", "1:-2:3:4", "1:2:3:0",
                "1:2:3:9223372036854775807")) {
            assertThatThrownBy(() -> SharedMemory.open(name)).as(name).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> SharedMemory.open("999999999:3:ff:64")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> SharedMemory.create(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SharedMemory.create(Long.MAX_VALUE / 2))
                .isInstanceOf(java.io.UncheckedIOException.class);
    }

    @Test
    void aNameWhoseDescriptorIsAnotherFileByNowIsRefused() throws Exception {
        SharedMemory first = SharedMemory.create(100);
        String name = first.name();
        first.close();
        try (SharedMemory second = SharedMemory.create(100)) { // takes the same descriptor; a file's name is new
            assertThat(second.name().split(":")[1].equals(name.split(":")[1]))
                    .isEqualTo(SharedMemory.mechanism() == SharingMechanism.NATIVE);
            assertThatThrownBy(() -> SharedMemory.open(name)).isInstanceOf(IOException.class)
                    .hasMessageContaining("gone");
        }
    }
}
