package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {
    private static final List<String> KINDS = List.of("inline", "threads", "virtual", "processes");

    @ParameterizedTest
    @CsvSource({"thread,threads", "treads,threads", "thraeds,threads", "process,processes", "procceses,processes",
        "v,virtual", "in,inline"})
    void findsTheWordThatWasMeant(String word, String meant) {
        assertThat(Nearest.to(word, KINDS)).contains(meant);
    }

    @ParameterizedTest
    @CsvSource({"coroutines", "xyz", "''", "redis"})
    void findsNothingWhenNothingIsNear(String word) {
        assertThat(Nearest.to(word, KINDS)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"kitten,sitting,3", "'',abc,3", "abc,'',3", "abc,abc,0"})
    void countsEdits(String from, String to, int edits) {
        assertThat(Nearest.edits(from, to)).isEqualTo(edits);
    }

    @Test
    void findsNothingAmongNothing() {
        assertThat(Nearest.to("threads", List.of())).isEmpty();
    }
}
