package dev.sennit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Compares what CONTRIBUTING.md and {@code ./test} say of the tests with the tests of all modules. */
class ContributingTest {
    private static final Path ROOT = Path.of("..");
    private static final Path PAGE = ROOT.resolve("CONTRIBUTING.md");

    /** The sources of all tests by the names of their classes. */
    private static Map<String, String> tests() throws IOException {
        Map<String, String> tests = new TreeMap<>();
        Stream<Path> contracts = Stream.of("conformance", "queue-conformance")
                .map(module -> ROOT.resolve(module).resolve("src/main/java"));
        try (Stream<Path> modules = Files.list(ROOT)) {
            Stream<Path> tested = modules.map(module -> module.resolve("src/test/java"));
            for (Path folder : Stream.concat(contracts, tested).filter(Files::exists).toList()) {
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
                        tests.merge(file.getFileName().toString().replace(".java", ""), Files.readString(file),
                                String::concat);
                    }
                }
            }
        }
        assertThat(tests).containsKeys("ContributingTest", "PoolContract", "ProcessPoolIT", "JcstressIT");
        return tests;
    }

    // ---- tests that sleep ----

    /** A comment, a text block, a string or a character. */
    private static final Pattern NO_CODE = Pattern.compile(
            "//[^\\n]*|/\\*.*?\\*/|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\])+'", Pattern.DOTALL);
    private static final Pattern SLEEP =
            Pattern.compile(
                    "\\b(?:(Thread|EventLoop|TimeUnit\\.\\w+|TimeSource\\.system\\(\\))\\.sleep|"
                            + "LockSupport\\.park(?:Nanos|Until))\\(");
    /** A time that no test can wait through: such a sleep is there to be ended. */
    private static final Pattern A_MINUTE_OR_MORE = Pattern.compile(
            "LONG|DAY|HOUR|Long\\.MAX_VALUE|Duration\\.of(Minutes|Hours|Days)\\(.*\\)|TimeUnit\\.(MINUTES|HOURS|DAYS)"
                    + "\\.toNanos\\(.*\\)");

    /** How many sleeps of less than a minute are in a source. */
    private static int sleeps(String source) {
        String code = NO_CODE.matcher(source).replaceAll(" ");
        return (int) SLEEP.matcher(code).results().filter(call -> !isToBeEnded(call, argument(code, call.end())))
                .count();
    }

    private static boolean isToBeEnded(MatchResult call, String argument) {
        boolean isMillis = "Thread".equals(call.group(1)) && argument.matches("\\d[\\d_]*L?");
        return isMillis
                ? Long.parseLong(argument.replaceAll("[_L]", "")) >= Duration.ofMinutes(1).toMillis()
                : A_MINUTE_OR_MORE.matcher(argument).matches();
    }

    /** Up to the parenthesis that closes a call. */
    private static String argument(String code, int start) {
        int end = start;
        for (int open = 1; open > 0; end++) {
            open += code.charAt(end) == '(' ? 1 : code.charAt(end) == ')' ? -1 : 0;
        }
        return code.substring(start, end - 1).strip();
    }

    @Test
    void theTestsThatSleepAreListed() throws Exception {
        Map<String, Integer> sleeps = new TreeMap<>();
        tests().forEach((name, source) -> {
            if (sleeps(source) > 0) {
                sleeps.put(name, sleeps(source));
            }
        });
        Map<String, Integer> listed = new TreeMap<>();
        for (List<String> row : ReadmeTest.table(PAGE, "| a sleep | in |")) {
            for (MatchResult one : Pattern.compile("`(\\w+)`(?: \\((\\d+)\\))?").matcher(row.get(1)).results()
                    .toList()) {
                listed.merge(one.group(1), one.group(2) == null ? 1 : Integer.parseInt(one.group(2)), Integer::sum);
            }
        }
        assertThat(listed).isEqualTo(sleeps);
        int all = sleeps.values().stream().mapToInt(Integer::intValue).sum();
        assertThat(Files.readString(PAGE)).contains(all + " sleeps in " + sleeps.size() + " classes");
    }

    @Test
    void sleepsAreFoundUnlessTheyAreToBeEnded() {
        assertThat(sleeps("Thread.sleep(1);")).isOne();
        assertThat(sleeps("Thread.sleep(59_999L); Thread.sleep(60_000L);")).isOne();
        assertThat(
                sleeps("TimeUnit.SECONDS.sleep(random.nextInt(5)); EventLoop.sleep(\nDuration.ofMillis(10 - number));"))
                .isEqualTo(2);
        assertThat(sleeps("LockSupport.parkNanos(10_000_000); LockSupport.parkNanos(TimeUnit.DAYS.toNanos(1));"))
                .isOne();
        assertThat(sleeps("Thread.sleep(DAY); EventLoop.sleep(Duration.ofHours(1)); clock.sleep(HOUR);")).isZero();
        assertThat(sleeps(
                "// Thread.sleep(1)\n/* Thread.sleep(1) */ \"Thread.sleep(1)\"; \"\"\"\nThread.sleep(1)\"\"\"; '\"'; "
                        + "Thread.sleep(2);"))
                .isOne();
    }

    // ---- long runs ----

    private static final Pattern SETTING = Pattern.compile("-D(sennit\\.[\\w.]*\\w)=");
    /** How tests ask for numbers of rounds, but for the seed of one. */
    private static final Pattern NUMBER = Pattern.compile("Integer\\.getInteger\\(\"(sennit\\.[\\w.]+)\"");

    private static Set<String> settings(String text) {
        return all(SETTING, text);
    }

    private static Set<String> all(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(found -> found.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static void assertAreRead(Set<String> settings, String sources) {
        assertThat(settings).isNotEmpty().allSatisfy(name -> assertThat(sources).contains("\"" + name + "\""));
    }

    /** A setting that no test reads would pass in the time of a short run. */
    @Test
    void testsReadTheSettingsOfLongRuns() throws Exception {
        String sources = String.join("\n", tests().values());
        Set<String> ofFull = settings(Files.readString(ROOT.resolve("test")));
        assertThat(ofFull).hasSizeGreaterThan(5);
        assertAreRead(ofFull, sources);
        assertAreRead(settings(Files.readString(PAGE)), sources);
        assertAreRead(settings(Files.readString(ROOT.resolve("docs/ARCHITECTURE.md"))), sources);
        assertThat(ofFull).containsAll(all(NUMBER, sources));
    }

    @Test
    void settingsThatNobodyReadsAreFound() {
        assertThat(settings("-Dsennit.full=true -Dsennit.faults.stops=200")).containsExactly("sennit.faults.stops",
                "sennit.full");
        assertAreRead(Set.of("sennit.one"), "Integer.getInteger(\"sennit.one\", 5)");
        assertThatThrownBy(() -> assertAreRead(Set.of("sennit.two"), "\"sennit.one\""))
                .isInstanceOf(AssertionError.class);
        assertThat(all(NUMBER, "Integer.getInteger(\"sennit.one\", 5)")).containsExactly("sennit.one");
    }

    /** A test that has moved, or has another name, would run between two edits. */
    @Test
    void theTestsThatQuickLeavesOutAreThere() throws Exception {
        List<String> patterns = new ArrayList<>(Files.readAllLines(ROOT.resolve(".mvn/slow-tests")));
        patterns.removeIf(line -> line.startsWith("#"));
        Set<String> names = new TreeSet<>();
        for (String pattern : patterns) {
            Matcher name = Pattern.compile("\\*\\*/(\\w+Test)\\.java").matcher(pattern);
            assertThat(name.matches()).as(pattern).isTrue();
            names.add(name.group(1));
        }
        assertThat(names).isNotEmpty();
        assertThat(tests()).containsKeys(names.toArray(String[]::new));
    }
}
