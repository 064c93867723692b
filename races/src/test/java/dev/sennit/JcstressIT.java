package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the jcstress tests, briefly, and the canaries among them, which have to fail. {@code -Dsennit.jcstress=default},
 * or {@code tough}, makes a long run of it.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // a long run takes its time; a brief one some minutes
class JcstressIT {
    private static final String MODE = System.getProperty("sennit.jcstress", "quick");
    /** As the tool ends each line about a test. */
    private static final Pattern OUTCOME =
            Pattern.compile("\\[(OK|FAILED|ERROR|INTERESTING)]\\s+(dev\\.sennit\\.\\S+)");

    /** Of the compilers' modes the one that reorders most; a long run goes through all of them, and pins threads. */
    private static final String WILDEST =
            "-XX:-TieredCompilation -XX:+UnlockDiagnosticVMOptions -XX:+StressLCM -XX:+StressGCM"
                    + " -XX:+StressIGVN -XX:+StressCCP";

    private record Run(int exitCode, TreeSet<String> passed, TreeSet<String> failed, String output) {}

    private static Run jcstress(String tests, Path folder) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--class-path",
                System.getProperty("java.class.path"),
                "org.openjdk.jcstress.Main",
                "-v",
                "-t",
                tests,
                "-m",
                MODE));
        if (MODE.equals("quick")) {
            command.addAll(List.of("-f", "1", "-iters", "3", "-time", "100", "-sc", "false", "-af", "NONE", "-jvmArgs",
                    WILDEST));
        }
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            int exitCode = process.waitFor();
            String said = java.nio.file.Files.readString(output, StandardCharsets.UTF_8);
            var passed = new TreeSet<String>();
            var failed = new TreeSet<String>();
            OUTCOME.matcher(said).results()
                    .forEach(line -> (line.group(1).equals("OK") ? passed : failed).add(line.group(2)));
            passed.removeAll(failed);
            return new Run(exitCode, passed, failed, said);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static List<String> testsIn(Class<?>... suites) {
        List<String> names = new ArrayList<>();
        for (Class<?> suite : suites) {
            for (Class<?> test : suite.getDeclaredClasses()) {
                names.add(suite.getName() + "." + test.getSimpleName());
            }
        }
        return names;
    }

    @Test
    void nothingForbiddenIsSeen(@TempDir Path folder) throws Exception {
        Run run = jcstress("dev\\.sennit\\.\\w+Stress", folder);
        assertThat(run.failed()).as(run.output()).isEmpty();
        assertThat(run.passed())
                .as(run.output())
                .containsExactlyInAnyOrderElementsOf(
                        testsIn(FutureStress.class, EventStress.class, QueueStress.class, WorkerCountStress.class));
    }

    @Test
    void theCanariesAreFound(@TempDir Path folder) throws Exception {
        Run run = jcstress("dev\\.sennit\\.Canaries", folder);
        assertThat(run.failed()).as(run.output()).containsExactlyInAnyOrderElementsOf(testsIn(Canaries.class));
    }
}
