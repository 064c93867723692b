package dev.sennit.internal.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.nio.file.attribute.PosixFilePermissions.asFileAttribute;
import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import dev.sennit.conformance.internal.Conditions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The parts of the portable mechanism, whichever mechanism this JVM uses. */
@Timeout(60)
class SharingTest {
    private static final long PID = ProcessHandle.current().pid();

    @Test
    void aMappedFileIsMemoryThatGoesWithItsFolder() throws Exception {
        MappedFile file = MappedFile.create(4096);
        Path path = Path.of(file.place());
        Path folder = path.getParent();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment here = file.map(arena);
            MemorySegment there = MappedFile.map(PID, path, 4096, arena);
            here.set(JAVA_INT, 64, 42);
            assertThat(there.get(JAVA_INT, 64)).isEqualTo(42);
            assertThat(folder.getFileName().toString()).startsWith("sennit-memory-" + PID + "-");
            file.close();
            assertThat(path).as("nobody else can map it").doesNotExist();
            assertThat(here.get(JAVA_INT, 64)).isEqualTo(42);
        }
        file.close();
    }

    @Test
    void theFolderIsOfItsUserAloneAndGoneWithItsLastFile() throws Exception {
        MappedFile first = MappedFile.create(1);
        MappedFile second = MappedFile.create(1);
        Path folder = Path.of(first.place()).getParent();
        assertThat(Path.of(second.place()).getParent()).isEqualTo(folder);
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            assertThat(Files.getPosixFilePermissions(folder)).isEqualTo(fromString("rwx------"));
        }
        first.close();
        assertThat(folder).exists();
        second.close();
        if (Sharing.here() instanceof NativeSharing) { // else other tests' files are in it
            assertThat(folder).doesNotExist();
        }
        MappedFile third = MappedFile.create(1);
        assertThat(Path.of(third.place())).exists();
        third.close();
    }

    @Test
    void aFileThatCannotBeMadeLeavesNothing() throws Exception {
        MappedFile other = MappedFile.create(1);
        Path folder = Path.of(other.place()).getParent();
        int before = folder.toFile().list().length;
        assertThatThrownBy(() -> MappedFile.create(Long.MAX_VALUE)).isInstanceOf(IOException.class);
        assertThat(folder.toFile().list()).hasSize(before);
        other.close();
    }

    // ---- what others say ----

    private static void assertRefused(Path file, long size, String why) {
        assertThatThrownBy(() -> MappedFile.map(PID, file, size, Arena.ofAuto()))
                .as("%s", file)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(why);
    }

    private static Path fileIn(Path folder, long size) throws IOException {
        Path file = folder.resolve("1");
        try (var made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(size);
        }
        return file;
    }

    /** A worker in somebody else's hands may name any file. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void onlyAFileInAPrivateFolderForSharedMemoryIsMapped(@TempDir Path temporary) throws Exception {
        MappedFile own = MappedFile.create(64);
        Path file = Path.of(own.place());
        String folder = file.getParent().getFileName().toString();
        assertRefused(Path.of("/dev/zero"), 64, "no file of shared memory");
        assertRefused(Path.of("/etc/1"), 64, "not in a folder");
        assertRefused(Path.of("1"), 64, "no file of shared memory");
        assertRefused(Path.of("/"), 64, "no file of shared memory");
        assertRefused(file.resolveSibling("..").resolve(folder).resolve(file.getFileName()), 64,
                "no file of shared memory");
        assertRefused(file, 65, "no shared memory of 65 bytes");
        assertThatThrownBy(() -> MappedFile.map(PID + 1, file, 64, Arena.ofAuto()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not in a folder for shared memory of process " + (PID + 1));

        Path open = Files.createDirectory(temporary.resolve(folder), asFileAttribute(fromString("rwxr-xr-x")));
        assertRefused(fileIn(open, 64), 64, "not in a private folder");
        Files.setPosixFilePermissions(open, fromString("rwx------"));
        assertThat(MappedFile.map(PID, open.resolve("1"), 64, Arena.ofAuto()).byteSize()).isEqualTo(64);
        Files.delete(open.resolve("1"));
        Files.createSymbolicLink(open.resolve("1"), file);
        assertRefused(open.resolve("1"), 64, "no shared memory of 64 bytes");
        Files.delete(open.resolve("1"));
        Files.createDirectory(open.resolve("1"));
        assertRefused(open.resolve("1"), 64, "no shared memory of 64 bytes");
        Files.delete(open.resolve("1"));
        Files.delete(open);
        Files.createSymbolicLink(open, file.getParent());
        assertRefused(open.resolve(file.getFileName()), 64, "not in a private folder");
        own.close();
    }

    // ---- waits ----

    @Test
    void aWaitEndsWhenTheWordChangesWithoutAWakeUp() throws Exception {
        var sharing = new PortableSharing();
        MemorySegment word = Arena.ofAuto().allocate(4, 4);
        for (var threads : List.of(Thread.ofPlatform().daemon().factory(), Thread.ofVirtual().factory())) {
            word.set(JAVA_INT, 0, 0);
            var waits = new AtomicBoolean();
            Caller<Boolean> waiting = Caller.on(threads, () -> {
                WaitLimit limit = WaitLimit.none();
                while ((int) JAVA_INT.varHandle().getVolatile(word, 0L) == 0) {
                    waits.set(true);
                    sharing.await(word, 0, limit);
                }
                return true;
            });
            Conditions.await("waits").until(waits::get);
            JAVA_INT.varHandle().setVolatile(word, 0L, 1);
            assertThat(waiting.result()).isTrue();
        }
    }

    @Test
    void aPortableWaitHeedsInterruptsAndItsLimit() throws Exception {
        var sharing = new PortableSharing();
        MemorySegment word = Arena.ofAuto().allocate(4, 4);
        var limit = new WaitLimit(1_000_000);
        while (!limit.isOver()) {
            sharing.await(word, 0, limit);
        }
        sharing.await(word, 0, limit);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> sharing.await(word, 0, WaitLimit.none())).isInstanceOf(InterruptedException.class);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> sharing.await(word, 1, WaitLimit.none())).isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        Caller<Boolean> waiting = Caller.of(() -> {
            while (true) {
                sharing.await(word, 0, WaitLimit.none());
            }
        });
        waiting.interrupt();
        assertThat(waiting.failure()).isInstanceOf(InterruptedException.class);
    }

    // ---- who lives ----

    @Test
    void processesAreToldApartByNumberAndStart() {
        var any = new AnyProcesses();
        long self = ProcessIdentity.of(any, PID);
        assertThat(ProcessIdentity.pid(self)).isEqualTo(PID);
        assertThat(self & ProcessIdentity.SPARE).isZero();
        assertThat(ProcessIdentity.isAlive(any, self)).isTrue();
        assertThat(ProcessIdentity.isAlive(any, self ^ 1L << 40)).as("another start").isFalse();
        assertThat(ProcessIdentity.isAlive(any, (1L << 30) - 1 | 5L << 32)).isFalse();
        assertThat(ProcessIdentity.isAlive(ProcessIdentity.SELF)).isTrue();
        assertThat(ProcessIdentity.isAlive(ProcessIdentity.SELF ^ 1L << 40)).isFalse();
        assertThat(ProcessIdentity.scope()).matches("[a-z0-9]+");
    }
}
