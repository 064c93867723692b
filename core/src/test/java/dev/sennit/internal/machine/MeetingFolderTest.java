package dev.sennit.internal.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Folders that killed processes have left. */
@EnabledOnOs(OS.LINUX)
class MeetingFolderTest {
    /** Of a number that Linux gives to nobody here, started when the machine was. */
    private static final long DEAD = (1L << 22) - 1;
    /** The number of this process, which had another owner before. */
    private static final long FORMER = ProcessIdentity.SELF ^ 1L << 40;

    @TempDir
    Path folder;

    private Path make(String prefix, String... files) throws Exception {
        Path made = Files.createTempDirectory(folder, prefix);
        for (String file : files) {
            Files.createFile(made.resolve(file));
        }
        return made;
    }

    private void sweep() throws Exception {
        MeetingFolder.removeOfTheDead(folder, Files.getOwner(folder));
    }

    private Path own() throws Exception {
        return make(FolderOwner.namePrefix(), MeetingFolder.SOCKET);
    }

    @Test
    void thoseOfTheDeadGoWithWhatIsInThem() throws Exception {
        Path own = own();
        List<Path> left = List.of(
                make(FolderOwner.namePrefixOf(DEAD), MeetingFolder.SOCKET, MeetingFolder.STATUS,
                        MeetingFolder.ARGUMENTS),
                make(FolderOwner.namePrefixOf(DEAD), "manager"),
                make(FolderOwner.namePrefixOf(DEAD), "starting", "0123abcd"),
                make(MemoryFolder.namePrefixOf(DEAD), "1", "23"),
                make(FolderOwner.namePrefixOf(FORMER)));
        Path memory = make(MemoryFolder.namePrefixOf(ProcessIdentity.SELF), "1");
        sweep();
        assertThat(memory.resolve("1")).exists();
        assertThat(left).noneMatch(Files::exists);
        assertThat(own.resolve(MeetingFolder.SOCKET)).exists();
    }

    @Test
    void allOthersStay() throws Exception {
        Path own = own();
        Path dead = make(FolderOwner.namePrefixOf(DEAD));
        String name = dead.getFileName().toString();
        String scope = name.split("-")[2];
        Path elsewhere = Files.createDirectory(folder.resolve(name.replace(scope, scope.equals("1") ? "2" : "1")));
        Path odd = Files.createDirectory(folder.resolve("sennit-this-is-mine"));
        Path noNumber = Files.createDirectory(folder.resolve("sennit-xyz-" + scope + "-1"));
        Path users = Files.createDirectory(folder.resolve("sennit-count1234"));
        Path file = Files.createFile(folder.resolve(name + "1"));
        Path target = Files.createDirectory(folder.resolve("target"));
        Path kept = Files.createFile(target.resolve(MeetingFolder.SOCKET));
        Path link = Files.createSymbolicLink(folder.resolve(name + "2"), target);
        sweep();
        assertThat(dead).doesNotExist();
        assertThat(List.of(own, elsewhere, odd, noNumber, users, file, link, kept)).allMatch(Files::exists);
    }

    @Test
    void machinesThatShareAFolderHaveScopesOfTheirOwn() throws Exception {
        String namespace = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
        String boot = Files.readString(Path.of("/proc/sys/kernel/random/boot_id"));
        String scope = LinuxProcesses.scopeOf(namespace, boot);
        assertThat(new LinuxProcesses().scope()).isEqualTo(scope).matches("[a-z0-9]+");
        String there = LinuxProcesses.scopeOf(namespace, "0a0b0c0d-1111-4222-8333-444455556666\n");
        assertThat(there).isNotEqualTo(scope);
        assertThat(ProcessIdentity.scope()).isEqualTo(scope);
        Path elsewhere = make(FolderOwner.namePrefixOf(DEAD).replace(scope, there), MeetingFolder.SOCKET);
        sweep();
        assertThat(elsewhere).exists();
    }

    @Test
    void severalMaySweepAtOnce() throws Exception {
        for (int round = 0; round < 20; round++) {
            List<Path> left = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                left.add(make(FolderOwner.namePrefixOf(DEAD), MeetingFolder.SOCKET, "manager"));
            }
            var together = new CyclicBarrier(3);
            List<FutureTask<Boolean>> sweepers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                var sweeper = new FutureTask<>(() -> {
                    together.await();
                    sweep();
                    return true;
                });
                sweepers.add(sweeper);
                Thread.ofPlatform().daemon().start(sweeper);
            }
            for (FutureTask<Boolean> sweeper : sweepers) {
                assertThat(sweeper.get()).isTrue();
            }
            assertThat(left).noneMatch(Files::exists);
        }
    }

    /** As ends of pipes that have listened there do. */
    @Test
    void othersMayRemoveTheirFilesMeanwhile() throws Exception {
        for (int round = 0; round < 100; round++) {
            Path made = make(FolderOwner.namePrefix(), MeetingFolder.SOCKET);
            List<Path> files = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                files.add(Files.createFile(made.resolve("0123abc" + i)));
            }
            var together = new CyclicBarrier(2);
            var others = new FutureTask<>(() -> {
                together.await();
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
                return true;
            });
            Thread.ofPlatform().daemon().start(others);
            together.await();
            MeetingFolder.remove(made);
            others.get();
            assertThat(made).doesNotExist();
        }
    }

    @Test
    void thoseOfOtherUsersAreLeftAlone() throws Exception {
        Path dead = make(FolderOwner.namePrefixOf(DEAD));
        MeetingFolder.removeOfTheDead(folder, () -> "somebody else");
        assertThat(dead).exists();
    }

    @Test
    void aFolderThatCannotBeListedIsNoFailure() throws Exception {
        MeetingFolder.removeOfTheDead(folder.resolve("gone"), Files.getOwner(folder));
    }

    @Test
    void whereNoneCanBeMadeTheMessageSaysWhatToDo() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() -> MeetingFolder.createIn(file))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot make the folder in which processes meet: " + file
                        + " is no folder; start this JVM with -Djava.io.tmpdir=FOLDER, a folder in which "
                        + "this user may write");
        assertThatThrownBy(() -> MeetingFolder.createIn(Path.of("/proc"))) // nobody can, not even root
                .isInstanceOf(IOException.class)
                .hasMessageContaining("meet: /proc ");
    }
}
