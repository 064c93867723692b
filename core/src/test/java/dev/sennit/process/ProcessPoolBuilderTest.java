package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sennit.Plan;
import java.nio.file.Files;
import java.nio.file.Path;
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

    @Test
    void limitsOfMemoryBecomeOptionsOfTheJvm() {
        ProcessPool.Builder settings = plan("processes:2?heap=256m&direct=64m&metaspace=48m&rss=1g");
        assertThat(WorkerCommand.arguments(settings))
                .contains("-Xmx256m", "-XX:MaxDirectMemorySize=64m", "-XX:MaxMetaspaceSize=48m");
    }

    @Test
    void withoutLimitsTheJvmHasItsOwn() {
        assertThat(ProcessPool.builder().limits().jvmOptions()).isEmpty();
    }

    @Test
    void environmentVariablesAreAddedUp() {
        ProcessPool.Builder settings = plan("processes?env.LANG=C.UTF-8&env.NAME=a=b").environment(Map.of("LANG", "C"));
        assertThat(settings.environment()).containsOnly(Map.entry("LANG", "C"), Map.entry("NAME", "a=b"));
    }

    @Test
    void theDirectoryIsAFolder(@TempDir Path folder) throws Exception {
        assertThat(plan("processes?dir=" + folder).directory()).isEqualTo(folder.toFile());
        assertThat(ProcessPool.builder().directory(Path.of("")).directory()).isAbsolute();
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
        "dir=/no/such  | directory must be a folder that exists, was /no/such",
        "env.=x        | environment variable must have a name without = and no NUL, was \"\"",
    })
    void whatCannotBeIsNamedWithItsPlan(String option, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes:1?" + option))
                .withMessage("plan \"processes:1?" + option + "\": " + message);
    }

    @Test
    void anUnknownOptionListsEveryKnownOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> plan("processes?environment=x"))
                .withMessageContainingAll("unknown option \"environment\"", "direct, metaspace, rss, dir, env.NAME");
    }

    @Test
    void namesOfVariablesAreChecked() {
        for (String name : new String[] {"", "A=B", "A\0"}) {
            assertThatIllegalArgumentException().isThrownBy(() -> ProcessPool.builder().environment(Map.of(name, "x")));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> ProcessPool.builder().environment(Map.of("A", "\0")));
    }
}
