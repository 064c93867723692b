package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Where workers live: environment, working directory, and their place in the kernel's list. */
@Timeout(120)
class WorkerSettingsIT {
    private static ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD);
    }

    @Test
    void variablesAreAddedToThoseOfThisJvm(@TempDir Path folder) throws Exception {
        try (Pool pool = Pools.open("processes:1?heap=64m&env.GREETING=good day&env.PATH=" + folder)) {
            assertThat(pool.submit(() -> System.getenv("GREETING")).get(60, SECONDS)).isEqualTo("good day");
            assertThat(pool.submit(() -> System.getenv("PATH")).get(60, SECONDS)).isEqualTo(folder.toString());
            Map<String, String> own = System.getenv();
            String other = own.keySet().stream().filter(name -> name.equals("HOME")).findFirst().orElse("PWD");
            assertThat(pool.submit(() -> System.getenv(other)).get(60, SECONDS)).isEqualTo(own.get(other));
        }
    }

    @Test
    void optionsInTheEnvironmentAreTheUsersOwn() throws Exception {
        try (ProcessPool pool = one().environment(Map.of("JDK_JAVA_OPTIONS", "-Dby.variable=set")).open()) {
            assertThat(pool.submit(() -> System.getProperty("by.variable")).get(60, SECONDS)).isEqualTo("set");
        }
    }

    /** Ended by what its worker leaves to the parent. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aProgramThatATaskStartsCanBeEndedAsAnyOther() throws Exception {
        try (ProcessPool pool = one().open()) {
            int exitCode = pool.submit(() -> new ProcessBuilder("sh", "-c", "kill -TERM $$; exit 7").start().waitFor())
                    .get(60, SECONDS);
            assertThat(exitCode).isEqualTo(143);
        }
    }

    @Test
    void relativePathsStartInTheDirectory(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("here.txt"), "found");
        try (Pool pool = Pools.open("processes:1?heap=64m&dir=" + folder)) {
            assertThat(pool.submit(() -> Files.readString(Path.of("here.txt"))).get(60, SECONDS)).isEqualTo("found");
        }
    }

    @Test
    void aDirectoryThatIsGoneFailsThePoolAndIsNamed(@TempDir Path folder) throws Exception {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        ProcessPool.Builder settings = one().directory(gone);
        Files.delete(gone);
        try (ProcessPool pool = settings.open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining(gone.toString());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void psAndJpsNameAWorker() throws Exception {
        try (ProcessPool pool = one().name("photos").open()) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
            String ps = Files.readString(Path.of("/proc", Long.toString(pid), "cmdline")).replace('\0', ' ');
            assertThat(ps).contains("dev.sennit.process.WorkerMain photos-worker-1 ");
            Process jps = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "jps").toString(), "-lm").start();
            try (var lines = jps.inputReader().lines()) {
                assertThat(lines.filter(line -> line.startsWith(pid + " ")).toList()).singleElement().asString()
                        .contains("dev.sennit.process.WorkerMain photos-worker-1 ");
            }
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void theKernelTakesWorkersFirst() throws Exception {
        String own = Files.readString(Path.of("/proc/self/oom_score_adj"));
        try (ProcessPool pool = one().open()) {
            assertThat(pool.submit(() -> Files.readString(Path.of("/proc/self/oom_score_adj"))).get(60, SECONDS))
                    .isEqualTo("1000\n");
        }
        assertThat(Files.readString(Path.of("/proc/self/oom_score_adj"))).isEqualTo(own);
    }
}
