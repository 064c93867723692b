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
}
