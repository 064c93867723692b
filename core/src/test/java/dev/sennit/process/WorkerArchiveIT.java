package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The archive of classes is made, used, and never an error. */
@Timeout(120)
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
class WorkerArchiveIT {
    private static byte[] whole = {};

    private @Nullable String before;

    @TempDir
    private Path folder;

    private final List<String> lines = new CopyOnWriteArrayList<>();

    /** Tests on the module path are patched into the module, and workers with a patched module have no archive. */
    @BeforeAll
    static void onTheClassPath() {
        assumeFalse(WorkerArchive.class.getModule().isNamed());
    }

    @BeforeEach
    void useFolder() {
        before = System.getProperty(WorkerArchive.FOLDER_PROPERTY);
        System.setProperty(WorkerArchive.FOLDER_PROPERTY, folder.toString());
    }

    @AfterEach
    void restore() {
        if (before == null) {
            System.clearProperty(WorkerArchive.FOLDER_PROPERTY);
        } else {
            System.setProperty(WorkerArchive.FOLDER_PROPERTY, before);
        }
    }

    private ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").onLine((worker, error, line) -> lines.add(line));
    }

    /** An archive in this test's folder, made by a pool of its own in the first test that asks for one. */
    private Path made() throws IOException {
        try (ProcessPool pool = one().open()) {
            Path file = pool.archive().file();
            if (whole.length == 0) {
                pool.archive().make(pool);
                whole = Files.readAllBytes(file);
            } else {
                Files.write(file, whole);
            }
            return file;
        }
    }

    private static boolean usesArchive(ProcessPool pool) throws Exception {
        String file = pool.archive().file().toString();
        return pool.submit(() -> Files.readString(Path.of("/proc/self/maps")).contains(file)).get(60, SECONDS);
    }

    @Test
    void workersThatStartLaterUseIt() throws Exception {
        try (ProcessPool pool = one().open()) {
            assertThat(usesArchive(pool)).isFalse();
            pool.archive().make(pool);
            assertThat(pool.archive().file()).isNotEmptyFile();
            assertThat(usesArchive(pool)).as("it is up already").isFalse();
        }
        try (ProcessPool pool = one().open()) {
            assertThat(usesArchive(pool)).isTrue();
        }
        try (ProcessPool pool = one().archive(false).open()) {
            assertThat(pool.archive()).isNull();
        }
        assertThat(lines).isEmpty();
        assertThat(folder.toFile().list()).as("no list, no unfinished file").hasSize(2);
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
    }

    @Test
    void oneThatIsDamagedIsIgnored() throws Exception {
        Path file = made();
        List<byte[]> damaged = List.of(
                Arrays.copyOf(whole, whole.length / 2),
                Arrays.copyOf(whole, 100),
                "this is no archive".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        for (byte[] content : damaged) {
            Files.write(file, content);
            try (ProcessPool pool = one().open()) {
                assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
                assertThat(pool.statistics().workersLost()).isZero();
            }
        }
        Files.delete(file);
        Files.createDirectory(file);
        try (ProcessPool pool = one().open()) {
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
        }
        assertThat(lines).isEmpty();
    }

    /** The JVM checks an archive's head, and believes the rest. */
    @Test
    void oneThatCrashesWorkersIsGivenUp() throws Exception {
        Path file = made();
        byte[] bytes = whole.clone();
        Arrays.fill(bytes, bytes.length / 10, bytes.length - bytes.length / 10, (byte) 0x5A);
        Files.write(file, bytes);
        try (ProcessPool pool = one().open()) {
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            assertThat(file).isEmptyFile();
            pool.archive().make(pool);
            assertThat(file).as("not tried again on the same day").isEmptyFile();
        } finally {
            removeCrashLogs();
        }
    }

    /** A heap that cannot be had, say. */
    @Test
    void oneIsKeptWhoseWorkersDoNotStartForAnotherReason() throws Exception {
        Path file = made();
        try (ProcessPool pool = one().jvmOptions("-XX:MaxMetaspaceSize=1").open()) {
            assertThat(pool.archive().file()).as("that option is not of those that matter").isEqualTo(file);
            assertThatThrownBy(() -> pool.submit(() -> 42).get(60, SECONDS)).isInstanceOf(ExecutionException.class);
        }
        assertThat(file).hasBinaryContent(whole);
        try (ProcessPool pool = one().open()) {
            assertThat(usesArchive(pool)).isTrue();
        }
    }

    private static void removeCrashLogs() throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try (var logs = Files.newDirectoryStream(temporary, "sennit-worker-*-crash.log")) {
            for (Path log : logs) {
                Files.deleteIfExists(log);
            }
        }
    }

    @Test
    void severalThatMakeItMakeOne() throws Exception {
        try (ProcessPool pool = one().open();
                ProcessPool other = one().open()) {
            var thread = Thread.ofPlatform().start(() -> other.archive().make(other));
            pool.archive().make(pool);
            thread.join();
            assertThat(pool.archive().file()).isEqualTo(other.archive().file()).isNotEmptyFile();
        }
        assertThat(folder.toFile().list()).hasSize(2);
    }

    @Test
    void aPoolThatClosesDoesNotWaitForIt() throws Exception {
        Path file;
        try (ProcessPool pool = one().open()) {
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            file = pool.archive().file();
            Thread.startVirtualThread(() -> pool.archive().makeFor(pool));
            Awaitility.await().until(() -> WorkerProcesses.ofThisJvm().size() > 1);
        }
        assertThat(WorkerProcesses.ofThisJvm()).isEmpty();
        assertThat(folder.toFile().list()).allMatch(name -> name.endsWith(".lock"));
        assertThat(file).doesNotExist();
    }
}
