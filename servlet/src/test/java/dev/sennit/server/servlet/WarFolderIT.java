package dev.sennit.server.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Folders of workers that live, of workers that died, and of others. */
@Timeout(120)
class WarFolderIT {
    @TempDir
    Path among;

    /** Another worker: makes a folder, and dies with it. */
    static final class Other {
        public static void main(String[] arguments) throws IOException {
            WarFolder.create(Path.of(arguments[0]));
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
        try (WarFolder first = WarFolder.create(among); WarFolder second = WarFolder.create(among)) {
            Files.writeString(first.work().resolve("a.class"), "a");
            anotherWorkerStartsAndIsKilled();
            assertThat(first.work().resolve("a.class")).exists();
            assertThat(second.work()).exists();
            anotherWorkerStartsAndIsKilled();
            assertThat(folders()).as("two that live, one that was killed").isEqualTo(3);
            WarFolder.create(among).close();
        }
        assertThat(folders()).isZero();
    }
}
