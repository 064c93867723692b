package dev.sennit.server.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What a server counts, and when it tells it. */
class TrafficFiguresTest {
    @Test
    void requestsAreCountedByStatusAndTime() {
        TrafficFigures figures = new TrafficFigures();
        assertThat(figures.sums()).isEmpty();
        for (int i = 0; i < 5; i++) {
            figures.began();
        }
        assertThat(figures.inFlight()).isEqualTo(5);
        figures.ended(200, 10, 1_000_000, 1_000_000, true);
        figures.ended(204, 0, 0, 1_001_000, true);
        figures.ended(503, 5, 0, 3_600_000_000_000L, false);
        figures.ended(0, 0, 0, -5, true);
        assertThat(figures.inFlight()).isEqualTo(1);
        assertThat(figures.sums()).isEqualTo(Map.of(
                "http.time.2xx.1000", 1L, "http.time.2xx.2500", 1L, "http.time.2xx.micros", 2001L,
                "http.time.5xx.inf", 1L, "http.time.5xx.micros", 3_600_000_000L, "http.time.none.1000", 1L,
                "http.queue.1000", 4L, "http.queue.micros", 1000L, "http.bytes", 15L, "http.cut", 1L));
    }

    @Test
    void figuresThatWereNotTakenAreToldAgain() {
        List<Long> told = new ArrayList<>();
        AtomicBoolean isFull = new AtomicBoolean(true);
        FigureTeller teller = new FigureTeller((sums, _) -> !isFull.get() && told.add(sums.get("a")),
                () -> new FigureTeller.Figures(Map.of("a", 1L), Map.of()));
        long now = System.nanoTime();
        teller.tellIfDue(now);
        assertThat(told).isEmpty();
        isFull.set(false);
        teller.tellIfDue(now + TimeUnit.MILLISECONDS.toNanos(1000));
        teller.tellIfDue(now + TimeUnit.MILLISECONDS.toNanos(2000));
        assertThat(told).containsExactly(1L);
    }

    @Test
    void figuresAreToldOnceASecondAndOnlyIfTheyHaveChanged() {
        List<Map<String, Long>> told = new ArrayList<>();
        Map<String, Long> sums = new HashMap<>(Map.of("a", 1L));
        FigureTeller teller = new FigureTeller(
                (toldSums, _) -> told.add(toldSums), () -> new FigureTeller.Figures(Map.copyOf(sums), Map.of()));
        long now = System.nanoTime();
        teller.tellIfDue(now);
        sums.put("a", 2L);
        teller.tellIfDue(now + TimeUnit.MILLISECONDS.toNanos(999));
        assertThat(told).containsExactly(Map.of("a", 1L));
        teller.tellIfDue(now + TimeUnit.MILLISECONDS.toNanos(1000));
        teller.tellIfDue(now + TimeUnit.MILLISECONDS.toNanos(2000));
        teller.tell();
        assertThat(told).containsExactly(Map.of("a", 1L), Map.of("a", 2L));
        sums.put("a", 3L);
        teller.tell();
        assertThat(told).hasSize(3);
    }
}
