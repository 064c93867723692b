package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The agent as a user starts it, in a JVM of its own. */
@Timeout(120)
class MemoryPointsIT {
    /** A program that says what the explorer finds in {@code count++}. */
    public static final class Counts {
        private int count;

        public static void main(String[] arguments) {
            try {
                System.out.println(ScheduleExplorer.of(1000).explore(() -> new Counts().countTwice()));
            } catch (ScheduleFailure found) {
                System.out.println(found.getMessage());
            }
        }

        private void countTwice() throws InterruptedException {
            Thread one = Thread.startVirtualThread(() -> count++);
            Thread other = Thread.startVirtualThread(() -> count++);
            one.join();
            other.join();
            if (count != 2) {
                throw new AssertionError("counted " + count);
            }
        }
    }

    @Test
    void findsALostUpdateInCodeThatDoesNotWait(@TempDir Path folder) throws Exception {
        assertThat(output("-javaagent:" + agent(folder) + '=' + Counts.class.getName()))
                .contains("AssertionError: counted 1", "memory points on", "Counts.lambda$countTwice$")
                .doesNotContain("NOT REPEATABLE");
    }

    @Test
    void findsNothingWithoutTheAgent() throws Exception {
        assertThat(output("-Dno.agent=")).contains("1000 schedules", "memory points off");
    }

    @Test
    void theAgentSaysThatItWantsToKnowWhichClasses(@TempDir Path folder) throws Exception {
        assertThat(output("-javaagent:" + agent(folder))).contains("-javaagent:sennit.jar=PREFIX");
    }

    /** A jar with what the manifest of the library's says. */
    private static Path agent(Path folder) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", MemoryPoints.class.getName());
        manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
        Path jar = folder.resolve("agent.jar");
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
        return jar;
    }

    private static String output(String option) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-opens",
                        "java.base/java.lang=ALL-UNNAMED",
                        option,
                        "-cp",
                        rootOf(MemoryPoints.class) + File.pathSeparator + rootOf(MemoryPointsIT.class),
                        Counts.class.getName())
                .redirectErrorStream(true)
                .start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended, after it printed %s", output).isTrue();
            return output;
        } finally {
            process.destroyForcibly();
        }
    }

    /** Not the code source: that of a test which is patched into the library's module is the library's. */
    private static Path rootOf(Class<?> type) {
        URL found = type.getResource(type.getSimpleName() + ".class");
        try {
            if (found.openConnection() instanceof JarURLConnection jar) {
                return Path.of(URI.create(jar.getJarFileURL().toString()));
            }
            return Path.of(URI.create(found.toString())).resolve("../../../..").normalize();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
