package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
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
                classpath = ["classes"]
                [services.d]
                class = "dev.sennit.cli.ServicesCommandTest$Found"
                classpath = ["classes"]
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
        Files.createDirectories(folder.resolve("classes/bin"));
        assertThat(Files.createFile(folder.resolve("classes/bin/mine")).toFile().setExecutable(true)).isTrue();

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.exit()).isEqualTo(2);
        assertThat(run.err()).containsExactly(
                file + ":2:1: there is no program \"no-such-program\" on PATH that this user may run; correct the "
                        + "name, or install it",
                file + ":4:1: there is no program \"bin/mine\" in " + folder
                        + " that this user may run; correct the name, or install it",
                file + ":6:1: service c: there is no class com.acme.Lost on its class path; correct the name, or "
                        + "build it",
                file + ":18:1: there is no program \"sh\" on PATH that this user may run; correct the name, or "
                        + "install it",
                "sennit: " + file + ": 4 problems");
    }

    public static final class Found implements Service {
        private static final long serialVersionUID = 1L;

        @Override
        public void run(ServiceWorker me) {}
    }

    public abstract static class Half implements Service {
        private static final long serialVersionUID = 1L;
    }

    public record Full(int size) implements Service {
        @Override
        public void run(ServiceWorker me) {}
    }

    @Test
    void aClassThatIsNoServiceIsAProblem() throws Exception {
        String names = ServicesCommandTest.class.getName();
        Path file = file("""
                [services.a]
                class = "java.lang.String"
                classpath = ["classes"]
                [services.b]
                class = "%1$s$Half"
                classpath = ["classes"]
                [services.c]
                class = "%1$s$Full"
                classpath = ["classes"]
                [services.d]
                class = "com.acme.Broken"
                classpath = ["classes"]
                [services.e]
                class = "%1$s$Found"
                classpath = ["app.jar", "classes"]
                """.formatted(names));
        Path folder = file.getParent();
        Files.createDirectories(folder.resolve("classes/com/acme"));
        Files.write(folder.resolve("classes/com/acme/Broken.class"), new byte[100]);
        Files.createFile(folder.resolve("app.jar"));

        Run run = Run.sennit("services", "check", file.toString());

        assertThat(run.err()).containsExactly(
                file + ":2:1: service a: class java.lang.String does not implement dev.sennit.service.Service; have it "
                        + "do so, or start it by a command",
                file + ":5:1: service b: class " + names + "$Half is abstract; name one that extends it",
                file + ":8:1: service c: class " + names + "$Full has no constructor without parameters; add one",
                file + ":11:1: service d: class com.acme.Broken cannot be loaded (java.lang.ClassFormatError: "
                        + "Incompatible magic value 0 in class file com/acme/Broken); build it again, or complete its "
                        + "class path",
                file + ":14:1: service e: jar " + folder.resolve("app.jar")
                        + " of its class path cannot be read (zip file is empty); build or copy it again",
                "sennit: " + file + ": 5 problems");
    }

    @Test
    void aHeapInWhichNoJvmStartsIsAProblem() throws Exception {
        Path file = file("[services.a]\nclass = \"A\"\nclasspath = [\"classes\"]\nheap = \"2047k\"\n");
        Files.createDirectory(file.resolveSibling("classes"));
        assertThat(Run.sennit("services", "check", file.toString()).err())
                .contains(file + ":4:1: heap must be >= 2m, was \"2047k\"");
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
        Path file = file("[services.a]\ncommand = [\"sh\"]\nwokers = 2\nheap = \"64m\"\n");

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
