package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.cli.programs.SumJob;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Primes, sums and help, in this JVM; on processes they run in the integration tests. */
class CommandsTest {
    private static final List<String> SMALL = List.of("0", "1", "2", "3", "4", "9", "25", "97", "9223372036854775807");

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:3", "virtual", "virtual:2"})
    void primesOnEveryPlan(String plan) {
        Run run = Run.sennit(args("primes", "--on", plan));

        assertThat(run.exit()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).hasSize(SMALL.size() + 1);
        assertThat(run.out().subList(0, SMALL.size()))
                .allMatch(line -> line.matches(" *\\d+  [P ]  \\d\\.\\d{6}s"))
                .filteredOn(line -> line.contains("P"))
                .extracting(line -> line.substring(0, 16).strip())
                .containsExactlyInAnyOrder("2", "3", "97");
        assertThat(run.out().getLast()).matches("9 checks in \\d+\\.\\d{3}s, 3 prime, on " + plan);
    }

    private static String[] args(String... first) {
        return java.util.stream.Stream.concat(java.util.Arrays.stream(first), SMALL.stream()).toArray(String[]::new);
    }

    @Test
    void primesAsJson() {
        Run run = Run.sennit("primes", "--json", "--on", "inline", "7", "8");

        assertThat(run.out()).hasSize(3);
        assertThat(run.out().get(0)).matches("\\{\"number\":7,\"prime\":true,\"seconds\":[0-9.E-]+}");
        assertThat(run.out().get(1)).matches("\\{\"number\":8,\"prime\":false,\"seconds\":[0-9.E-]+}");
        assertThat(run.out().get(2))
                .matches("\\{\"checked\":2,\"primes\":1,\"failed\":0,\"seconds\":[0-9.E-]+,\"plan\":\"inline\"}");
    }

    @Test
    void primesFromStdin() {
        String stdin = String.join("\n", IntStream.rangeClosed(1, 5000).mapToObj(String::valueOf).toList());

        Run run = Run.sennitReading(stdin, "primes", "-", "--on", "threads:2");

        assertThat(run.exit()).isZero();
        assertThat(run.out()).hasSize(5001);
        assertThat(run.out().getLast()).startsWith("5000 checks in ").endsWith(", 669 prime, on threads:2");
    }

    @Test
    void badInputOnStdinLosesNoWork() {
        Run run = Run.sennitReading("7 8\n9 x 11", "primes", "-", "--on", "threads:2");

        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err())
                .containsExactly("sennit: stdin line 2: \"x\" is not a whole number: give whole numbers from 0 to"
                        + " 9223372036854775807; 3 numbers before it were checked");
        assertThat(run.out()).hasSize(4);
        assertThat(run.out().getLast()).startsWith("3 checks in ").contains("1 prime");
    }

    @Test
    void emptyStdinIsNoWork() {
        Run run = Run.sennitReading("", "primes", "-");

        assertThat(run.exit()).isZero();
        assertThat(run.out()).singleElement().asString().startsWith("0 checks in ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual"})
    void sumsAreTheSameOnEveryPlan(String plan) {
        Run run = Run.sennit("sums", "--seed", "42", "--on", plan);

        assertThat(run.exit()).isZero();
        assertThat(run.out().stream().limit(8).map(line -> line.substring(0, 16)).sorted())
                .containsExactlyElementsOf(SumJob.jobs(42).stream()
                        .map(job -> "job %d %10d".formatted(job.number(), job.sum()))
                        .toList());
        assertThat(run.out().get(8))
                .matches("8 jobs in \\d+\\.\\d{3}s, CPU \\d+ % of a core, on " + plan + ", seed 42");
        assertThat(run.out().get(9)).contains("8 submitted, 8 succeeded, 0 failed");
        assertThat(run.out().get(10)).startsWith("time: queued ");
        assertThat(run.out()).hasSize(11);
    }

    @Test
    void aSumIsAboutFiftyMillion() {
        assertThat(SumJob.jobs(7)).extracting(SumJob::sum).allMatch(sum -> sum > 50_300_000 && sum < 50_700_000);
        assertThat(SumJob.jobs(7)).isEqualTo(SumJob.jobs(7)).isNotEqualTo(SumJob.jobs(8));
    }

    @Test
    void sumsAsJson() {
        Run run = Run.sennit("sums", "--seed", "-1", "--json");

        assertThat(run.out()).hasSize(9).allMatch(line -> line.startsWith("{\"") && line.endsWith("}"));
        assertThat(run.out().getLast()).contains("\"seed\":-1", "\"submitted\":8", "\"succeeded\":8",
                "\"cpuSeconds\":");
    }

    @ParameterizedTest
    @ValueSource(strings = {"compare", "primes", "sums", "spinner", "thumbnails"})
    void helpIsComplete(String command) {
        Run run = Run.sennit(command, "--help");

        assertThat(run.exit()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(String.join("\n", run.out()))
                .contains("Usage: sennit " + command, "--on=PLAN", "--help", "--version", "--stacktrace")
                .contains("Default: ", "Exit codes:", "130   interrupted", "Examples:", "  sennit " + command);
        assertThat(run.out()).allMatch(line -> line.length() <= 80);
        assertThat(Run.sennit("help", command)).isEqualTo(run);
    }

    @Test
    void helpOfRecordingsIsCompleteToo() {
        Run run = Run.sennit("record", "--help");

        assertThat(run.exit()).isZero();
        assertThat(String.join("\n", run.out()))
                .contains("Usage: sennit record", "PID", "--output=FILE", "--for=DURATION", "Default: 10s",
                        "Exit codes:", "130   interrupted", "  sennit record 4711 -o run.json");
        assertThat(run.out()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void helpOfTheOneThatRunsNothingIsCompleteToo() {
        Run run = Run.sennit("ps", "--help");

        assertThat(run.exit()).isZero();
        assertThat(String.join("\n", run.out()))
                .contains("Usage: sennit ps", "PID", "--stacks", "--json", "Exit codes:", "130   interrupted",
                        "  sennit ps 4711");
        assertThat(run.out()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void helpOfServicesIsCompleteToo() {
        Run run = Run.sennit("services", "check", "--help");

        assertThat(run.exit()).isZero();
        assertThat(String.join("\n", run.out()))
                .contains("Usage: sennit services check", "FILE", "--stacktrace", "--version", "Exit codes:",
                        "130   interrupted", "  sennit services check thumbnails.toml");
        assertThat(String.join("\n", Run.sennit("services", "--help").out()))
                .contains("Usage: sennit services", "Commands:", "  check", "Exit codes:");
        assertThat(run.out()).allMatch(line -> line.length() <= 80);
        assertThat(Run.sennit("services", "--help").out()).allMatch(line -> line.length() <= 80);
        assertThat(Run.sennit("help", "services")).isEqualTo(Run.sennit("services", "--help"));
    }

    @Test
    void helpOfWith() {
        Run run = Run.sennit("with", "--help");

        assertThat(run.exit()).isZero();
        assertThat(String.join("\n", run.out()))
                .contains("Usage: sennit with [OPTIONS] SERVER[,SERVER...] -- COMMAND [ARGUMENTS]",
                        "SENNIT_POSTGRESQL_URI", "--no-fsync", "Exit codes:",
                        "  sennit with redis,rabbitmq -- mvn verify");
        assertThat(run.out()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void helpAndVersionOfTheWhole() {
        assertThat(Run.sennit("--help").out()).anyMatch(line -> line.startsWith("  spinner"));
        assertThat(Run.sennit("--help").out()).allMatch(line -> line.length() <= 80);
        for (String[] args : new String[][] {{"--version"}, {"primes", "--version"}}) {
            assertThat(Run.sennit(args).out()).containsExactly(Version.text());
        }
    }
}
