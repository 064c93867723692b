package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Program;
import dev.sennit.WorkerStartException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runtime images that have little: {@code --limit-modules} leaves a JVM what an image of these modules has. */
class SmallRuntimeIT {

    /** Says for each kind of pool what a task saw; in a worker of a worker too. */
    static final class EveryKind {
        public static void main(String[] arguments) throws Exception {
            for (String plan : List.of("inline", "threads:1", "virtual", "loop", "processes:1?heap=64m&archive=off")) {
                try (Pool pool = Pools.open(plan)) {
                    System.out.println(pool.submit(EveryKind::seen).get() + " " + pool.statistics().cpuTime());
                    if (plan.startsWith("processes")) {
                        System.out.println("nested " + pool.submit(() -> {
                            try (Pool inner = Pools.open(plan)) {
                                return inner.submit(EveryKind::seen).get();
                            }
                        }).get());
                    }
                }
            }
        }

        private static String seen() {
            boolean asserts = EveryKind.class.desiredAssertionStatus();
            return System.getProperty("app.word") + " " + asserts + " "
                    + ModuleLayer.boot().findModule("java.management").isPresent();
        }
    }

    @Test
    void javaBaseIsEnough() throws Exception {
        String seen = "a word true false";
        String[] options = {"--limit-modules", "java.base", "-Dapp.word=a word", "-ea",
            // else it is said that they are missing
            "--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED"};
        assertThat(Program.outputOf(EveryKind.class, options))
                .isEqualToNormalizingNewlines(
                        (seen + " Optional.empty\n").repeat(5) + "nested " + seen + "\n");
    }

    /** Says why no pool opens. */
    static final class NoFolder {
        public static void main(String[] arguments) {
            try {
                Pools.open("processes:1").close();
            } catch (WorkerStartException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void withoutATemporaryFolderThePoolDoesNotOpenAndSaysWhatToDo(@TempDir Path folder) throws Exception {
        Path gone = folder.resolve("gone");
        assertThat(Program.outputOf(NoFolder.class, "-Djava.io.tmpdir=" + gone))
                .contains("cannot make the folder in which processes meet: " + gone
                        + " is no folder; start this JVM with -Djava.io.tmpdir=");
    }

    @Test
    void withoutALauncherThereIsALineThatSaysWhatToDo(@TempDir Path folder) throws Exception {
        assertThatThrownBy(() -> WorkerCommand.ensureLauncherIn(folder))
                .isInstanceOf(WorkerStartException.class)
                .hasMessageContaining("none in " + folder.resolve("bin"))
                .hasMessageContaining("--jlink-options \"--strip-debug --no-man-pages --no-header-files\"");
        Files.createFile(Files.createDirectory(folder.resolve("bin")).resolve("java"));
        WorkerCommand.ensureLauncherIn(folder);
    }
}
