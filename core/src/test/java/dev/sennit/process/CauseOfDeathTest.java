package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CauseOfDeathTest {
    private static final MemoryLimits LIMITS = new MemoryLimits("64m", "8m", "16m");
    private static final MemoryLimits NONE = new MemoryLimits(null, null, null);

    private static String describe(int exitCode, String... lines) {
        return CauseOfDeath.describe(exitCode, List.of(lines), LIMITS, false);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Java heap space                           | ran out of memory (heap limit 64m)",
        "GC overhead limit exceeded                | ran out of memory (heap limit 64m)",
        "Requested array size exceeds VM limit     | ran out of memory (heap limit 64m)",
        "Metaspace                                 | ran out of metaspace (limit 16m)",
        "Compressed class space                    | ran out of metaspace (limit 16m)",
        "Cannot reserve 9 bytes of direct buffer memory (allocated: 1, limit: 2) | ran out of direct buffer "
                + "memory (limit 8m)",
        "unable to create native thread: possibly out of memory | ran out of memory: unable to create native thread: "
                + "possibly out of memory",
    })
    void whatTheJvmRanOutOf(String error, String expected) {
        assertThat(describe(3, "a line", "Terminating due to java.lang.OutOfMemoryError: " + error, "at the end"))
                .isEqualTo(expected);
        assertThat(describe(WorkerMain.CANNOT_GO_ON, "java.lang.OutOfMemoryError: " + error)).isEqualTo(expected);
        assertThat(describe(134, "Aborting due to java.lang.OutOfMemoryError: " + error)).isEqualTo(expected);
    }

    @Test
    void anErrorWithoutText() {
        assertThat(describe(3, "java.lang.OutOfMemoryError")).isEqualTo("ran out of memory");
    }

    @Test
    void theLastErrorCounts() {
        assertThat(describe(3, "java.lang.OutOfMemoryError: Metaspace", "java.lang.OutOfMemoryError: Java heap space"))
                .isEqualTo("ran out of memory (heap limit 64m)");
    }

    @Test
    void defaultsAreNamedAsSuch() {
        List<String> heap = List.of("java.lang.OutOfMemoryError: Java heap space");
        List<String> direct = List.of("java.lang.OutOfMemoryError: Cannot reserve 1 bytes of direct buffer memory");
        List<String> metaspace = List.of("java.lang.OutOfMemoryError: Metaspace");
        assertThat(CauseOfDeath.describe(3, heap, NONE, false))
                .isEqualTo("ran out of memory (heap limit its share of this machine's memory; heap= sets another)");
        assertThat(CauseOfDeath.describe(3, metaspace, NONE, false))
                .isEqualTo("ran out of metaspace (limit the JVM's default)");
        assertThat(CauseOfDeath.describe(70, direct, new MemoryLimits("64m", null, null), false))
                .as("as much as the heap")
                .isEqualTo("ran out of direct buffer memory (limit 64m)");
    }

    @Test
    void anErrorThatATaskPrintedAndSurvivedIsNotTheCause() {
        assertThat(describe(7, "java.lang.OutOfMemoryError: Java heap space")).isEqualTo("exited with code 7");
        assertThat(describe(143, "java.lang.OutOfMemoryError: Java heap space"))
                .isEqualTo("was killed by signal 15 (SIGTERM)");
        assertThat(describe(3, "bye")).isEqualTo("exited with code 3");
    }

    @Test
    void withoutLinesTheExitCodeIsAllThereIs() {
        assertThat(withoutLines(3, false)).isEqualTo("exited with code 3, as a JVM does that runs out of memory,");
        assertThat(withoutLines(1, false)).isEqualTo("exited with code 1");
    }

    @Test
    void theKernelIsSuspectedOnlyOfASigkillAndOnlyIfItHasKilled() {
        assertThat(withoutLines(137, true))
                .isEqualTo("was killed by signal 9 (SIGKILL), perhaps by the kernel for want of memory,");
        assertThat(withoutLines(137, false)).isEqualTo("was killed by signal 9 (SIGKILL)");
        assertThat(withoutLines(143, true)).isEqualTo("was killed by signal 15 (SIGTERM)");
    }

    private static String withoutLines(int exitCode, boolean kernelMayHaveKilled) {
        @Nullable List<String> nothing = null;
        return CauseOfDeath.describe(exitCode, nothing, LIMITS, kernelMayHaveKilled);
    }

    @ParameterizedTest
    @CsvSource({"0, false", "3, false", "132, false", "134, false", "135, false", "136, false", "139, false",
        "137, true", "143, true",
        "130, true"})
    void signalsThatAProcessBringsUponItself(int exitCode, boolean byAnother) {
        assertThat(WorkerCrashedException.wasKilledByAnother(exitCode)).isEqualTo(byAnother);
    }
}
