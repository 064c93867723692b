package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where archives lie, and which workers share one. */
class WorkerArchiveTest {
    private static final MemoryLimits NO_LIMITS = new MemoryLimits(null, null, null);

    private @Nullable String before;

    @TempDir
    private Path folder;

    @BeforeEach
    void useFolder() {
        before = System.getProperty(WorkerArchive.FOLDER_PROPERTY);
        System.setProperty(WorkerArchive.FOLDER_PROPERTY, folder.resolve("cache").toString());
    }

    @AfterEach
    void restore() {
        if (before == null) {
            System.clearProperty(WorkerArchive.FOLDER_PROPERTY);
        } else {
            System.setProperty(WorkerArchive.FOLDER_PROPERTY, before);
        }
    }

    private static Path fileFor(MemoryLimits limits, String... arguments) {
        return WorkerArchive.forWorkers(List.of(arguments), limits).file();
    }

    @Test
    void classPathPropertiesAndLimitsDoNotMatter() {
        Path file = fileFor(NO_LIMITS, "-XX:+UseSerialGC", "--class-path", "a.jar", "-Da=b", "Main");
        assertThat(fileFor(new MemoryLimits(null, "1m", "2m"), "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=2m",
                "-XX:TieredStopAtLevel=1", "-Da=c", "Other"))
                .isEqualTo(file);
        assertThat(fileFor(NO_LIMITS, "-XX:+UseParallelGC")).isNotEqualTo(file);
        assertThat(fileFor(NO_LIMITS, "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED")).isNotEqualTo(file);
        assertThat(fileFor(NO_LIMITS, "-XX:+UseSerialGC")).isEqualTo(file);
        assertThat(file.getParent()).isEqualTo(folder.resolve("cache"));
    }

    @Test
    void smallHeapsShareOneAndWideReferencesDoNot() {
        Path small = fileFor(new MemoryLimits("64m", null, null), "-Xmx64m");
        assertThat(fileFor(new MemoryLimits("2g", null, null), "-Xmx2g")).isEqualTo(small);
        assertThat(fileFor(new MemoryLimits("33g", null, null), "-Xmx33g")).isNotEqualTo(small);
        assertThat(fileFor(NO_LIMITS)).as("the default may be wide").isNotEqualTo(small);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"-javaagent:a.jar", "-agentlib:jdwp", "-Xshare:off", "-XX:SharedArchiveFile=x", "-XX:AOTCache=x",
                "--patch-module", "--limit-modules=java.base"})
    void someWorkersCanHaveNone(String argument) {
        assertThat(WorkerArchive.forWorkers(List.of("-XX:+UseSerialGC", argument), NO_LIMITS)).isNull();
    }

    @Test
    void whereNoFolderCanBeMadeThereIsNone() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        System.setProperty(WorkerArchive.FOLDER_PROPERTY, file.resolve("cache").toString());
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).isNull();
        System.setProperty(WorkerArchive.FOLDER_PROPERTY, file.toString());
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).isNull();
        System.setProperty(WorkerArchive.FOLDER_PROPERTY,
                folder.resolve("a" + java.io.File.pathSeparator + "b").toString());
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).isNull();
        System.setProperty(WorkerArchive.FOLDER_PROPERTY, "");
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).isNull();
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void theFolderIsTheUsersAlone() throws Exception {
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).isNotNull();
        Path cache = folder.resolve("cache");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache))).isEqualTo("rwx------");

        Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxrwxr-x"));
        assertThat(WorkerArchive.forWorkers(List.of(), NO_LIMITS)).as("others can write there").isNull();
    }

    @Test
    void whatIsUnusedForAMonthIsRemovedAndNothingOfOthers() throws Exception {
        WorkerArchive archive = WorkerArchive.forWorkers(List.of(), NO_LIMITS);
        Path cache = archive.file().getParent();
        String key = archive.file().getFileName().toString().replace(".jsa", "");
        var old = FileTime.from(Instant.now().minus(Duration.ofDays(31)));
        for (String name : List.of(key + ".jsa", key + ".123.tmp", key + ".lock", "thesis.doc", "a.jsa")) {
            Files.setLastModifiedTime(Files.createFile(cache.resolve(name)), old);
        }
        Files.createFile(cache.resolve("0".repeat(32) + ".jsa"));
        archive.removeUnused();
        assertThat(cache.toFile().list()).containsExactlyInAnyOrder("thesis.doc", "a.jsa", "0".repeat(32) + ".jsa");
    }

    @Test
    void anEmptyFileIsNoArchive() throws Exception {
        WorkerArchive archive = WorkerArchive.forWorkers(List.of(), NO_LIMITS);
        List<String> arguments = List.of("-XX:+UseSerialGC");
        assertThat(archive.addTo(arguments)).isEqualTo(arguments);
        Files.writeString(archive.file(), "an archive");
        assertThat(archive.addTo(arguments)).contains("-XX:SharedArchiveFile=" + archive.file())
                .endsWith("-XX:+UseSerialGC");
        archive.suspect();
        assertThat(archive.addTo(arguments)).as("to be seen without it").isEqualTo(arguments);
        archive.judge(true);
        assertThat(archive.addTo(arguments)).as("not to blame").isNotEqualTo(arguments);
        archive.suspect();
        archive.judge(false);
        assertThat(archive.addTo(arguments)).isEqualTo(arguments);
        assertThat(archive.file()).isEmptyFile();
        assertThat(archive.file().getParent().toFile().list()).containsExactly(archive.file().getFileName().toString());
    }
}
