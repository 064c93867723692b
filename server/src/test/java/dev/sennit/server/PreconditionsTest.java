package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The conditions of RFC 9110, section 13, in the order of 13.2.2. */
class PreconditionsTest {
    private static final Instant NOON = Instant.parse("2026-01-01T12:00:00.900Z");
    private static final String AT_NOON = "Thu, 01 Jan 2026 12:00:00 GMT";
    private static final String BEFORE = "Thu, 01 Jan 2026 11:59:59 GMT";
    private static final ResourceVersion STRONG = ResourceVersion.of(ETag.strong("a"), NOON);
    private static final ResourceVersion WEAK = ResourceVersion.of(ETag.weak("a"), NOON);

    private static Preconditions of(String method, String... fields) {
        Map<String, List<String>> all = new HashMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            all.computeIfAbsent(fields[i], _ -> new ArrayList<>()).add(fields[i + 1]);
        }
        return Preconditions.of(method, name -> all.getOrDefault(name, List.of()));
    }

    private static int status(Preconditions conditions, ResourceVersion current) {
        return conditions.evaluate(Optional.ofNullable(current)).orElse(200);
    }

    // single quotes are the quotes of tags here
    @ParameterizedTest
    @CsvSource(quoteCharacter = '^', delimiter = '|', value = {
        "GET | If-None-Match | 'a'            | 304 | 304 | 200",
        "HEAD| If-None-Match | 'b', W/'a'     | 304 | 304 | 200",
        "GET | If-None-Match | 'b'            | 200 | 200 | 200",
        "GET | If-None-Match | *              | 304 | 304 | 200",
        "GET | If-None-Match | a              | 200 | 200 | 200",
        "GET | If-None-Match | 'b' oops, 'a'  | 200 | 200 | 200",
        "PUT | If-None-Match | *              | 412 | 412 | 200",
        "PUT | If-None-Match | 'a'            | 412 | 412 | 200",
        "PUT | If-None-Match | 'b'            | 200 | 200 | 200",
        "PUT | If-Match      | 'a'            | 200 | 412 | 412",
        "PUT | If-Match      | 'b' , 'a'      | 200 | 412 | 412",
        "PUT | If-Match      | W/'a'          | 412 | 412 | 412",
        "PUT | If-Match      | 'b'            | 412 | 412 | 412",
        "PUT | If-Match      | *              | 200 | 200 | 412",
        "PUT | If-Match      | nonsense       | 412 | 412 | 412",
        "GET | If-Match      | 'b'            | 412 | 412 | 412",
        "DELETE | If-Match   | 'a'            | 200 | 412 | 412",
    })
    void tags(String method, String name, String value, int strong, int weak, int none) {
        Preconditions conditions = of(method, name, value.replace('\'', '"'));
        assertThat(status(conditions, STRONG)).isEqualTo(strong);
        assertThat(status(conditions, WEAK)).isEqualTo(weak);
        assertThat(status(conditions, null)).isEqualTo(none);
    }

    @Test
    void timesHaveWholeSecondsAndCountOnlyWhereOneIsKnown() {
        ResourceVersion timeless = ResourceVersion.of(ETag.strong("a"));
        assertThat(status(of("GET", "If-Modified-Since", AT_NOON), STRONG)).isEqualTo(304);
        assertThat(status(of("GET", "If-Modified-Since", BEFORE), STRONG)).isEqualTo(200);
        assertThat(status(of("GET", "If-Modified-Since", AT_NOON), timeless)).isEqualTo(200);
        assertThat(status(of("PUT", "If-Modified-Since", AT_NOON), STRONG)).isEqualTo(200);
        assertThat(status(of("GET", "If-Modified-Since", "yesterday"), STRONG)).isEqualTo(200);
        assertThat(status(of("GET", "If-Modified-Since", AT_NOON, "If-Modified-Since", AT_NOON), STRONG))
                .isEqualTo(200);
        assertThat(status(of("PUT", "If-Unmodified-Since", AT_NOON), STRONG)).isEqualTo(200);
        assertThat(status(of("PUT", "If-Unmodified-Since", BEFORE), STRONG)).isEqualTo(412);
        assertThat(status(of("PUT", "If-Unmodified-Since", BEFORE), timeless)).isEqualTo(200);
        assertThat(status(of("GET", "If-Modified-Since", "Thursday, 01-Jan-26 12:00:00 GMT"), STRONG)).isEqualTo(304);
        assertThat(status(of("GET", "If-Modified-Since", "Thu Jan  1 12:00:00 2026"), STRONG)).isEqualTo(304);
    }

    @Test
    void tagsGoBeforeTimes() {
        assertThat(status(of("GET", "If-None-Match", "\"b\"", "If-Modified-Since", AT_NOON), STRONG)).isEqualTo(200);
        assertThat(status(of("PUT", "If-Match", "\"a\"", "If-Unmodified-Since", BEFORE), STRONG)).isEqualTo(200);
        // If-Match goes before If-None-Match, and both count
        assertThat(status(of("GET", "If-Match", "\"b\"", "If-None-Match", "\"a\""), STRONG)).isEqualTo(412);
        assertThat(status(of("GET", "If-Match", "\"a\"", "If-None-Match", "\"a\""), STRONG)).isEqualTo(304);
        assertThat(status(of("GET", "If-None-Match", "\"b\"", "If-None-Match", "\"a\""), STRONG)).isEqualTo(304);
        assertThat(of("GET").evaluate(Optional.of(STRONG))).isEqualTo(OptionalInt.empty());
    }

    @Test
    void aRangeCountsForTheSameVersionOnly() {
        assertThat(of("GET").allowsRange(STRONG)).isTrue();
        assertThat(of("GET", "If-Range", "\"a\"").allowsRange(STRONG)).isTrue();
        assertThat(of("GET", "If-Range", "\"b\"").allowsRange(STRONG)).isFalse();
        assertThat(of("GET", "If-Range", "W/\"a\"").allowsRange(WEAK)).isFalse();
        assertThat(of("GET", "If-Range", AT_NOON).allowsRange(STRONG)).isTrue();
        assertThat(of("GET", "If-Range", BEFORE).allowsRange(STRONG)).isFalse();
        assertThat(of("GET", "If-Range", "nonsense").allowsRange(STRONG)).isFalse();
    }

    @Test
    void tagsAreCheckedAndMadeOfBodies() {
        for (String wrong : List.of("a\"b", "a b", "a\r\n", "\u0100")) {
            assertThatIllegalArgumentException().as(wrong).isThrownBy(() -> ETag.strong(wrong));
        }
        assertThat(ETag.weak("7")).hasToString("W/\"7\"");
        assertThat(ETag.of(new byte[] {1})).isEqualTo(ETag.of(new byte[] {1})).isNotEqualTo(ETag.of(new byte[] {2}));
        assertThat(ETag.list(" \"a\",W/\"b\" ,, \"\"")).extracting(ETag::toString)
                .containsExactly("\"a\"", "W/\"b\"", "\"\"");
        assertThat(ETag.list("\"a\", \"b")).containsExactly(ETag.strong("a"));
        assertThat(Preconditions.date(NOON)).isEqualTo(AT_NOON);
        assertThat(of("PUT", "If-Match", "*").namesVersion()).isTrue();
        assertThat(of("PUT", "If-Unmodified-Since", "never").namesVersion()).isFalse();
        assertThat(of("PUT", "If-Match", "\"a\"")).hasToString("PUT If-Match: \"a\"");
    }
}
