package dev.sennit.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.images.internal.files.PartFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** With processes that are killed, or may not write any more. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class OutputFolderIT {
    @TempDir
    private Path folder;

    private static Process start(List<String> before, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-UsePerfData", "-Xshare:auto",
                "-cp",
                Programs.classPath(), Programs.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAndWhatALivingOneWritesIsNot() throws Exception {
        Process killed = start(List.of(), "part", folder.toString());
        Process living = start(List.of(), "part", folder.toString());
        try (BufferedReader first = killed.inputReader(StandardCharsets.UTF_8);
                BufferedReader second = living.inputReader(StandardCharsets.UTF_8)) {
            assertThat(first.readLine()).isEqualTo("written");
            assertThat(second.readLine()).isEqualTo("written");
            OutputFolder.open(folder, OutputFolder.Existing.FAIL);
            assertThat(files()).isEqualTo(2);
            killed.destroyForcibly().waitFor();
            OutputFolder.open(folder, OutputFolder.Existing.FAIL);
            assertThat(files()).isEqualTo(1);
        } finally {
            killed.destroyForcibly();
            living.destroyForcibly().waitFor();
        }
        OutputFolder.open(folder, OutputFolder.Existing.FAIL);
        assertThat(files()).isZero();
    }

    /** Also not between its making and its lock. */
    @Test
    void whoeverRemovesDeadOnesTakesNothingFromThoseThatWrite() throws Exception {
        Process writer = start(List.of(), "many", folder.toString(), "500");
        try (BufferedReader output = writer.inputReader(StandardCharsets.UTF_8)) {
            while (writer.isAlive()) {
                PartFile.removeDead(folder);
            }
            assertThat(output.readLine()).isEqualTo("all written");
        }
        assertThat(files()).isEqualTo(500);
        for (int i = 0; i < 500; i++) {
            assertThat(folder.resolve("file" + i)).hasSize(1000);
        }
    }

    /** As on a full disk, a write ends in the middle. */
    @Test
    void whatCannotBeWrittenToTheEndIsNotThere() throws Exception {
        Process limited = start(
                List.of("/bin/sh", "-c", "ulimit -f 100; exec \"$@\"", "sh"), "write", folder.toString(), "1000000");
        try (BufferedReader output = limited.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine())
                    .isEqualTo("cannot write " + folder.resolve("large")
                            + ": File too large; see whether its folder is there, writable and not full");
        }
        assertThat(limited.waitFor()).isZero();
        assertThat(files()).isZero();
    }
}
