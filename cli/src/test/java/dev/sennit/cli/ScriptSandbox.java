package dev.sennit.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scripts of this project, copied into a folder with a space in its name and given fake JDKs (a release file and a
 * {@code java} that prints what it was started with), so that each test takes milliseconds. PATH holds the few tools
 * the scripts need and nothing else.
 */
abstract class ScriptSandbox {
    static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @TempDir
    Path temp;
    Path home;
    Path jdks;
    Path bin;
    final Map<String, String> environment = new TreeMap<>();

    final void copyScripts(List<String> tools, String script) throws IOException {
        home = temp.resolve("a project");
        jdks = temp.resolve("some jdks");
        bin = temp.resolve("bin");
        for (String file : List.of(script, "cli/src/main/sh/jdk.sh")) {
            Files.createDirectories(home.resolve(file).getParent());
            Files.copy(ROOT.resolve(file), home.resolve(file));
        }
        Files.createDirectories(jdks);
        Files.createDirectories(bin);
        for (String tool : tools) {
            for (String folder : List.of("/usr/bin", "/bin")) {
                Path file = Path.of(folder, tool);
                if (Files.exists(file) && Files.notExists(bin.resolve(tool))) {
                    script(bin.resolve(tool), "exec " + file + " \"$@\"");
                }
            }
        }
        environment.put("PATH", bin.toString());
        environment.put("HOME", temp.toString());
        environment.put("SENNIT_JDK_FOLDERS", temp.resolve("missing") + ":" + jdks);
    }

    /** What a run of a script left: its exit code and its two outputs. */
    record Run(int exit, String out, String err) {}

    record Started(Process process, Path out, Path err) {
        Run end() throws IOException, InterruptedException {
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("ended").isTrue();
            return new Run(process.exitValue(), Files.readString(out), Files.readString(err));
        }
    }

    final Started start(Path folder, List<String> command) throws IOException {
        Path out = Files.createTempFile(temp, "out", "");
        Path err = Files.createTempFile(temp, "err", "");
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.directory(folder.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        return new Started(builder.start(), out, err);
    }

    final Path fakeJdk(String name, String version) throws IOException {
        Path jdk = jdks.resolve(name).normalize();
        write(jdk.resolve("release"),
                "IMPLEMENTOR=\"fake\"\nJAVA_VERSION=\"" + version + "\"\nJAVA_VERSION_DATE=\"2026-01-01\"\n");
        script(
                jdk.resolve("bin/java"),
                "echo \"jdk " + version + " in $(pwd -P)\"\n"
                        + "for one in \"$@\"; do printf '[%s]\\n' \"$one\"; done\n"
                        + "exit ${FAKE_EXIT:-0}");
        script(jdk.resolve("bin/javac"), "exit 1");
        return jdk;
    }

    static void script(Path file, String body) throws IOException {
        write(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    static void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text, UTF_8);
    }
}
