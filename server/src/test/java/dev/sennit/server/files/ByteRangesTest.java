package dev.sennit.server.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.server.files.ByteRanges.Part;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The field Range, by RFC 9110, section 14. */
class ByteRangesTest {
    private static List<Part> parts(String field, long size) {
        ByteRanges ranges = ByteRanges.parse(field, size);
        assertThat(ranges.isWhole()).as(field).isFalse();
        return ranges.parts();
    }

    @Test
    void partsThatExist() {
        assertThat(parts("bytes=0-0", 10)).containsExactly(new Part(0, 1));
        assertThat(parts("bytes=2-5", 10)).containsExactly(new Part(2, 4));
        assertThat(parts("BYTES=9-", 10)).containsExactly(new Part(9, 1));
        assertThat(parts("bytes=8-99999999999999999999999", 10)).containsExactly(new Part(8, 2));
        assertThat(parts("bytes=-3", 10)).containsExactly(new Part(7, 3));
        assertThat(parts("bytes=-9223372036854775808", 10)).containsExactly(new Part(0, 10));
        assertThat(parts("bytes=000000000000000000000001-2", 10)).containsExactly(new Part(1, 2));
        assertThat(parts("bytes= 5-6 ,, 0-1 ,\t-1", 10))
                .containsExactly(new Part(5, 2), new Part(0, 2), new Part(9, 1));
        assertThat(parts("bytes=0-1,50-60", 10)).containsExactly(new Part(0, 2));
        assertThat(new Part(2, 4).of(10)).isEqualTo("bytes 2-5/10");
    }

    @Test
    void partsThatDoNotExist() {
        for (String field : List.of("bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-",
                "bytes=-0,77-")) {
            assertThat(parts(field, 10)).as(field).isEmpty();
        }
        assertThat(parts("bytes=0-", 0)).isEmpty();
        assertThat(parts("bytes=-5", 0)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5", "bytes=5-2", "bytes=a-b", "bytes=1-2,x", "bytes=1--2",
        "bytes=+1-2", "bytes=0x1-2", "bytes=1 -2", "items=1-2", "bytes =1-2", "bytes=\u0661-2", "bytes=0-,0-",
        "bytes=0-9,0-0"})
    void whatIsPassedOver(String field) {
        assertThat(ByteRanges.parse(field, 10).isWhole()).isTrue();
    }

    @Test
    void tooManyPartsArePassedOver() {
        assertThat(ByteRanges.parse(null, 10).isWhole()).isTrue();
        String most = "bytes=" + String.join(",", Collections.nCopies(ByteRanges.MOST, "1-1"));
        assertThat(parts(most, 100)).hasSize(ByteRanges.MOST);
        assertThat(ByteRanges.parse(most + ",2-2", 100).isWhole()).isTrue();
        assertThat(ByteRanges.parse("bytes=" + "200-,".repeat(100_000) + "1-1", 100).isWhole()).isTrue();
    }
}
