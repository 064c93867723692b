package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Plan;
import dev.sennit.PoolProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Compares the tables of the README and of the page about plans with what is published, and with what each kind of pool
 * accepts.
 */
class ReadmeTest {
    private static final Path README = Path.of("../README.md");
    private static final Path PLANS = Path.of("../docs/plans.md");
    /** A value for each option of the kinds that start no processes: each is tried out. */
    private static final Map<String, String> VALUES = Map.ofEntries(
            Map.entry("name", "tried"),
            Map.entry("backlog", "1"),
            Map.entry("full", "reject"),
            Map.entry("unasked", "off"),
            Map.entry("order", "priority"),
            Map.entry("idle", "1s"),
            Map.entry("grow", "2"),
            Map.entry("shrink", "0.5"),
            Map.entry("mechanism", "baton"),
            Map.entry("watch", "1s"),
            Map.entry("deadlocks", "1s"));

    private static List<PoolProvider> kinds() {
        List<PoolProvider> kinds = new ArrayList<>();
        ServiceLoader.load(PoolProvider.class).forEach(kinds::add);
        assertThat(kinds).hasSizeGreaterThanOrEqualTo(5);
        return kinds;
    }

    /** The rows of a table with this head, each as its cells. */
    static List<List<String>> table(Path page, String head) throws Exception {
        List<String> lines = Files.readAllLines(page);
        int start = lines.indexOf(head);
        assertThat(start).as("the table %s", head).isNotNegative();
        return lines.stream()
                .skip(start + 2L)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> Arrays.stream(line.substring(1).split("\\|")).map(String::strip).toList())
                .toList();
    }

    private static List<String> quoted(String cell, String form) {
        return Pattern.compile(form).matcher(cell).results().map(found -> found.group(1)).toList();
    }

    /**
     * What a kind accepts, by the message about what it does not know; an option that is known and refused is not
     * accepted.
     */
    private static Set<String> accepted(PoolProvider kind) {
        Set<String> accepted = new TreeSet<>();
        String message = complaint(kind, "no-such-option", "x");
        Matcher listed = Pattern.compile("unknown option \"no-such-option\": expected ([^;]+)").matcher(message);
        assertThat(listed.find()).as(message).isTrue();
        for (String option : listed.group(1).split(", ")) {
            if (kind.kind().equals("processes") || complaint(kind, option, value(kind, option)).isEmpty()) {
                accepted.add(option);
            }
        }
        return accepted;
    }

    private static String value(PoolProvider kind, String option) {
        assertThat(VALUES).as("a value to try out %s of %s with", option, kind.kind()).containsKey(option);
        return VALUES.get(option);
    }

    private static String complaint(PoolProvider kind, String option, String value) {
        // a pool without a backlog is never full, and refuses to be told what it does then
        Map<String, String> options =
                option.equals("full") ? Map.of("backlog", "1", option, value) : Map.of(option, value);
        try {
            kind.open(new Plan(kind.kind(), null, options)).close();
            return "";
        } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** The kinds that a cell names: {@code all}, {@code all but inline}, {@code threads, processes}. */
    private static Set<String> named(String cell, Set<String> kinds) {
        Set<String> named =
                new TreeSet<>(Pattern.compile("\\w+").matcher(cell).results().map(MatchResult::group).toList());
        boolean all = named.contains("all");
        named.retainAll(kinds);
        if (!all) {
            return named;
        }
        Set<String> others = new TreeSet<>(kinds);
        others.removeAll(named);
        return others;
    }

    @Test
    void theTableOfOptionsIsWhatEachKindAccepts() throws Exception {
        Map<String, Set<String>> accepted = new TreeMap<>();
        kinds().forEach(kind -> accepted.put(kind.kind(), accepted(kind)));
        Map<String, Set<String>> documented = new TreeMap<>();
        accepted.keySet().forEach(kind -> documented.put(kind, new TreeSet<>()));
        for (List<String> row : table(PLANS, "| option | kinds | means |")) {
            List<String> options = quoted(row.getFirst(), "`([\\w.-]+)=\\w*`");
            assertThat(options).as("options in %s", row).isNotEmpty();
            Set<String> kinds = named(row.get(1), accepted.keySet());
            assertThat(kinds).as("kinds in %s", row).isNotEmpty();
            kinds.forEach(kind -> documented.get(kind).addAll(options));
        }
        assertThat(documented).isEqualTo(accepted);
    }

    @Test
    void theTableOfPlansHasEveryForm() throws Exception {
        List<String> plans = table(PLANS, "| plan | runs tasks |").stream()
                .map(row -> quoted(row.getFirst(), "`([^`]+)`").getFirst()).toList();
        for (PoolProvider kind : kinds()) {
            for (String form : kind.syntax().split("[\\[\\]|]+")) {
                String plan = form.startsWith(":") ? kind.kind() + form : form;
                String written = Pattern.quote(plan)
                        .replace("MIN-MAX", "\\E\\d+-\\d+\\Q")
                        .replace(":N", ":\\E\\d+\\Q");
                boolean hasRow = plan.equals(kind.kind())
                        ? plans.stream().anyMatch(each -> each.matches(written + "\\b.*"))
                        : plans.stream().anyMatch(each -> each.matches(written + "(\\?.*)?"));
                assertThat(hasRow).as("a row for %s of %s", plan, kind.syntax()).isTrue();
            }
        }
        for (String plan : plans) {
            assertThat(kinds()).extracting(PoolProvider::kind).contains(Plan.parse(plan).kind());
        }
    }

    /** The folders whose POMs say that they are published, by their artifacts. */
    private static Map<String, Path> published() throws Exception {
        Map<String, Path> published = new TreeMap<>();
        try (Stream<Path> folders = Files.list(Path.of(".."))) {
            for (Path folder : folders.filter(each -> Files.exists(each.resolve("pom.xml"))).toList()) {
                String pom = Files.readString(folder.resolve("pom.xml"));
                if (pom.contains("<unpublished>false</unpublished>")) {
                    published.put(quoted(pom, "</parent>\\s*<artifactId>([^<]+)</artifactId>").getFirst(), folder);
                }
            }
        }
        return published;
    }

    @Test
    void theTableOfArtifactsIsWhatIsPublished() throws Exception {
        Map<String, Path> published = published();
        Map<String, String> documented = new TreeMap<>();
        for (List<String> row : table(README, "| artifact | module | for |")) {
            documented.put(quoted(row.getFirst(), "`([^`]+)`").getFirst(), row.get(1).replace("`", ""));
        }
        assertThat(documented.keySet()).isEqualTo(published.keySet());
        for (Map.Entry<String, String> one : documented.entrySet()) {
            Path folder = published.get(one.getKey());
            String module = "";
            for (String sources : List.of("src/main/java", "src/main/module")) {
                Path descriptor = folder.resolve(sources).resolve("module-info.java");
                if (Files.exists(descriptor)) {
                    module = quoted(Files.readString(descriptor), "(?m)^(?:open )?module (\\S+)").getFirst();
                }
            }
            assertThat(one.getValue()).as("the module of %s", one.getKey()).isEqualTo(module);
        }
        List<String> inBom = quoted(Files.readString(Path.of("../bom/pom.xml")),
                "<dependency><groupId>dev.sennit</groupId><artifactId>([^<]+)");
        assertThat(Stream.concat(inBom.stream(), Stream.of("sennit-bom")))
                .containsExactlyInAnyOrderElementsOf(published.keySet());
    }

    @Test
    void theCoordinatesHaveTheVersionOfThePom() throws Exception {
        String version = quoted(Files.readString(Path.of("../pom.xml")),
                "<artifactId>sennit-parent</artifactId>\\s*<version>([^<]+)")
                .getFirst();
        for (Path document : List.of(README, Path.of("../docs/guides/testing-concurrency.md"),
                Path.of("../docs/guides/seeing.md"))) {
            List<String> versions = quoted(Files.readString(document),
                    "(?:<artifactId>sennit[-a-z]*</artifactId>\\s*<version>|\"dev\\.sennit:sennit[-a-z]*:)([^<\"]+)");
            assertThat(versions).as("versions in %s", document).isNotEmpty().containsOnly(version);
        }
    }
}
