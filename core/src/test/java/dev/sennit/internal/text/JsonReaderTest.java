package dev.sennit.internal.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {
    @Test
    void valuesAreRead() {
        assertThat(JsonReader.read(" {\"a\": [1, -2.5e1, true, false, null, {}], \"b\":\"\"} ")).isEqualTo(Map.of(
                "a",
                Arrays.asList(BigDecimal.ONE, new BigDecimal("-2.5e1"), true, false, null, Map.of()),
                "b", ""));
        assertThat(JsonReader.read("[]")).isEqualTo(List.of());
        assertThat(JsonReader.read("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\\ud83d\\ude00\"")).isEqualTo(
                "\"\\/\b\f\n\r\tü\ud83d\ude00");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "plain", "say \"no\" to \\", "a\nb\rc\td\u0000\u001f\u007f", "\ud83d", "\ude00x", "→😀"})
    void whatIsWrittenIsReadBack(String text) {
        assertThat(JsonReader.read(new JsonLine().put(text, text).toString())).isEqualTo(Map.of(text, text));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", " ", "{", "[", "\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "{a:1}", "01", "+1", "1.", ".5",
        "1e", "1e1000", "nul", "truer", "NaN", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\nb\"", "{} {}",
        "{\"a\":1,\"a\":2}", "'a'", "--1"
    })
    void whatIsNoJsonIsRefused(String text) {
        assertThatThrownBy(() -> JsonReader.read(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("no JSON: ");
    }

    @Test
    void depthAndNumbersAreBounded() {
        assertThatThrownBy(() -> JsonReader.read("[".repeat(100_000))).hasMessageContaining("too deep");
        assertThatThrownBy(() -> JsonReader.read("1".repeat(1_000_000))).hasMessageContaining("no value");
    }
}
