package dev.sennit.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line, as far as nothing is measured. */
class SideBySideTest {
    private final Output output = new Output();

    @Test
    void helpNamesEveryBenchmark() {
        assertThat(output.run("--help")).isZero();
        assertThat(output.out()).contains(SideBySide.names());
    }

    @Test
    void anUnknownNameIsBadUsage() {
        assertThat(output.run("latencey")).isEqualTo(2);
        assertThat(output.errors())
                .startsWith("benchmarks/run: unknown benchmark \"latencey\": expected inline, primes, equal")
                .hasLineCount(1);
    }

    @Test
    void aNumberOfKillsHasToBeOne() {
        assertThat(output.run("--kills", "0", "services")).isEqualTo(2);
        assertThat(output.run("services", "--kills")).isEqualTo(2);
        assertThat(output.errors()).contains("--kills needs a number from 1, was \"0\"", "was \"\"");
    }

    @Test
    void aPageHasToBeThere(@TempDir Path folder) {
        assertThat(output.run("--update")).isEqualTo(2);
        assertThat(output.run("inline", "--update", folder.resolve("none.md").toString())).isEqualTo(2);
        assertThat(output.errors()).contains("--update needs a file", "--update: cannot write to");
    }

    @Test
    void aPageWithoutTheBlockIsRefusedBeforeAnythingIsMeasured(@TempDir Path folder) throws IOException {
        Path page = Files.writeString(folder.resolve("page.md"), "<!-- inline -->\n<!-- /inline -->\n");
        assertThat(output.run("inline", "equal", "--update", page.toString())).isEqualTo(2);
        assertThat(output.errors()).contains("page.md has no line \"<!-- equal -->\"");
        assertThat(output.out()).isEmpty();
    }

    @Test
    void aCorpusIsAFolderWithPrograms(@TempDir Path folder) throws IOException {
        String path = folder.toString();
        assertThat(output.run("corpus")).isEqualTo(2);
        assertThat(output.run("corpus", path)).isEqualTo(2);
        assertThat(output.run("corpus", path + "/none")).isEqualTo(2);
        assertThat(output.run("corpus", path, path)).isEqualTo(2);
        Files.writeString(folder.resolve("Mainless.java"), "class Mainless {}");
        assertThat(output.run("corpus", path)).isEqualTo(2);
        assertThat(output.errors().lines()).containsExactly(
                "benchmarks/run: corpus needs a folder with Java sources",
                "benchmarks/run: corpus: there are no Java sources in " + path,
                "benchmarks/run: corpus: there is no folder " + path + "/none",
                "benchmarks/run: corpus needs one folder, and got \"" + path + "\" too",
                "benchmarks/run: corpus: no class with a main method is called * in " + path);
        assertThat(output.out()).isEmpty();
    }

    @Test
    void anOptionOfACorpusHasToBeOne(@TempDir Path folder) {
        String path = folder.toString();
        assertThat(output.run("corpus", path, "--sedes", "3")).isEqualTo(2);
        assertThat(output.run("corpus", path, "--seeds", "0")).isEqualTo(2);
        assertThat(output.run("corpus", path, "--plain")).isEqualTo(2);
        assertThat(output.run("corpus", path, "--strategy", "LUCK")).isEqualTo(2);
        assertThat(output.errors().lines()).containsExactly(
                "benchmarks/run: corpus: unknown option \"--sedes\"",
                "benchmarks/run: --seeds needs a number from 1 to 1000000, was \"0\"",
                "benchmarks/run: --plain needs a number from 1 to 1000000, was \"\"",
                "benchmarks/run: unknown strategy \"LUCK\": expected RANDOM, SPURIOUS, BALANCED, PCT, POS, PORTFOLIO, "
                        + "EXHAUSTIVE");
    }

    @Test
    void theHelpOfACorpusNamesItsOptions() {
        assertThat(output.run("corpus", "--help")).isZero();
        assertThat(output.out()).contains("--strategy", "--seeds", "--schedules", "--replays", "--classes", "--timeout",
                "--plain", "--plain-seconds", "--class-path", "--points");
    }
}
