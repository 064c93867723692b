package dev.sennit.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every benchmark runs and prints a figure in each row, and in a page; which figure is not looked at. All of them run
 * in {@code ./test full}, and one for each kind of peer program in {@code ./test}.
 */
class SideBySideIT {
    private static final String FIGURE = "-?\\d+(\\.\\d+)?( (ns|µs|ms|s|[kM]/s|B|MB)|/s)";

    private final Output output = new Output();

    /** No peer; Python in one process, in a pool, over sockets; the JDK; a picture of each run. */
    private static final Set<String> ONE_OF_EACH =
            Set.of("inline", "latency", "echo", "threads", "coroutines", "pipeline");

    static Set<String> names() {
        assertThat(SideBySide.names()).containsAll(ONE_OF_EACH);
        return Boolean.getBoolean("sennit.full") ? SideBySide.names() : ONE_OF_EACH;
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsAFigureInEachRow(String name, @TempDir Path folder) throws IOException {
        String before = "<!-- " + name + " -->\n";
        String after = "<!-- /" + name + " -->\nthe rest\n";
        Path page = Files.writeString(folder.resolve("page.md"), before + "STALE\n" + after);

        int exitCode = output.run("--quick", name, "--update", page.toString());

        assertThat(exitCode).as(output.errors()).isZero();
        assertThat(rows(output.out())).isNotEmpty().allSatisfy(row -> {
            String first = row.split("\\|")[2].trim();
            assertThat(first).matches(FIGURE + "|never \\(not in 1 s\\)");
        });
        assertThat(Files.readString(page)).startsWith(before).endsWith(after).doesNotContain("STALE");
        assertThat(rows(Files.readString(page))).isEqualTo(rows(output.out()));
        List<String> pictures = Pattern.compile("!\\[[^]]*]\\(([^)]*)\\)")
                .matcher(Files.readString(page))
                .results()
                .map(picture -> picture.group(1))
                .toList();
        assertThat(pictures).hasSize(name.equals("pipeline") ? 3 : 0);
        assertThat(pictures).allSatisfy(picture -> assertThat(folder.resolve(picture)).content().startsWith("<svg ")
                .contains("<title>fetch ", "<title>write "));
    }

    /** The lines of tables, without those above and at the rule. */
    private static List<String> rows(String markdown) {
        List<String> lines = markdown.lines().toList();
        return java.util.stream.IntStream.range(0, lines.size())
                .filter(i -> lines.get(i).startsWith("| "))
                .filter(i -> i + 1 == lines.size() || !lines.get(i + 1).startsWith("|--"))
                .mapToObj(lines::get)
                .toList();
    }
}
