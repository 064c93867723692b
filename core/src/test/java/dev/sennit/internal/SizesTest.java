package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0 bytes",
        "1023, 1023 bytes",
        "1024, 1 KB",
        "1536, 1.5 KB",
        "268435456, 256 MB",
        "1073741823, 1024 MB",
        "1073741824, 1 GB",
        "1288490189, 1.2 GB",
        "9223372036854775807, 8589934592 GB"
    })
    void asPeopleReadThem(long bytes, String text) {
        assertThat(Sizes.text(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1", "4096, 4096", "64k, 65536", "64K, 65536", "256m, 268435456", "2G, 2147483648",
        "8589934591g, 9223372035781033984"
    })
    void asPlansWriteThem(String text, long bytes) {
        assertThat(Sizes.parse("heap", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0m", "-1", "1.5g", "1t", "m", "1 m", "8589934592g", "9999999999999999g",
        "12345678901234567"})
    void whatIsNoneIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Sizes.parse("heap", text))
                .withMessage("heap must be a size such as 256m or 2g, was \"" + text + "\"");
    }
}
