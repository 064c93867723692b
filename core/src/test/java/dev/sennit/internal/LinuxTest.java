package dev.sennit.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class LinuxTest {
    private static final VarHandle INTS = JAVA_INT.varHandle();

    @Test
    void isAvailableInTheTestsOfThisModule() {
        assertThat(Linux.isAvailable()).isTrue();
    }

    @Test
    void aSleeperIsWokenThroughAnotherMappingOfTheSameFile() throws Exception {
        try (MemoryFile file = MemoryFile.create("test", 4096);
                Arena arena = Arena.ofShared()) {
            MemorySegment one = file.map(arena);
            MemorySegment other = file.map(arena);
            Thread sleeper = Thread.ofPlatform().start(() -> {
                while ((int) INTS.getVolatile(one, 0L) == 0) {
                    Linux.futexWait(one, 0);
                }
            });
            INTS.setVolatile(other, 0L, 7);
            Linux.futexWake(other, 1);
            assertThat(sleeper.join(Duration.ofSeconds(50))).isTrue();
        }
    }

    @Test
    void aWordThatHasChangedIsNotWaitedFor() throws Exception {
        try (MemoryFile file = MemoryFile.create("test", 64);
                Arena arena = Arena.ofConfined()) {
            Linux.futexWait(file.map(arena), 1); // it is 0; the test ends
        }
    }

    @Test
    void aLimitedWaitEnds() throws Exception {
        try (MemoryFile file = MemoryFile.create("test", 64);
                Arena arena = Arena.ofConfined()) {
            MemorySegment word = file.map(arena);
            Linux.futexWait(word, 0, 0);
            Linux.futexWait(word, 0, -5);
            Linux.futexWait(word, 0, 1_000_000);
            Linux.futexWait(word, 1, TimeUnit.DAYS.toNanos(1));
        }
    }

    @Test
    void whoIsInterruptedMapsAllTheSame() throws Exception {
        try (MemoryFile file = MemoryFile.create("test", 64);
                Arena arena = Arena.ofConfined()) {
            Thread.currentThread().interrupt();
            file.map(arena).set(JAVA_INT, 0, 7);
            assertThat(Thread.interrupted()).as("the interrupt status").isTrue();
            assertThat(file.map(arena).get(JAVA_INT, 0)).isEqualTo(7);
            assertThat(Thread.interrupted()).isFalse();
        }
    }

    @Test
    void itsSizeStays() throws Exception {
        try (MemoryFile file = MemoryFile.create("test", 4096);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = file.map(arena);
            mapped.set(JAVA_INT, 4092, 5);
            try (var channel = java.nio.channels.FileChannel.open(
                    file.path(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                assertThatThrownBy(() -> channel.truncate(100)).isInstanceOf(IOException.class);
                assertThat(channel.size()).isEqualTo(4096);
            }
            assertThatThrownBy(() -> MemoryFile.map(file.path(), 8192, arena))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("8192");
            assertThat(mapped.get(JAVA_INT, 4092)).isEqualTo(5);
        }
    }

    @Test
    void nothingIsLeftOfAClosedOne() throws Exception {
        MemoryFile file = MemoryFile.create("sennit-closed-here", 4096);
        Path path = file.path();
        assertThat(Files.readSymbolicLink(path).toString()).contains("sennit-closed-here");
        file.close();
        file.close(); // once is enough, and a descriptor that is somebody else's by now is not closed
        try (Arena arena = Arena.ofConfined()) {
            assertThatThrownBy(() -> file.map(arena)).isInstanceOf(IOException.class);
        }
        try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
            assertThat(maps).noneMatch(line -> line.contains("sennit-closed-here"));
        }
    }
}
