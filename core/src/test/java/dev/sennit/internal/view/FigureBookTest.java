package dev.sennit.internal.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.internal.view.FigureBook.Totals;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The figures of processes, and their sums. */
class FigureBookTest {
    private final FigureBook book = new FigureBook();

    private static WorkerFigures figures(long done, long busy) {
        return new WorkerFigures(Map.of("done", done), Map.of("busy", busy));
    }

    @Test
    void sumsStayAndGaugesGoWithTheirProcess() {
        FigureBook.Page one = book.open("web", 1);
        FigureBook.Page two = book.open("web", 1);
        FigureBook.Page next = book.open("web", 2);
        one.set(figures(5, 1));
        two.set(figures(7, 2));
        next.set(figures(1, 4));
        book.died("web", 1, "signal");
        assertThat(book.totals()).containsExactly(
                new Totals("web", 1, Map.of("done", 12L), Map.of("busy", 3L), Map.of("signal", 1L)),
                new Totals("web", 2, Map.of("done", 1L), Map.of("busy", 4L), Map.of()));
        one.end();
        one.end();
        one.set(figures(100, 100));
        two.set(figures(8, 0));
        assertThat(book.totals().getFirst())
                .isEqualTo(new Totals("web", 1, Map.of("done", 13L), Map.of("busy", 0L), Map.of("signal", 1L)));
        two.end();
        assertThat(book.totals().getFirst().sums()).isEqualTo(Map.of("done", 13L));
        assertThat(book.totals().getFirst().gauges()).isEmpty();
        book.forget("web");
        assertThat(book.totals()).isEmpty();
    }

    @Test
    void aSumDoesNotFall() {
        FigureBook.Page page = book.open("web", 1);
        page.set(figures(5, 1));
        page.set(figures(3, 0));
        page.set(WorkerFigures.NONE);
        assertThat(book.totals().getFirst().sums()).isEqualTo(Map.of("done", 5L));
    }

    @Test
    void fewGenerationsWithoutProcessesAreKept() {
        FigureBook.Page first = book.open("web", 1);
        for (long generation = 2; generation <= 50; generation++) {
            book.open("web", generation).end();
        }
        assertThat(book.totals()).extracting(Totals::generation).as("that which still has one, and some")
                .startsWith(1L).endsWith(49L, 50L).hasSizeLessThan(7);
        first.end();
        book.open("web", 51).end();
        book.open("web", 52).end();
        assertThat(book.totals()).extracting(Totals::generation).doesNotContain(1L);
    }

    // ---- as bytes ----

    @Test
    void bytesAreReadAsTheyWereWritten() {
        WorkerFigures all = new WorkerFigures(Map.of("a.b_1", 0L, "c", Long.MAX_VALUE), Map.of("d", 3L));
        assertThat(WorkerFigures.read(all.bytes(), 0)).isEqualTo(all);
        assertThat(WorkerFigures.read(WorkerFigures.NONE.bytes(), 0)).isEqualTo(WorkerFigures.NONE);
        Map<String, Long> most = new TreeMap<>();
        for (int i = 0; i < WorkerFigures.MOST; i++) {
            most.put("x".repeat(57) + (100 + i), Long.MAX_VALUE);
        }
        assertThat(new WorkerFigures(most, Map.of()).bytes()).as("fit into a note").hasSizeLessThan(64 << 10);
        most.put("y", 1L);
        assertThatThrownBy(() -> new WorkerFigures(most, Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("figures must be at most 500, was 501");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "x", "s a", "s a -1", "s a 1 2", "s A 1", "t a 1", "s a 99999999999999999999", "s a 9999999999999999999", "s  1"
    })
    void otherBytesAreNone(String text) {
        assertThat(WorkerFigures.read(text.getBytes(StandardCharsets.US_ASCII), 0)).isNull();
    }

    @Test
    void namesAndValuesAreChecked() {
        assertThatThrownBy(() -> new WorkerFigures(Map.of("a b", 1L), Map.of()))
                .hasMessage("figure must have a name of a-z, 0-9, . and _ (60 at most), was \"a b\"");
        assertThatThrownBy(() -> new WorkerFigures(Map.of(), Map.of("a", -1L)))
                .hasMessage("figure a must be >= 0, was -1");
    }
}
