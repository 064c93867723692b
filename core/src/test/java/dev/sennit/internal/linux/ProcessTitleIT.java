package dev.sennit.internal.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Program;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
@Timeout(60)
class ProcessTitleIT {
    private Process process;

    @AfterEach
    void end() {
        process.destroyForcibly();
    }

    @Test
    void psShowsTheTitleAndNothingElse() throws Exception {
        start("--enable-native-access=ALL-UNNAMED");
        assertThat(title("myapp: printer worker(0)")).isEqualTo("true");
        assertThat(ps("args")).isEqualTo("myapp: printer worker(0)");
        assertThat(ps("comm")).isEqualTo("myapp: printer ");
        assertThat(title("shorter")).isEqualTo("true");
        assertThat(ps("args")).as("nothing is left of the title before").isEqualTo("shorter");
        assertThat(ps("comm")).isEqualTo("shorter");
        assertThat(title("myapp: printeré(1)\tat work")).isEqualTo("true");
        assertThat(ps("args")).isEqualTo("myapp: printeré(1) at work");
        assertThat(ps("comm")).as("cut between characters").isEqualTo("myapp: printer");
    }

    @Test
    void aTitleIsCutToTheRoomThereIs() throws Exception {
        start("--enable-native-access=ALL-UNNAMED");
        int room = Files.readAllBytes(Path.of("/proc/" + process.pid() + "/cmdline")).length - 1;
        assertThat(ask("room")).isEqualTo(Integer.toString(room));
        assertThat(title("x".repeat(room + 1000))).isEqualTo("true");
        assertThat(ps("args")).isEqualTo("x".repeat(room));
        assertThat(ask("environment")).as("what lies behind the arguments").isEqualTo("is whole");
        assertThat(title("x".repeat(room - 1) + "é")).isEqualTo("true");
        assertThat(ps("args")).isEqualTo("x".repeat(room - 1));
    }

    @Test
    void thereIsNoneWithoutNativeAccess() throws Exception {
        start("--illegal-native-access=deny", "--enable-native-access=java.base");
        String before = ps("args");
        assertThat(ask("room")).isEqualTo("0");
        assertThat(title("a title")).isEqualTo("false");
        assertThat(ps("args")).isEqualTo(before);
    }

    private void start(String... options) throws Exception {
        var command = new ProcessBuilder(Program.command(List.of(options), Titled.class))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        command.environment().put("SENNIT_TITLE_TEST", "is whole");
        process = command.start();
        assertThat(process.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("runs");
    }

    private String title(String text) throws Exception {
        return ask("title " + text);
    }

    private String ask(String order) throws Exception {
        var writer = process.outputWriter(StandardCharsets.UTF_8);
        writer.write(order + "\n");
        writer.flush();
        return process.inputReader(StandardCharsets.UTF_8).readLine();
    }

    private String ps(String column) throws Exception {
        var command = new ProcessBuilder("ps", "-ww", "-o", column + "=", "-p", Long.toString(process.pid()));
        command.environment().put("LC_ALL", "C.UTF-8");
        Process ps = command.start();
        return ps.inputReader(StandardCharsets.UTF_8).readAllAsString().replaceFirst("\n$", "");
    }

    static final class Titled {
        public static void main(String[] arguments) throws Exception {
            System.out.println("runs");
            var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                System.out.println(
                        switch (order) {
                            case "room" -> ProcessTitle.room();
                            case "environment" -> environmentAsLinuxShowsIt();
                            default -> ProcessTitle.set(order.replaceFirst("title ", ""));
                        });
            }
        }

        private static String environmentAsLinuxShowsIt() throws Exception {
            for (String one : Files.readString(Path.of("/proc/self/environ"), StandardCharsets.ISO_8859_1)
                    .split("\0")) {
                if (one.startsWith("SENNIT_TITLE_TEST=")) {
                    return one.substring(one.indexOf('=') + 1);
                }
            }
            return "is gone";
        }
    }
}
