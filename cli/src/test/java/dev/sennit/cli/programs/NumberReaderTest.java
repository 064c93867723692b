package dev.sennit.cli.programs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.ExitCode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

class NumberReaderTest {
    private static NumberReader reader(String text) {
        return new NumberReader(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Long> read(String text) {
        List<Long> numbers = new ArrayList<>();
        reader(text).forEachRemaining(numbers::add);
        return numbers;
    }

    @Test
    void anyWhiteSpaceSeparates() {
        assertThat(read("7 8\t9\r\n10\n\n\u000b11\f12")).containsExactly(7L, 8L, 9L, 10L, 11L, 12L);
        assertThat(read("")).isEmpty();
        assertThat(read(" \n ")).isEmpty();
        assertThat(read("007")).containsExactly(7L);
        assertThat(read("9223372036854775807")).containsExactly(Long.MAX_VALUE);
    }

    @Test
    void whatIsWrongIsNamedWithItsLine() {
        assertWrong("1 2\n3\nx y", 3,
                "stdin line 3: \"x\" is not a whole number: give whole numbers from 0 to 9223372036854775807");
        assertWrong("1\n-5", 1,
                "stdin line 2: number must be >= 0, was -5: give whole numbers from 0 to 9223372036854775807");
        assertWrong("9223372036854775808", 0,
                "stdin line 1: number must be <= 9223372036854775807, was 9223372036854775808:"
                        + " give whole numbers from 0 to 9223372036854775807");
        assertWrong("+5", 0,
                "stdin line 1: \"+5\" is not a whole number: give whole numbers from 0 to 9223372036854775807");
        assertWrong("1.0\n", 0,
                "stdin line 1: \"1.0\" is not a whole number: give whole numbers from 0 to 9223372036854775807");
        assertWrong("\u0001\u001b[31m", 0,
                "stdin line 1: \"??[31m\" is not a whole number: give whole numbers from 0 to 9223372036854775807");
        assertWrong("\u0665", 0,
                "stdin line 1: \"\u0665\" is not a whole number: give whole numbers from 0 to 9223372036854775807");
        assertWrong("5\n" + "0".repeat(1001), 1,
                "stdin line 2: a word of more than 1000 bytes is not a number: separate numbers by white space");
    }

    private static void assertWrong(String text, int before, String message) {
        NumberReader reader = reader(text);
        for (int i = 0; i < before; i++) {
            reader.next();
        }
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(reader::hasNext)
                .withMessage(message)
                .matches(e -> e.exitCode() == ExitCode.USAGE);
    }

    @Test
    void theEndIsTheEnd() {
        NumberReader reader = reader("1");
        reader.next();
        assertThat(reader.hasNext()).isFalse();
        assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(reader::next);
    }

    @Test
    void aStreamThatFailsIsNoBadUsage() {
        var broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("Input/output error");
            }
        };
        assertThatExceptionOfType(CommandException.class)
                .isThrownBy(() -> new NumberReader(broken).hasNext())
                .withMessage("stdin line 1: cannot be read: Input/output error")
                .matches(e -> e.exitCode() == ExitCode.TASKS_FAILED);
    }
}
