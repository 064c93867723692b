package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sennit.Plan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings that are read before any worker starts. */
class ProcessPoolBuilderTest {
    private static ProcessPool.Builder plan(String text) {
        return ProcessPool.builder().plan(Plan.parse(text));
    }

    private static WorkerSettings settings(String plan) {
        return plan(plan).workerSettings();
    }

    @Test
    void limitsOfMemoryBecomeOptionsOfTheJvm() {
        WorkerSettings settings = settings("processes:2?heap=256m&direct=64m&metaspace=48m&rss=1g");
        assertThat(WorkerCommand.arguments(settings))
                .contains("-Xmx256m", "-XX:MaxDirectMemorySize=64m", "-XX:MaxMetaspaceSize=48m");
    }

    @Test
    void withoutLimitsTheJvmHasItsOwn() {
        assertThat(settings("processes").limits().jvmOptions()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 25.0", "2, 25.0", "3, 16.66", "4, 12.5", "64, 0.78", "100000, 0.01"})
    void workersShareHalfOfTheMemoryAndNoneGetsMoreThanAJvmTakes(int workers, String percent) {
        assertThat(MemoryLimits.share(workers)).isEqualTo("-XX:MaxRAMPercentage=" + percent);
    }

    @Test
    void aShareOfTheMemoryIsTheDefaultAlone() {
        assertThat(WorkerCommand.arguments(settings("processes:7?spares=1"))).contains("-XX:MaxRAMPercentage=6.25");
        assertThat(WorkerCommand.arguments(settings("processes:8?heap=64m")))
                .noneMatch(option -> option.contains("Percentage"));
        List<String> own = WorkerCommand.arguments(settings("processes:8?jvm=-XX:MaxRAMPercentage=80"));
        assertThat(own.indexOf("-XX:MaxRAMPercentage=80")).as("the last one counts")
                .isGreaterThan(own.indexOf("-XX:MaxRAMPercentage=6.25"));
        assertThat(WorkerCommand.arguments(settings("processes:1"))).contains("-XX:MaxRAMPercentage=25.0");
    }

    @Test
    void aSmallShareHasNarrowReferencesForSure() {
        assertThat(WorkerArchive.isSmall("-XX:MaxRAMPercentage=25.0", 100L << 30)).isTrue();
        assertThat(WorkerArchive.isSmall("-XX:MaxRAMPercentage=25.0", 200L << 30)).isFalse();
        assertThat(WorkerArchive.isSmall("-XX:MaxRAMPercentage=1.0", 0)).as("unknown").isFalse();
        assertThat(WorkerArchive.isSmall("-XX:MaxRAMPercentage=much", 1)).isFalse();
    }

    @Test
    void aCommaIsPartOfAnOptionUnlessAHyphenFollows() {
        assertThat(settings(
                "processes?jvm=-Xlog:gc,safepoint,-Xss4m,-XX:StartFlightRecording=duration=1m,filename=a-b.jfr")
                .jvmOptions())
                .containsExactly("-Xlog:gc,safepoint", "-Xss4m",
                        "-XX:StartFlightRecording=duration=1m,filename=a-b.jfr");
    }

    @Test
    void theSerialCollectorIsTheDefaultAlone() {
        assertThat(WorkerCommand.arguments(settings("processes"))).contains("-XX:+UseSerialGC");
        assertThat(WorkerCommand.arguments(settings("processes?jvm=-XX:+UseG1GC"))).contains("-XX:+UseG1GC")
                .doesNotContain("-XX:+UseSerialGC");
    }

    @Test
    void agentsAreTakenOverButNoDebugger() {
        assertThat(WorkerCommand.agents(List.of(
                "-Xmx1g", "-javaagent:cover.jar=file=a,b", "-javaagent:/opt/trace.jar", "-agentlib:hprof",
                "-agentpath:/opt/libprof.so=x",
                "-agentlib:jdwp=transport=dt_socket,address=5005", "-agentpath:/jdk/lib/libjdwp.so=x")))
                .containsExactly(
                        "-javaagent:" + Path.of("cover.jar").toAbsolutePath() + "=file=a,b",
                        "-javaagent:/opt/trace.jar",
                        "-agentlib:hprof",
                        "-agentpath:/opt/libprof.so=x");
    }

    @Test
    void aDebuggerListensAtAFreePortOfThisMachineAlone() {
        assertThat(WorkerCommand.arguments(settings("processes?debug=on")))
                .contains("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0");
        assertThat(WorkerCommand.arguments(settings("processes?debug=off")))
                .noneMatch(option -> option.startsWith("-agentlib:jdwp"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes?debug=on&output=discard").open())
                .withMessageStartingWith("debug needs output=lines or inherit, was discard");
    }

    @Test
    void environmentVariablesAreAddedUp() {
        ProcessPool.Builder settings = plan("processes?env.LANG=C.UTF-8&env.NAME=a=b").environment(Map.of("LANG", "C"));
        assertThat(settings.workerSettings().environment()).containsOnly(Map.entry("LANG", "C"),
                Map.entry("NAME", "a=b"));
    }

    @Test
    void theDirectoryIsAFolder(@TempDir Path folder) throws Exception {
        assertThat(settings("processes?dir=" + folder).directory()).isEqualTo(folder);
        assertThat(ProcessPool.builder().directory(Path.of("")).workerSettings().directory()).isAbsolute();
        Path file = Files.createFile(folder.resolve("file"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes?dir=" + file))
                .withMessageEndingWith("directory must be a folder that exists, was " + file);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "heap=0        | heap must be a size such as 256m or 2g, was \"0\"",
        "direct=many   | direct must be a size such as 256m or 2g, was \"many\"",
        "metaspace=1.5 | metaspace must be a size such as 256m or 2g, was \"1.5\"",
        "rss=-1        | rss must be a size such as 256m or 2g, was \"-1\"",
        "max-tasks=0   | max-tasks must be >= 1, was 0",
        "max-tasks=few | max-tasks must be a whole number, was \"few\"",
        "strict-max-tasks=0 | strict-max-tasks must be >= 1, was 0",
        "max-age=-1s   | max-age must be a duration such as 500ms, 2s or 10m, was \"-1s\"",
        "max-age=0s    | max-age must be > 0, was PT0S",
        "max-memory=x  | max-memory must be a size such as 256m or 2g, was \"x\"",
        "min=-1        | min must be >= 0, was -1",
        "idle=0ms      | idle must be > 0, was PT0S",
        "spares=-1     | spares must be >= 0, was -1",
        "dir=/no/such  | directory must be a folder that exists, was /no/such",
        "jvm=Xss4m     | jvm must be options such as -Xss4m, was \"Xss4m\"",
        "agents=all    | agents must be inherit or none, was \"all\"",
        "properties=on | properties must be inherit or none, was \"on\"",
        "debug=5005    | debug must be on or off, was \"5005\"",
        "env.=x        | environment variable must have a name without = and no NUL, was \"\"",
    })
    void whatCannotBeIsNamedWithItsPlan(String option, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes:1?" + option))
                .withMessage("plan \"processes:1?" + option + "\": " + message);
    }

    @Test
    void noMoreWorkersStayThanThereMayBe() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes:2?min=3").open())
                .withMessage("min must be <= workers, was 3 with 2 workers");
    }

    @Test
    void allWorkersStayUnlessToldOtherwise() {
        assertThat(plan("processes:3").policy().minWorkers()).isEqualTo(3);
        assertThat(plan("processes:3?min=0").policy().minWorkers()).isZero();
        assertThat(plan("processes:3?min=3").policy().minWorkers()).isEqualTo(3);
    }

    @Test
    void aPlanSaysHowLongAWorkerServes() {
        Lifespan lifespan = plan("processes?max-tasks=3&max-age=100s").policy().lifespan(1);
        assertThat(lifespan.tasks()).isEqualTo(3);
        assertThat(lifespan.nanos()).isBetween(90_000_000_000L, 110_000_000_000L);
        assertThat(plan("processes").policy().lifespan(1)).isEqualTo(new Lifespan(Lifespan.ENDLESS, Lifespan.ENDLESS));
        assertThat(plan("processes?max-memory=1g").policy().maxMemory()).isEqualTo(1L << 30);
    }

    @Test
    void negativeTimesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ProcessPool.builder().maxAge(Duration.ofSeconds(-1)))
                .withMessage("max-age must be > 0, was PT-1S");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ProcessPool.builder().idle(Duration.ZERO))
                .withMessage("idle must be > 0, was PT0S");
    }

    @Test
    void anUnknownOptionListsEveryKnownOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes?environment=x"))
                .withMessageContainingAll("unknown option \"environment\"",
                        "direct, metaspace, rss, min, idle, spares, max-tasks, strict-max-tasks, max-age, "
                                + "max-memory, dir, env.NAME");
    }

    @Test
    void namesOfVariablesAreChecked() {
        for (String name : new String[] {"", "A=B", "A\0"}) {
            assertThatIllegalArgumentException().isThrownBy(() -> ProcessPool.builder().environment(Map.of(name, "x")));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> ProcessPool.builder().environment(Map.of("A", "\0")));
    }
}
