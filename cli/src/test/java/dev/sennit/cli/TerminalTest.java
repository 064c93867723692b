package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.cli.command.ExitCode;
import dev.sennit.cli.command.Terminal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class TerminalTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Terminal terminal(boolean interactive) {
        return new Terminal(InputStream.nullInputStream(), new PrintStream(out), new PrintStream(err), interactive,
                interactive);
    }

    @Test
    void aBarIsWipedBeforeALine() {
        Terminal terminal = terminal(true);
        terminal.bar("[#.]");
        terminal.line("result");
        terminal.line("another");

        assertThat(err).hasToString("\r\u001b[K[#.]\r\u001b[K");
        assertThat(out).hasToString("result\nanother\n".replace("\n", System.lineSeparator()));
    }

    @Test
    void elsewhereThereIsNoBarAndNoColour() {
        Terminal terminal = terminal(false);
        terminal.bar("[#.]");
        terminal.wipeBar();
        terminal.error("wrong");

        assertThat(err).hasToString("sennit: wrong" + System.lineSeparator());
        assertThat(terminal.green("P")).isEqualTo("P");
        assertThat(terminal(true).green("P")).isEqualTo("\u001b[32mP\u001b[0m");
    }

    @Test
    void afterASignalThereIsSilence() {
        Terminal terminal = terminal(true);
        terminal.bar("[#.]");
        terminal.silence();
        err.reset();
        terminal.line("result");
        terminal.error("wrong");
        terminal.bar("[##]");

        assertThat(out.size() + err.size()).isZero();
    }

    @Test
    void aClosedOutputEndsTheCommand() {
        var closed = new PrintStream(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        });
        var terminal = new Terminal(InputStream.nullInputStream(), closed, new PrintStream(err), false, false);

        assertThatExceptionOfType(Terminal.ClosedOutputException.class).isThrownBy(() -> terminal.line("x"));
        assertThat(Sennit.run(terminal, "primes", "7")).isEqualTo(ExitCode.TASKS_FAILED);
        assertThat(err.size()).isZero();
    }
}
