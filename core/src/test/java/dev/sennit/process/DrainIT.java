package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import dev.sennit.TaskFuture;
import dev.sennit.conformance.Signals;
import dev.sennit.conformance.internal.Conditions;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A signal that comes to all processes of a program, as Ctrl-C and {@code systemctl stop} send it: tasks come to their
 * ends.
 */
@EnabledOnOs(OS.LINUX)
class DrainIT {

    /** Closes its pool when it is to end; its tasks are done when they are let go on. */
    static final class Draining {
        public static void main(String[] arguments) throws Exception {
            var signals = new Signals(arguments[0]);
            ProcessPool pool = ProcessPool.builder().workers(2).heap("64m").archive(false).open();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                signals.set("draining");
                pool.close();
                signals.set("drained");
            }));
            List<TaskFuture<Integer>> futures = IntStream.range(0, 4)
                    .mapToObj(number -> pool.submit(() -> {
                        signals.mark("began");
                        signals.await("go on");
                        signals.mark("ended");
                        return number;
                    }))
                    .toList();
            for (TaskFuture<Integer> future : futures) {
                signals.log("result " + future.get());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130", "HUP, 129"})
    void tasksOfAProgramThatDrainsComeToTheirEnds(String signal, int exitCode, @TempDir Path folder) throws Exception {
        var signals = new Signals(folder.toString());
        File output = folder.resolve("output").toFile();
        List<String> command = Program.command(List.of("-Xmx64m"), Draining.class, folder.toString());
        // A group of its own, and no signal that whoever runs this test has it ignore.
        command.addAll(0, List.of("setsid", "env", "--default-signal"));
        Process program = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output).start();
        try {
            Conditions.await("both workers have a task").until(() -> signals.count("began") == 2);
            send(signal, program.pid());
            signals.await("draining");
            send(signal, program.pid()); // whoever is impatient
            signals.set("go on");
            assertThat(program.waitFor(30, TimeUnit.SECONDS)).isTrue();
            String said = Files.readString(output.toPath(), StandardCharsets.UTF_8);
            assertThat(signals.isSet("drained")).as(said).isTrue();
            assertThat(signals.count("ended")).as(said).isEqualTo(4);
            assertThat(program.exitValue()).as(said).isEqualTo(exitCode);
            assertThat(said).doesNotContain("Exception");
        } finally {
            program.descendants().forEach(ProcessHandle::destroyForcibly);
            program.destroyForcibly();
        }
    }

    private static void send(String signal, long group) throws Exception {
        assertThat(new ProcessBuilder("kill", "-" + signal, "--", "-" + group).inheritIO().start().waitFor()).isZero();
    }
}
