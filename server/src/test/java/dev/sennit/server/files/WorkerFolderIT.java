package dev.sennit.server.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Folders of workers that live, of workers that died, and of others. */
@Timeout(120)
class WorkerFolderIT {
    @TempDir
    Path among;

    /** Another worker: makes a folder, and dies with it. */
    static final class Other {
        public static void main(String[] arguments) throws IOException {
            WorkerFolder.create(Path.of(arguments[0]), "war");
            Runtime.getRuntime().halt(0);
        }
    }

    private void anotherWorkerStartsAndIsKilled() throws Exception {
        Process other = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Other.class.getName(), among.toString()).inheritIO().start();
        try {
            assertThat(other.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(other.exitValue()).isZero();
        } finally {
            other.destroyForcibly();
        }
    }

    private long folders() throws IOException {
        try (var all = Files.list(among)) {
            return all.count();
        }
    }

    @Test
    void anotherWorkerLeavesAllFoldersOfOneThatLives() throws Exception {
        try (WorkerFolder first = WorkerFolder.create(among, "war");
                WorkerFolder second = WorkerFolder.create(among, "war")) {
            Files.writeString(first.work().resolve("a.class"), "a");
            anotherWorkerStartsAndIsKilled();
            assertThat(first.work().resolve("a.class")).exists();
            assertThat(second.work()).exists();
            anotherWorkerStartsAndIsKilled();
            assertThat(folders()).as("two that live, one that was killed").isEqualTo(3);
            WorkerFolder.create(among, "war").close();
        }
        assertThat(folders()).isZero();
    }

    @Test
    void removalGoesAsFarAsPossible() throws Exception {
        anotherWorkerStartsAndIsKilled();
        Path dead = onlyFolder();
        Path closed = Files.createDirectories(dead.resolve("work/a"));
        Files.writeString(closed.resolve("kept"), "kept");
        for (int i = 0; i < 20; i++) {
            Files.createDirectories(dead.resolve("work/b" + i + "/c"));
        }
        // Nobody can list or empty this one, not even root.
        Process attributes = new ProcessBuilder("chattr", "+i", closed.toString()).start();
        assumeTrue(attributes.waitFor() == 0, "the file system and the user may make folders immutable");
        try {
            WorkerFolder.create(among, "war").close();
            try (var left = Files.list(dead.resolve("work"))) {
                assertThat(left).containsExactly(closed);
            }
            assertThat(dead.resolve("lock")).as("for the next attempt").exists();
        } finally {
            new ProcessBuilder("chattr", "-i", closed.toString()).inheritIO().start().waitFor();
        }
        WorkerFolder.create(among, "war").close();
        assertThat(folders()).isZero();
    }

    private Path onlyFolder() throws IOException {
        try (var all = Files.list(among)) {
            return all.reduce((_, _) -> {
                throw new AssertionError("more than one");
            }).orElseThrow();
        }
    }

    @Test
    void foldersWithoutANameAreRemovedOnceTheyAreOld() throws Exception {
        Path dead = Files.createDirectories(among.resolve(".sennit-new-war-1"));
        Files.createFile(dead.resolve("lock"));
        Path earlier = Files.createDirectories(among.resolve(".sennit-new-war-2"));
        Path beingMade = Files.createDirectories(among.resolve(".sennit-new-war-3"));
        FileTime then = FileTime.from(Instant.now().minus(Duration.ofHours(2)));
        Files.setLastModifiedTime(dead, then);
        Files.setLastModifiedTime(earlier, then);
        WorkerFolder.create(among, "war").close();
        assertThat(dead).doesNotExist();
        assertThat(earlier).doesNotExist();
        assertThat(beingMade).exists();
    }

    @Test
    void foldersOfOtherUsersStay() throws Exception {
        anotherWorkerStartsAndIsKilled();
        Path theirs = onlyFolder();
        UserPrincipal nobody = among.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
        try {
            Files.setOwner(theirs, nobody);
        } catch (IOException e) {
            assumeTrue(false, "only root gives folders away");
        }
        WorkerFolder.create(among, "war").close();
        assertThat(theirs.resolve("work")).exists();
    }
}
