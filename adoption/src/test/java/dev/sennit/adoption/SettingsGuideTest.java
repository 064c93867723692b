package dev.sennit.adoption;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The guide names what is tested, all of it and nothing else, and shows the projects' own lines; so does that of kinds
 * of pool.
 */
class SettingsGuideTest {
    private static final Path GUIDE = Path.of("../docs/guides/settings.md");
    private static final Path OWN_KINDS = Path.of("../docs/guides/own-kinds.md");
    private static final Path PROJECTS = Path.of("src/test/projects");
    private static final Path TESTS = Path.of("src/test/java/dev/sennit/adoption");
    private static final Pattern BLOCK = Pattern.compile("^```\\w*\\R(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern LINK = Pattern.compile("\\(../../adoption/src/test/projects/([^)]+)\\)");
    private static final Pattern TESTED =
            Pattern.compile("(?:run\\(\"([\\w-]+)\", \"([\\w-]+\\.sh)\"\\)|testsOf\\(\"([\\w-]+)\"\\))");

    @Test
    void everySnippetIsInAProject() throws Exception {
        List<String> files = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(PROJECTS)) {
            for (Path file : paths.filter(Files::isRegularFile).toList()) {
                files.add(unindented(Files.readString(file)));
            }
        }
        for (Path guide : List.of(GUIDE, OWN_KINDS)) {
            List<String> blocks =
                    BLOCK.matcher(Files.readString(guide)).results().map(block -> block.group(1)).toList();
            assertThat(blocks).as("%s", guide).hasSizeGreaterThan(4);
            assertThat(blocks)
                    .allSatisfy(block -> assertThat(files).anyMatch(file -> file.contains(unindented(block))));
        }
    }

    /** Without the margins of lines: a fragment is shown further to the left than it stands in its file. */
    private static String unindented(String text) {
        return "\n" + text.lines().map(String::strip).reduce("", (all, line) -> all + line + "\n");
    }

    /** A setting is a script, or a project whose own build is the test. */
    @Test
    void everySettingIsTestedAndInTheTable() throws Exception {
        Set<String> settings = new TreeSet<>();
        Set<String> tested = new TreeSet<>();
        for (Path project : OutsideProjects.projects()) {
            try (Stream<Path> files = Files.list(project)) {
                files.filter(file -> file.toString().endsWith(".sh")).map(file -> PROJECTS.relativize(file).toString())
                        .forEach(settings::add);
            }
        }
        try (Stream<Path> tests = Files.list(TESTS)) {
            for (Path test : tests.filter(file -> file.toString().endsWith("IT.java")).toList()) {
                for (MatchResult found : TESTED.matcher(Files.readString(test)).results().toList()) {
                    tested.add(found.group(3) == null ? found.group(1) + "/" + found.group(2) : found.group(3));
                }
            }
        }
        assertThat(tested).containsAll(settings);
        String guide = Files.readString(GUIDE);
        String table = guide.lines().filter(line -> line.startsWith("|")).reduce("", (all, line) -> all + line + "\n");
        assertThat(LINK.matcher(table).results().map(link -> link.group(1)))
                .containsExactlyInAnyOrderElementsOf(tested);
        for (MatchResult link : LINK.matcher(guide).results().toList()) {
            assertThat(PROJECTS.resolve(link.group(1))).exists();
        }
    }
}
