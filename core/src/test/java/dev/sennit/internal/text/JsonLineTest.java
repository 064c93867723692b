package dev.sennit.internal.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLineTest {
    private static String json(Object value) {
        String line = new JsonLine().put("v", value).toString();
        return line.substring("{\"v\":".length(), line.length() - 1);
    }

    @Test
    void membersKeepTheirOrder() {
        assertThat(new JsonLine().put("b", 1).put("a", true).put("c", null))
                .hasToString("{\"b\":1,\"a\":true,\"c\":null}");
        assertThat(new JsonLine()).hasToString("{}");
    }

    @Test
    void numbers() {
        assertThat(json(Long.MAX_VALUE)).isEqualTo("9223372036854775807");
        assertThat(json(-7)).isEqualTo("-7");
        assertThat(json(0.25)).isEqualTo("0.25");
        assertThat(json(1e-7)).isEqualTo("1.0E-7");
        assertThat(json(BigDecimal.valueOf(1, 9))).isEqualTo("0.000000001");
        assertThat(json(Double.NaN)).isEqualTo("null");
        assertThat(json(Double.NEGATIVE_INFINITY)).isEqualTo("null");
    }

    @Test
    void stringsAreEscaped() {
        assertThat(json("plain")).isEqualTo("\"plain\"");
        assertThat(json("say \"no\" to \\")).isEqualTo("\"say \\\"no\\\" to \\\\\"");
        assertThat(json("a\nb\rc\td")).isEqualTo("\"a\\nb\\rc\\td\"");
        assertThat(json("\u0000\u001f\u007f")).isEqualTo("\"\\u0000\\u001f\\u007f\"");
        assertThat(json("Zürich \u2192 \ud83d\ude00")).isEqualTo("\"Zürich \u2192 \ud83d\ude00\"");
        assertThat(new JsonLine().put("a\"b", 1)).hasToString("{\"a\\\"b\":1}");
    }

    @ParameterizedTest
    @CsvSource({"\ud83d, \\ud83d", "\ude00, \\ude00"})
    void halfACharacterIsEscaped(String half, String escaped) {
        assertThat(json(half)).isEqualTo("\"" + escaped + "\"");
        assertThat(json(half + "x")).isEqualTo("\"" + escaped + "x\"");
    }

    @Test
    void collections() {
        assertThat(json(List.of())).isEqualTo("[]");
        assertThat(json(Arrays.asList(1, "b", null, List.of(true)))).isEqualTo("[1,\"b\",null,[true]]");
    }

    @Test
    void objects() {
        assertThat(json(new JsonLine().put("a", 1))).isEqualTo("{\"a\":1}");
    }

    @Test
    void othersAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> json(new Object()))
                .withMessage("no JSON for class java.lang.Object");
    }
}
