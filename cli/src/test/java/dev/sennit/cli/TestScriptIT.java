package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * The script {@code ./test} beside a fake JDK and a fake {@code mvn}, which notes its arguments and writes reports as
 * Surefire does.
 */
@DisabledOnOs(OS.WINDOWS)
class TestScriptIT extends ScriptSandbox {
    private static final List<String> TOOLS =
            List.of("sh", "awk", "cat", "dirname", "env", "find", "grep", "head", "id", "mkdir", "mv", "readlink", "rm",
                    "sed", "sort", "uname");

    private static final String ONE_PASSED = "tests=\"1\" errors=\"0\" skipped=\"0\" failures=\"0\"";

    private final List<String> maven =
            new ArrayList<>(List.of("for one in \"$@\"; do printf '[%s]\\n' \"$one\"; done > arguments"));

    @BeforeEach
    void copyScript() throws IOException {
        copyScripts(TOOLS, "test");
        fakeJdk("jdk-25", "25.0.3");
        environment.put("SENNIT_SERVER_FOLDERS", temp.resolve("missing") + ":" + temp + "/versions/*/bin");
        for (String server : List.of("initdb", "redis-server", "rabbitmq-server")) {
            script(bin.resolve(server), "exit 1"); // looked for, and not started here
        }
        python("redis celery PIL rq");
    }

    @Test
    void theLastLineCountsTheTestsOfAllModules() throws Exception {
        report("core", "surefire-reports", "dev.sennit.OneTest",
                "tests=\"14\" errors=\"1\" skipped=\"2\" failures=\"3\"", "<testsuite tests=\"100\">");
        report("core", "surefire-reports", "dev.sennit.TwoTest", ONE_PASSED,
                testcase("b", "dev.sennit.TwoTest", "0.1"));
        report("core-it", "failsafe-reports-sockets", "dev.sennit.ThreeIT", ONE_PASSED,
                testcase("c", "dev.sennit.ThreeIT", "3"));

        Run run = test("-pl", "core");

        assertThat(run.exit()).isZero();
        assertThat(run.out()).endsWith("\n10 passed, 4 failed, 2 skipped\n");
        assertThat(run.out()).doesNotContain("slowest");
        assertThat(arguments()).containsExactly("[-B]", "[-ntp]", "[-T]", "[4]", "[verify]", "[-pl]", "[core]");
    }

    @Test
    void failuresAreNamedBeforeTheCounts() throws Exception {
        report("core", "surefire-reports", "dev.sennit.OneTest",
                "tests=\"3\" errors=\"1\" skipped=\"0\" failures=\"1\"",
                testcase("passes", "dev.sennit.OneTest", "1"),
                "<testcase name=\"fails(int)[2]\" classname=\"dev.sennit.OneTest\" time=\"1\">",
                "  <failure message=\"expected &lt;1&gt;&#10;was &quot;2&quot;\" type=\"java.lang.AssertionError\">x",
                "  </failure>", "</testcase>",
                "<testcase name=\"breaks\" classname=\"dev.sennit.OneTest\" time=\"1\">",
                "  <error type=\"java.io.IOException\">java.io.IOException", "  </error>", "</testcase>");

        Run run = test();

        assertThat(run.out().lines())
                .endsWith(
                        "failed: dev.sennit.OneTest#fails(int)[2] (core): "
                                + "java.lang.AssertionError expected <1> was \"2\"",
                        "failed: dev.sennit.OneTest#breaks (core): java.io.IOException",
                        "1 passed, 2 failed, 0 skipped");
    }

    @Test
    void serversThatAreMissingAreNamedAndTheirTestsAreSkipped() throws Exception {
        Files.delete(bin.resolve("redis-server"));
        Files.delete(bin.resolve("initdb"));
        Files.delete(bin.resolve("rabbitmq-server"));
        script(temp.resolve("versions/15/bin/initdb"), "exit 1");

        Run run = test("-pl", "core");

        assertThat(run.out().lines())
                .contains(
                        "test: left out for want of redis-server: the tests that start it",
                        "test: left out for want of rabbitmq-server: the tests that start it")
                .endsWith(
                        "test: among the skipped, for want of redis-server, rabbitmq-server: the tests that start them",
                        "0 passed, 0 failed, 0 skipped");
        assertThat(run.out()).doesNotContain("postgresql");
        assertThat(arguments()).endsWith("[verify]", "[-Dsennit.servers.optional=true]", "[-pl]", "[core]");

        assertThat(test("quick").out()).doesNotContain("redis-server");
        assertThat(arguments()).noneMatch(argument -> argument.contains("servers"));

        script(bin.resolve("valkey-server"), "exit 1");
        script(bin.resolve("rabbitmq-server"), "exit 1");
        assertThat(test().out()).doesNotContain("for want of redis", "for want of rabbitmq");
        assertThat(arguments()).noneMatch(argument -> argument.contains("servers"));
    }

    @Test
    void whatTheSystemsPythonLacksIsNamed() throws Exception {
        python("redis");
        script(bin.resolve("python3"), "exit 0"); // another one, which has all of them

        Run run = test();

        assertThat(run.out().lines())
                .contains(
                        "test: left out for want of python3-celery: the tests that start it",
                        "test: left out for want of python3-pil: the tests that start it",
                        "test: left out for want of python3-rq: the tests that start it")
                .endsWith(
                        "test: among the skipped, for want of python3-celery, python3-pil, python3-rq: the tests that "
                                + "start them",
                        "0 passed, 0 failed, 0 skipped");
        assertThat(arguments()).as("servers are there").noneMatch(argument -> argument.contains("servers"));
        assertThat(test("quick").out()).doesNotContain("python3-rq");
    }

    /** Has the system's Python be one with some modules. */
    private void python(String modules) throws IOException {
        var python = temp.resolve("system-python3");
        environment.put("SENNIT_SYSTEM_PYTHON", python.toString());
        script(python, "for each in " + modules + "; do [ \"$2\" != \"import $each\" ] || exit 0; done\nexit 1");
    }

    @Test
    void theExitCodeIsMavensAndReportsOfEarlierRunsAreGone() throws Exception {
        report("core", "surefire-reports", "dev.sennit.OneTest", ONE_PASSED,
                testcase("a", "dev.sennit.OneTest", "0.5"));
        assertThat(test().exit()).isZero();
        maven.removeLast();
        maven.add("exit 7");

        Run run = test("full");

        assertThat(run.exit()).isEqualTo(7);
        assertThat(run.out()).endsWith("\n0 passed, 0 failed, 0 skipped\n").doesNotContain("slowest");
    }

    @Test
    void quickLeavesOutWhatIsSlow() throws Exception {
        Run run = test("quick", "-pl", "core");

        assertThat(run.out()).doesNotContain("slowest");
        assertThat(arguments())
                .endsWith("[-DskipITs]", "[-Dsurefire.excludesFile=" + home.toRealPath() + "/.mvn/slow-tests]", "[-pl]",
                        "[core]");
    }

    @Test
    void fullPrintsTheTwentySlowest() throws Exception {
        for (int i = 1; i <= 15; i++) {
            report("core", "surefire-reports", "dev.sennit.N" + i + "Test", ONE_PASSED,
                    testcase("first", "dev.sennit.N" + i + "Test", "" + i));
            report("images", "surefire-reports", "dev.sennit.M" + i + "Test", ONE_PASSED,
                    testcase("second", "dev.sennit.M" + i + "Test", "0." + (100 + i)));
        }
        report("core-it", "failsafe-reports-sockets", "dev.sennit.PoolIT", ONE_PASSED,
                testcase("lasts(Pool&lt;&quot;x&quot;>)[1]", "dev.sennit.PoolIT", "1,234.567"));

        Run run = test("full", "-pl", "core");

        List<String> lines = run.out().lines().toList();
        int head = lines.indexOf("The slowest tests, in seconds:");
        assertThat(head).isNotNegative();
        assertThat(lines.subList(head + 1, lines.size()))
                .hasSize(21)
                .startsWith(
                        "  1234.567  dev.sennit.PoolIT#lasts(Pool<\"x\">)[1]  core-it (sockets)",
                        "    15.000  dev.sennit.N15Test#first  core",
                        "    14.000  dev.sennit.N14Test#first  core")
                .endsWith(
                        "     0.112  dev.sennit.M12Test#second  images",
                        "31 passed, 0 failed, 0 skipped")
                .filteredOn(line -> line.contains("images")).hasSize(4);
        assertThat(arguments()).contains("[-Dsennit.full=true]").endsWith("[-pl]", "[core]");
    }

    private Run test(String... arguments) throws IOException, InterruptedException {
        script(bin.resolve("mvn"), String.join("\n", maven));
        List<String> command = new ArrayList<>(List.of(home.resolve("test").toString()));
        command.addAll(List.of(arguments));
        return start(temp, command).end();
    }

    private List<String> arguments() throws IOException {
        return Files.readAllLines(home.resolve("arguments"));
    }

    private static String testcase(String name, String type, String seconds) {
        return "<testcase name=\"" + name + "\" classname=\"" + type + "\" time=\"" + seconds + "\"/>";
    }

    /** Has Maven write a report. */
    private void report(String module, String folder, String type, String counts, String... lines) {
        String into = module + "/target/" + folder;
        maven.add("""
        mkdir -p %s
        cat > %s/TEST-%s.xml <<'END'
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="%s" time="9" %s>
          %s
        </testsuite>
        END""".formatted(into, into, type, type, counts, String.join("\n  ", lines)));
    }
}
