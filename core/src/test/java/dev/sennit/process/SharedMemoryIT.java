package dev.sennit.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
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
            assertThatThrownBy(() -> SharedMemory.open(name)).isInstanceOf(IOException.class).hasMessageContaining("closed");
        }
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(descriptors.map(SharedMemoryIT::target)).noneMatch(target -> target.contains("sennit-shared"));
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
    void badNamesAndSizes() {
        for (String name : List.of("", "1", "1:2:3", "a:b:c:d", "1:2:zz:4", "1:2:3:-4", "1:2:3:4:5")) {
            assertThatThrownBy(() -> SharedMemory.open(name)).as(name).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> SharedMemory.open("999999999:3:ff:64")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> SharedMemory.create(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SharedMemory.create(Long.MAX_VALUE / 2)).isInstanceOf(java.io.UncheckedIOException.class);
    }

    @Test
    void aNameWhoseDescriptorIsAnotherFileByNowIsRefused() throws Exception {
        SharedMemory first = SharedMemory.create(100);
        String name = first.name();
        first.close();
        try (SharedMemory second = SharedMemory.create(100)) { // takes the same descriptor
            assertThat(second.name().split(":")[1]).isEqualTo(name.split(":")[1]);
            assertThatThrownBy(() -> SharedMemory.open(name)).isInstanceOf(IOException.class).hasMessageContaining("gone");
        }
    }
}
