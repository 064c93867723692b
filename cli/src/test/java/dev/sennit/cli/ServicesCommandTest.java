package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sennit services check}. */
class ServicesCommandTest {
    @TempDir
    Path folder;

    @Test
    void aFileThatIsRightIsOneLine() throws IOException {
        Path file = file("""
                [services.a]
                command = ["sh"]
                workers = 3
                [services.b]
                command = ["sh"]
                """);

        assertThat(Run.sennit("services", "check", file.toString()))
                .isEqualTo(new Run(0, List.of(file + ": 2 services, 4 workers: ok"), List.of()));
        Files.writeString(file, "[services.a]\ncommand = [\"sh\"]\n");
        assertThat(Run.sennit("services", "check", file.toString()).out())
                .containsExactly(file + ": 1 service, 1 worker: ok");
    }

    @Test
    void whatIsNotThereIsAProblem() throws Exception {
        Path file = file("""
                [services.a]
                command = ["no-such-program", "sh"]
                [services.b]
                command = ["bin/mine"]
                [services.c]
                class = "com.acme.Lost"
                classpath = ["app.jar", "classes"]
                [services.d]
                class = "com.acme.Found"
                classpath = ["app.jar", "classes"]
                [services.e]
                command = ["bin/mine"]
                directory = "classes"
                [services.f]
                command = ["mine"]
                environment = { PATH = "/nowhere:classes/bin" }
                [services.g]
                command = ["sh"]
                environment = { PATH = "/nowhere" }
                """);
        Path folder = file.getParent();
        Files.createDirectories(folder.resolve("classes/com/acme"));
        Files.createFile(folder.resolve("classes/com/acme/Found.class"));
        Files.createDirectory(folder.resolve("classes/bin"));
        assertThat(Files.createFile(folder.resolve("classes/bin/mine")).toFile().setExecutable(true)).isTrue();
        Files.createFile(folder.resolve("app.jar"));

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly(
                file + ":2:1: there is no program \"no-such-program\" on PATH that this user may run; correct the "
                        + "name, or install it",
                file + ":4:1: there is no program \"bin/mine\" in " + folder
                        + " that this user may run; correct the name, or install it",
                file + ":6:1: there is no class com.acme.Lost on the class path of service c; correct the name, or "
                        + "build it",
                file + ":18:1: there is no program \"sh\" on PATH that this user may run; correct the name, or "
                        + "install it",
                "sennit: " + file + ": 4 problems");
    }

    @Test
    void aClassThatIsRefusedIsNotLookedFor() throws Exception {
        Path file = file("[services.a]\nclass = \"not a class!\"\nclasspath = [\"classes\"]\n");
        Files.createDirectory(file.resolveSibling("classes"));
        assertThat(Run.sennit("services", "check", file.toString()).err()).anyMatch(line -> line.contains(":2:"))
                .noneMatch(line -> line.contains("there is no class"));
    }

    @Test
    void eachProblemIsALine() throws IOException {
        Path file = file("[services.a]\ncommand = [\"sh\"]\nwokers = 2\nheap = \"1m\"\n");

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.out()).isEmpty();
        assertThat(run.err()).containsExactly(
                file + ":3:1: unknown key \"wokers\" in [services.a]; did you mean workers?",
                file + ":4:1: heap is for Java services, and service a is a command; leave it out",
                "sennit: " + file + ": 2 problems");
        assertThat(run.exit()).isEqualTo(2);
    }

    @Test
    void aFileOfAnotherKindEndsAfterAHundredLines() throws IOException {
        Path file = file("?\n".repeat(500));

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.err()).hasSize(101).last().isEqualTo(
                "sennit: " + file + ": 500 problems, of which these are the first 100");
        assertThat(run.exit()).isEqualTo(2);
    }

    @Test
    void aFileThatIsNotThere() {
        Path file = folder.resolve("none.toml");

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.err()).containsExactly(file + ": there is no such file", "sennit: " + file + ": 1 problem");
        assertThat(run.exit()).isEqualTo(2);
    }

    private Path file(String toml) throws IOException {
        return Files.writeString(folder.resolve("s.toml"), toml);
    }
}
