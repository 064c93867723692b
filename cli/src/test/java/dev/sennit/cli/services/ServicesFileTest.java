package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sennit.Attempt;
import dev.sennit.Backoff;
import dev.sennit.cli.services.ListenerAddress.Systemd;
import dev.sennit.cli.services.ListenerAddress.Tcp;
import dev.sennit.cli.services.ListenerAddress.UnixSocket;
import dev.sennit.cli.services.ServicesFile.Log;
import dev.sennit.cli.services.ServicesFile.LogFormat;
import dev.sennit.service.Escalation;
import dev.sennit.service.Readiness;
import dev.sennit.service.ServiceKind;
import dev.sennit.service.ServiceSettings;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a file of services says, key by key; and that its guide says the same. */
class ServicesFileTest {
    private static final Path GUIDE = Path.of("../docs/guides/services.md");
    private static final int PROCESSORS = 3;
    private static final Map<String, String> ENVIRONMENT = Map.of(
            "PORT", "80", "COUNT", "4", "EMPTY", "", "YES", "true", "CPUS", "2*cpus", "LIMIT", "7s");

    /**
     * A key of a service.
     *
     * @param method the method of the builder that it calls
     * @param toml its value
     * @param getters methods of the settings, by what they return then
     */
    record Key(String name, String method, boolean isForJava, String toml, Map<String, Object> getters) {
        @Override
        public String toString() {
            return name + " = " + toml;
        }
    }

    @TempDir
    static Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        Files.createDirectories(folder.resolve("lib"));
        Files.createDirectories(folder.resolve("run"));
        for (String each : List.of("app.jar", "lib/b.jar", "lib/a.jar", "lib/a.txt")) {
            Files.write(folder.resolve(each), new byte[0]);
        }
    }

    static List<Key> keys() {
        return List.of(
                key("workers", "5", "workers", 5),
                key("kind", "\"on-failure\"", "kind", ServiceKind.ON_FAILURE),
                key("after", "[\"other\"]", "after", Set.of("other")),
                new Key("ready", "readiness", false, "{ port = 8080 }", Map.of("readiness", new Readiness.Port(8080))),
                key("start-limit", "\"500ms\"", "startLimit", Duration.ofMillis(500)),
                key("stop-limit", "\"10s\"", "stopLimit", Duration.ofSeconds(10)),
                javaKey("heartbeat-limit", "\"2m\"", "heartbeatLimit", Duration.ofMinutes(2)),
                key("orphan-limit", "\"3s\"", "orphanLimit", Duration.ofSeconds(3)),
                new Key("backoff", "backoff", false, "{ first = \"1s\", most = \"5s\" }", Map.of()), // has its own test
                new Key("deaths", "deaths", false, "{ count = 3, within = \"1h\", then = \"stop-service\" }", Map.of(
                        "deaths", 3, "deathWindow", Duration.ofHours(1), "escalation", Escalation.STOP_SERVICE)),
                key("at-once", "2", "atOnce", 2),
                new Key("reload-in-place", "reloadInPlace", false, "true", Map.of("reloadsInPlace", true)),
                key("max-age", "\"24h\"", "maxAge", Duration.ofHours(24)),
                key("max-memory", "\"512m\"", "maxMemory", 512L << 20),
                javaKey("max-work", "9999999999", "maxWork", 9_999_999_999L),
                javaKey("spares", "1", "spares", 1),
                javaKey("heap", "\"256m\"", "heap", "256m"),
                javaKey("jvm-options", "[\"-Da=b\", \"-XX:+UseZGC\"]", "jvmOptions",
                        List.of("-XX:MaxRAMPercentage=25.0", "-Da=b", "-XX:+UseZGC")),
                new Key("classpath", "classPath", true, "[\"lib/*\", \"app.jar\"]", Map.of("classPath",
                        Stream.of("lib/a.jar", "lib/b.jar", "app.jar").map(folder::resolve).toList())),
                key("environment", "{ A = \"b\", PORT = \"${PORT}\" }", "environment", Map.of("A", "b", "PORT", "80")),
                key("directory", "\"run\"", "directory", folder.resolve("run")));
    }

    private static Key key(String name, String toml, String method, Object value) {
        return new Key(name, method, false, toml, Map.of(method, value));
    }

    private static Key javaKey(String name, String toml, String method, Object value) {
        return new Key(name, method, true, toml, Map.of(method, value));
    }

    @ParameterizedTest
    @MethodSource("keys")
    void eachKeySetsItsSetting(Key key) throws Exception {
        String runs = key.isForJava() ? "class = \"A\"\n" : "command = [\"x\"]\n";
        String defaultPath = key.isForJava() && !key.name().equals("classpath") ? "classpath = [\"app.jar\"]\n" : "";
        String rest = "[services.other]\ncommand = [\"y\"]\n";
        ServiceSettings with = service(
                "[services.a]\n" + runs + defaultPath + key.name() + " = " + key.toml() + "\n" + rest);
        boolean isNeeded = key.name().equals("classpath");
        ServiceSettings without = isNeeded
                ? null
                : service("[services.a]\n" + runs + defaultPath + rest);

        for (Map.Entry<String, Object> getter : key.getters().entrySet()) {
            assertThat(get(with, getter.getKey())).as(getter.getKey()).isEqualTo(getter.getValue());
            if (without != null) {
                assertThat(get(without, getter.getKey())).as("default").isNotEqualTo(getter.getValue());
            }
        }
    }

    @Test
    void eachSettingHasAKeyAndEachKeyARowInTheGuide() throws Exception {
        Set<String> settings = Arrays.stream(ServiceSettings.Builder.class.getMethods())
                .filter(method -> method.getDeclaringClass() == ServiceSettings.Builder.class)
                .map(Method::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(settings.remove("build")).isTrue();
        assertThat(settings.remove("value")).as("a file has queues").isTrue();
        assertThat(settings.remove("listener")).as("needs another table, and has its own test").isTrue();
        assertThat(keys().stream().map(Key::method)).as("one of ServiceSettings.Builder has no key")
                .containsExactlyInAnyOrderElementsOf(settings);
        assertThat(keys()).allMatch(key -> key.name().equals(kebab(key.method()))
                || Set.of("ready", "classpath").contains(key.name()));

        Set<String> known = knownKeys("[services.a]\ncommand = [\"x\"]\n");
        assertThat(known).containsAll(keys().stream().map(Key::name).toList())
                .contains("class", "application", "http", "web-sockets", "command", "listener")
                .hasSize(keys().size() + 6);
        Set<String> all = new TreeSet<>(known);
        for (String before : List.of("", "[log]\n", "[metrics]\n", "[listeners.a]\n", "[queues.a]\n")) {
            all.addAll(knownKeys(before));
        }
        // tables, which have rows of their own
        all.removeAll(Set.of("services", "listeners", "queues", "log", "metrics"));
        assertThat(rowsOfGuide()).as("rows of %s", GUIDE).containsExactlyInAnyOrderElementsOf(all);
    }

    /** The keys that the reader knows in the last table of a file: it lists them for one that is near to none. */
    private static Set<String> knownKeys(String before) throws IOException {
        String problem = problems(before + "qqqqqqqqqqqqqqqqqqqqqqqqqq = 1\n").stream()
                .filter(each -> each.contains("unknown key"))
                .findFirst()
                .orElseThrow();
        return Set.of(problem.replaceFirst(".*; expected (one of )?", "").split(", "));
    }

    /** Those of the tables of keys. */
    private static Set<String> rowsOfGuide() throws IOException {
        Pattern row = Pattern.compile("\\| `([^`]+)`.*");
        Set<String> rows = new TreeSet<>();
        boolean isOfKeys = false;
        for (String line : Files.readAllLines(GUIDE)) {
            isOfKeys = line.startsWith("| key") || isOfKeys && line.startsWith("|");
            Matcher found = row.matcher(line);
            if (isOfKeys && found.matches()) {
                rows.add(found.group(1));
            }
        }
        return rows;
    }

    private static String kebab(String method) {
        return method.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    @Test
    void theGuideTellsTheDefaults() throws Exception {
        Matcher row =
                Pattern.compile("(?m)^\\| `([^`]+)` \\| (?:`([^`]+)`|(\\d+)) \\|").matcher(Files.readString(GUIDE));
        Set<String> compared = new TreeSet<>();
        while (row.find()) {
            String value = row.group(2) != null ? row.group(2) : row.group(3);
            for (Key key : keys().stream().filter(each -> each.name().equals(row.group(1))).toList()) {
                String runs = "[services.a]\n"
                        + (key.isForJava() ? "class = \"A\"\nclasspath = [\"app.jar\"]\n" : "command = [\"x\"]\n");
                ServiceSettings told = service(runs + key.name() + " = " + value + "\n");
                for (String getter : key.getters().keySet()) {
                    assertThat(get(service(runs), getter)).as(key.name()).isEqualTo(get(told, getter));
                }
                assertThat(pauses(service(runs))).as(key.name()).isEqualTo(pauses(told));
                compared.add(key.name());
            }
        }
        assertThat(compared).containsExactly("at-once", "backoff", "deaths", "heartbeat-limit", "kind", "orphan-limit",
                "reload-in-place", "spares", "start-limit", "stop-limit", "workers");
    }

    @Test
    void oneKeyOfATableLeavesTheOthersAtTheirDefault() throws Exception {
        ServiceSettings none = service("[services.a]\ncommand = [\"x\"]\n");
        ServiceSettings one = service("[services.a]\ncommand = [\"x\"]\ndeaths = {}\nbackoff = {}\n");

        for (String getter : List.of("deaths", "deathWindow", "escalation")) {
            assertThat(get(one, getter)).as(getter).isEqualTo(get(none, getter));
        }
        assertThat(pauses(one)).isEqualTo(pauses(none));
    }

    @Test
    void theBackoffDoublesToItsBound() throws Exception {
        String service = "[services.a]\ncommand = [\"x\"]\n";
        ServiceSettings given = service(service + "backoff = { first = \"10ms\", most = \"40ms\" }\n");

        assertThat(pauses(given)).allMatch(pause -> pause.compareTo(Duration.ofMillis(40)) <= 0)
                .anyMatch(pause -> pause.compareTo(Duration.ofMillis(20)) > 0);
        assertThat(pauses(given).getFirst()).isLessThanOrEqualTo(Duration.ofMillis(10));
    }

    private static List<Duration> pauses(ServiceSettings settings) throws Exception {
        var backoff = (Backoff) get(settings, "backoff");
        var random = new Random(5);
        List<Duration> pauses = new ArrayList<>();
        for (int number = 1; number <= 20; number++) {
            pauses.add(backoff.waitAfter(new Attempt(number, Duration.ZERO, null, null), random));
        }
        return pauses;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            "cpus"               | 3
            "2*cpus"             | 6
            "${COUNT}"           | 4
            "${CPUS}"            | 6
            "${NONE:-cpus}"      | 3
            "${NONE:-2}"         | 2
            "${EMPTY:-1}"        | 1
            "${COUNT:-cpus}"     | 4
            0                    | 0
            """)
    void workersAreANumberOrOneOfProcessors(String value, int workers) throws Exception {
        assertThat(service("[services.a]\ncommand = [\"x\"]\nworkers = " + value + "\n").workers()).isEqualTo(workers);
    }

    @Test
    void variablesStandInEveryText() throws Exception {
        ServiceSettings read = service("""
                [services.a]
                command = ["sh", "-c", "a $PORT $${PORT} ${PORT}-${NONE:-} ${NONE:-x y} $$ $"]
                at-once = "${COUNT}"
                reload-in-place = "${YES}"
                stop-limit = "${LIMIT}"
                ready = { port = "${PORT}" }
                """);

        assertThat(read.command()).endsWith("a $PORT ${PORT} 80- x y $$ $");
        assertThat(get(read, "atOnce")).isEqualTo(4);
        assertThat(get(read, "reloadsInPlace")).isEqualTo(true);
        assertThat(get(read, "stopLimit")).isEqualTo(Duration.ofSeconds(7));
        assertThat(get(read, "readiness")).isEqualTo(new Readiness.Port(80));
    }

    @Test
    void readinessHasSeveralForms() throws Exception {
        String command = "[services.a]\ncommand = [\"x\"]\nready = ";
        String type = "[services.a]\nclass = \"A\"\nclasspath = [\"app.jar\"]\nready = ";
        assertThat(get(service(command + "\"said\""), "readiness")).isEqualTo(new Readiness.Said());
        assertThat(get(service(command + "{ alive = \"2s\" }"), "readiness"))
                .isEqualTo(new Readiness.Alive(Duration.ofSeconds(2)));
        assertThat(((Readiness.Line) get(service(command + "{ line = '^up \\d' }"), "readiness")).pattern().pattern())
                .isEqualTo("^up \\d");
        assertThat(get(service(type + "\"said\""), "readiness")).isEqualTo(new Readiness.Said());
        assertThat(get(service(type + "\"initialized\""), "readiness")).isEqualTo(new Readiness.Initialized());
    }

    @Test
    void theManagersPartHasDefaults() throws Exception {
        ServicesFile read = read("[services.a]\ncommand = [\"x\"]\n");

        assertThat(read.path()).isEqualTo(folder.resolve("s.toml"));
        assertThat(read.name()).isEqualTo("s");
        assertThat(read.control()).isEqualTo(folder.resolve("s.toml.sock"));
        assertThat(read.log()).isEqualTo(new Log(LogFormat.TEXT, null));
        assertThat(read.metrics()).isNull();
        assertThat(read.listeners()).isEmpty();
        assertThat(read.queues()).isEmpty();
        assertThat(read.services().getFirst().listener()).isNull();
        assertThat(get(read.services().getFirst(), "directory")).isEqualTo(folder);
    }

    @Test
    void theManagersPart() throws Exception {
        ServicesFile read = read("""
                name = "thumbs"
                control = "run/c.sock"
                [log]
                format = "json"
                file = "run/../log/services.log"
                [metrics]
                address = "localhost:9100"
                [listeners]
                six.tcp = "[::1]:8080"
                four.tcp = "127.0.0.1:${PORT}"
                any.tcp = "0.0.0.0:0"
                other.tcp = "0.0.0.0:0"
                path.unix = "run/web.sock"
                given.systemd = "web"
                [services]
                a = { class = "X", classpath = ["."], listener = "six", workers = 2 }
                b = { class = "X", classpath = ["."], listener = "four" }
                c = { class = "X", classpath = ["."], listener = "any", after = ["b", "a"] }
                d = { class = "X", classpath = ["."], listener = "path", after = ["c"] }
                e = { class = "X", classpath = ["."], listener = "given" }
                f = { class = "X", classpath = ["."], listener = "other" }
                """);

        assertThat(read.name()).isEqualTo("thumbs");
        assertThat(read.control()).isEqualTo(folder.resolve("run/c.sock"));
        assertThat(read.log()).isEqualTo(new Log(LogFormat.JSON, folder.resolve("log/services.log")));
        assertThat(read.metrics()).isEqualTo(new Tcp("localhost", 9100)).hasToString("localhost:9100");
        assertThat(read.listeners()).containsExactly(
                Map.entry("six", new Tcp("::1", 8080)),
                Map.entry("four", new Tcp("127.0.0.1", 80)),
                Map.entry("any", new Tcp("0.0.0.0", 0)),
                Map.entry("other", new Tcp("0.0.0.0", 0)),
                Map.entry("path", new UnixSocket(folder.resolve("run/web.sock"))),
                Map.entry("given", new Systemd("web")));
        assertThat(read.services()).extracting(ServiceSettings::listener)
                .containsExactly("six", "four", "any", "path", "given", "other");
        assertThat(read.services()).extracting(ServiceSettings::name).containsExactly("a", "b", "c", "d", "e", "f");
        assertThat(read.workers()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:80, 127.0.0.1:80, true", "127.0.0.1:80, 127.0.0.1:81, false", "127.0.0.1:80, 127.0.0.2:80, false",
        "0.0.0.0:80, 127.0.0.1:80, true", "127.0.0.1:80, 0.0.0.0:80, true", "0.0.0.0:80, [::1]:80, false",
        "[::]:80, 127.0.0.1:80, true", "[::1]:80, [0:0::1]:80, true", "Localhost:80, localhost:80, true",
        "localhost:80, 127.0.0.1:80, false", "0.0.0.0:80, localhost:80, false", "[::]:80, localhost:80, true"})
    void addressesClash(String one, String other, boolean clash) {
        assertThat(Tcp.parse(one).clashesWith(Tcp.parse(other))).isEqualTo(clash);
    }

    @Test
    void theClassPathOfTheEnvironmentIsThatOfServicesWithoutOne() throws Exception {
        Path file = Files.writeString(folder.resolve("s.toml"), "[services.a]\nclass = \"A\"\n");

        ServicesFile read = ServicesFile.read(file,
                Map.of("SENNIT_CLASSPATH", folder.resolve("app.jar") + "::" + folder.resolve("lib/*")), PROCESSORS);

        assertThat(get(read.services().getFirst(), "classPath")).isEqualTo(
                Stream.of("app.jar", "lib/a.jar", "lib/b.jar").map(folder::resolve).toList());
    }

    @Test
    void aMarkOfTheByteOrderAndLineEndsOfOtherSystemsAreRead() throws Exception {
        assertThat(read("\ufeff[services.a]\r\ncommand = [\"x\"]\r\n").services()).hasSize(1);
        assertThat(problems("\ufeff[services.a]\r\ncommand = [\"x\"]\r\nx = 1\r\n").getFirst())
                .contains(":3:1: unknown key \"x\"");
    }

    @Test
    void theFileOfTheGuideIsRight() throws Exception {
        Matcher snippets = Pattern.compile("```toml\\R(.*?)```", Pattern.DOTALL).matcher(Files.readString(GUIDE));
        assertThat(snippets.find()).isTrue();
        Files.createDirectories(folder.resolve("incoming"));

        ServicesFile read = read(snippets.group(1));

        assertThat(read.services()).hasSizeGreaterThan(2);
        assertThat(read.listeners()).isNotEmpty();
        while (snippets.find()) {
            read(snippets.group(1));
        }
    }

    /** A file that was changed at random is right, or is refused in lines with places. */
    @Test
    void whatWasChangedAtRandomIsRefusedInLines() throws Exception {
        var random = new Random(20_261_123);
        String good = """
                name = "thumbs" # ${PORT}
                [log]
                format = "json"
                [listeners.web]
                tcp = "127.0.0.1:${PORT:-8080}"
                [services.migrate]
                command = ["./migrate", "--all"]
                kind = "once"
                [services.worker]
                class = "com.acme.Worker"
                classpath = ["lib/*", "app.jar"]
                workers = "${COUNT:-cpus}"
                after = ["migrate"]
                ready = "said"
                start-limit = "60s"
                heap = "256m"
                deaths = { count = 3, within = "1m", then = "fail" }
                listener = "web"
                [services.worker.environment]
                A = "b"
                """;
        assertThat(read(good).services()).hasSize(2);
        List<String> tokens = Arrays.asList("\"", "'", "[", "]", "{", "}", "=", "\n", "${", "}", ".", ",", "#", "\\",
                "1",
                "-", "services", "after", "\u0000", "\u00e9", "\ud83d\ude00", "1979-05-27", "inf", "true", "[[a]]\n");
        int right = 0;
        for (int round = 0; round < 2_000; round++) {
            var text = new StringBuilder(good);
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                change(text, tokens, random);
            }
            Path file = Files.write(folder.resolve("s.toml"), text.toString().getBytes(StandardCharsets.UTF_8));
            try {
                ServicesFile.read(file, ENVIRONMENT, PROCESSORS);
                right++;
            } catch (ServicesFileException e) {
                assertThat(e.problems()).as("round %d", round).isNotEmpty().allMatch(each -> each.matches(
                        Pattern.quote(file.toString()) + ":[1-9]\\d*:[1-9]\\d*: \\P{Cntrl}+"));
                long lines = text.chars().filter(each -> each == '\n').count() + 1;
                assertThat(e.problems()).as("round %d", round).allMatch(each -> Long.parseLong(
                        each.substring(file.toString().length() + 1).split(":")[0]) <= lines);
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("round " + round + ": " + text, e);
            }
        }
        assertThat(right).as("files that are right all the same").isBetween(1, 1_000);
    }

    private static void change(StringBuilder text, List<String> tokens, Random random) {
        if (text.isEmpty()) {
            return;
        }
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + 1 + random.nextInt(12));
        switch (random.nextInt(4)) {
            case 0 -> text.delete(at, end);
            case 1 -> text.insert(at, tokens.get(random.nextInt(tokens.size())));
            case 2 -> text.insert(random.nextInt(text.length()), text.substring(at, end));
            default -> text.setCharAt(at, (char) (32 + random.nextInt(95)));
        }
    }

    private static ServicesFile read(String toml) throws IOException, ServicesFileException {
        return ServicesFile.read(Files.writeString(folder.resolve("s.toml"), toml), ENVIRONMENT, PROCESSORS);
    }

    private static ServiceSettings service(String toml) throws IOException, ServicesFileException {
        return read(toml).services().getFirst();
    }

    private static List<String> problems(String toml) throws IOException {
        Files.writeString(folder.resolve("s.toml"), toml);
        return catchThrowableOfType(ServicesFileException.class, () -> read(toml)).problems();
    }

    /** Most settings are for the manager alone. */
    private static Object get(ServiceSettings settings, String getter) throws ReflectiveOperationException {
        Method method = ServiceSettings.class.getDeclaredMethod(getter);
        method.setAccessible(true);
        return method.invoke(settings);
    }

    /** As for pools: all heaps together have half of the memory, and none more than a quarter. */
    @Test
    void jvmsShareTheMemory() throws Exception {
        ServicesFile read = read("""
                [services]
                a = { class = "X", classpath = ["app.jar"], workers = 6, spares = 1 }
                b = { class = "X", classpath = ["app.jar"], heap = "64m" }
                c = { command = ["x"], workers = 9 }
                """);
        assertThat(get(read.services().get(0), "jvmOptions")).isEqualTo(List.of("-XX:MaxRAMPercentage=6.25"));
        assertThat(get(read.services().get(1), "jvmOptions")).isEqualTo(List.of());
        assertThat(get(read.services().get(2), "jvmOptions")).isEqualTo(List.of());
    }

    @Test
    void queues() throws Exception {
        ServicesFile read = read("""
                [queues.photos]
                capacity = 64
                [queues.other]
                capacity = 1
                memory = "1m"
                allow = ["com.acme.**"]
                [services.a]
                command = ["x"]
                """);
        assertThat(read.queues()).containsExactly(
                Map.entry("photos", new ServicesFile.Queue(64, 16 << 20, List.of())),
                Map.entry("other", new ServicesFile.Queue(1, 1 << 20, List.of("com.acme.**"))));
    }

    /** What runs may be older than the file, which may be wrong by now. */
    @Test
    void theControlSocketIsFoundInAFileThatIsWrong() throws Exception {
        Path file = Files.writeString(folder.resolve("wrong.toml"), "control = \"c.sock\"\n[services.a]\nx = 1\n");
        assertThat(ServicesFile.controlOf(file)).isEqualTo(folder.resolve("c.sock"));
    }

    @Test
    void equalTextsMakeEqualSettings() throws Exception {
        String text = "[services.a]\ncommand = [\"x\"]\n";
        assertThat(read(text).texts()).isEqualTo(read("# a comment\n" + text).texts());
        assertThat(read(text).texts()).isNotEqualTo(read(text + "workers = 2\n").texts());
    }
}
