package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.internal.machine.FolderOwner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class RunningManagersTest {
    private static final Path FILE = Path.of("/srv/a.toml");
    private static final Path CONTROL = Path.of("/srv/a.toml.sock");

    @TempDir
    Path home;

    private RunningManagers managers;
    private Path folder;

    @BeforeEach
    void ofThisHome() {
        managers = RunningManagers.of(Map.of(), home.toString()).orElseThrow();
        folder = home.resolve(".cache/sennit/services");
    }

    @Test
    void anEntryIsThereUntilItIsClosed() throws Exception {
        assertThat(managers.find()).isEmpty();
        try (var _ = managers.add(FILE, CONTROL)) {
            assertThat(managers.find())
                    .containsExactly(new RunningManagers.Manager(ProcessHandle.current().pid(), FILE, CONTROL));
        }
        assertThat(managers.find()).isEmpty();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatIsNoEntryHidesNone() throws Exception {
        try (var _ = managers.add(FILE, CONTROL)) {
            Files.writeString(folder.resolve("notes"), "mine");
            String own = FolderOwner.namePrefix() + ProcessHandle.current().pid();
            Path dead = Files.writeString(
                    folder.resolve(own.replaceFirst("-[0-9a-f]+-", "-5f5e0ff-")), FILE + "\n" + CONTROL);
            Path elsewhere = Files.writeString(
                    folder.resolve(own.replaceFirst("-([0-9a-f]+)-\\w+-", "-$1-another-")), FILE + "\n" + CONTROL);
            Path alive = folder.resolve(FolderOwner.namePrefix() + "1");
            for (byte[] bad : List.of(new byte[] {(byte) 0xff, '\n', 'a'}, "\0\nb".getBytes(), "one line".getBytes(),
                    new byte[1 << 15])) {
                Files.write(alive, bad);
                assertThat(managers.find()).extracting(RunningManagers.Manager::file).containsExactly(FILE);
            }
            Files.delete(alive);
            Files.createDirectory(alive);
            assertThat(managers.find()).extracting(RunningManagers.Manager::file).containsExactly(FILE);
            assertThat(dead).doesNotExist();
            assertThat(elsewhere).exists(); // nothing is known of its process
            assertThat(folder.resolve("notes")).exists();
        }
    }

    @Test
    void aFolderThatOthersMayWriteIsNotUsed() throws Exception {
        managers.add(FILE, CONTROL).close();
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() -> managers.add(FILE, CONTROL)).isInstanceOf(IOException.class)
                .hasMessage("folder " + folder + " can be written by other users");
        Files.writeString(
                folder.resolve(FolderOwner.namePrefix() + ProcessHandle.current().pid()), FILE + "\n" + CONTROL);
        assertThat(managers.find()).isEmpty();
    }
}
