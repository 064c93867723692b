package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class StopTest {
    private static final Duration ENDLESS = Duration.ofSeconds(Long.MAX_VALUE);

    private static Attempt attempt(int number) {
        return new Attempt(number, Duration.ZERO, null, new IllegalStateException());
    }

    private static boolean stops(Stop stop, int number, long elapsedMillis, long waitMillis) {
        return stop.stops(attempt(number), Duration.ofMillis(elapsedMillis), Duration.ofMillis(waitMillis));
    }

    @Test
    void attemptsAreCounted() {
        Stop stop = Stop.afterAttempts(3);

        assertThat(stops(stop, 2, 9_999, 9_999)).isFalse();
        assertThat(stops(stop, 3, 0, 0)).isTrue();
        assertThat(stops(stop, Integer.MAX_VALUE, 0, 0)).isTrue();
        assertThat(stops(Stop.afterAttempts(Integer.MAX_VALUE), Integer.MAX_VALUE - 1, 0, 0)).isFalse();
    }

    @Test
    void afterTimeLooksBack() {
        Stop stop = Stop.afterTime(Duration.ofMillis(100));

        assertThat(stops(stop, 50, 99, 1_000)).isFalse();
        assertThat(stops(stop, 1, 100, 0)).isTrue();
        assertThat(stops(Stop.afterTime(Duration.ZERO), 1, 0, 0)).as("no time, one attempt").isTrue();
        assertThat(Stop.afterTime(ENDLESS).stops(attempt(1), Duration.ofNanos(Long.MAX_VALUE), ENDLESS)).isFalse();
    }

    @Test
    void beforeTimeLooksAhead() {
        Stop stop = Stop.beforeTime(Duration.ofMillis(100));

        assertThat(stops(stop, 1, 60, 39)).isFalse();
        assertThat(stops(stop, 1, 60, 40)).isTrue();
        assertThat(stops(stop, 1, 100, 0)).isTrue();
        assertThat(stops(stop, 1, 5_000, 0)).isTrue();
        assertThat(stop.stops(attempt(1), Duration.ZERO, ENDLESS)).isTrue();
        assertThat(Stop.beforeTime(ENDLESS).stops(attempt(1), Duration.ofNanos(Long.MAX_VALUE), Duration.ZERO))
                .isFalse();
    }

    @Test
    void aFlagCanStopIt() {
        var flag = new AtomicBoolean();
        Stop stop = Stop.when(flag::get);

        assertThat(stops(stop, 1, 0, 0)).isFalse();
        flag.set(true);
        assertThat(stops(stop, 1, 0, 0)).isTrue();
    }

    @Test
    void neverIsNever() {
        assertThat(Stop.never().stops(attempt(Integer.MAX_VALUE), ENDLESS, ENDLESS)).isFalse();
    }

    @Test
    void theOtherIsNotAskedInVain() {
        Stop broken = Stop.when(() -> {
            throw new AssertionError("asked");
        });

        assertThat(stops(Stop.afterAttempts(1).or(broken), 1, 0, 0)).isTrue();
        assertThat(stops(Stop.never().and(broken), 1, 0, 0)).isFalse();
        assertThatThrownBy(() -> stops(Stop.never().or(broken), 1, 0, 0)).hasMessage("asked");
    }

    @Test
    void theTimeIsReadOnlyForThoseThatLookAtIt() {
        Stop time = Stop.afterTime(Duration.ZERO);
        Stop own = (last, elapsed, nextWait) -> false;

        assertThat(List.of(Stop.afterAttempts(1), Stop.never(), Stop.when(() -> true),
                Stop.never().or(Stop.afterAttempts(2)),
                Stop.never().and(Stop.never())))
                .allMatch(TimelessStop.class::isInstance);
        assertThat(List.of(time, own, Stop.beforeTime(Duration.ZERO), time.or(Stop.never()), Stop.never().or(time),
                own.and(Stop.never()), Stop.never().and(own)))
                .noneMatch(TimelessStop.class::isInstance);
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Stop.afterAttempts(0))
                .withMessage("attempts must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Stop.afterTime(Duration.ofSeconds(-1)))
                .withMessage("limit must be >= 0, was PT-1S");
        assertThatIllegalArgumentException().isThrownBy(() -> Stop.beforeTime(Duration.ofSeconds(-1)));
        assertThatNullPointerException().isThrownBy(() -> Stop.afterTime(null)).withMessage("limit");
        assertThatNullPointerException().isThrownBy(() -> Stop.when(null)).withMessage("condition");
        assertThatNullPointerException().isThrownBy(() -> Stop.never().or(null)).withMessage("other");
        assertThatNullPointerException().isThrownBy(() -> Stop.never().and(null)).withMessage("other");
    }

    // ---- laws ----

    private static Stop any(Seeded random, int depth) {
        RandomGenerator from = random.generator();
        return switch (from.nextInt(depth == 0 ? 4 : 6)) {
            case 0 -> Stop.afterAttempts(1 + from.nextInt(5));
            case 1 -> Stop.afterTime(Duration.ofMillis(from.nextInt(5)));
            case 2 -> Stop.beforeTime(Duration.ofMillis(from.nextInt(5)));
            case 3 -> Stop.never();
            case 4 -> any(random, depth - 1).or(any(random, depth - 1));
            default -> any(random, depth - 1).and(any(random, depth - 1));
        };
    }

    @Test
    void theLawsOfAlgebraHold() {
        Seeded.repeat(500, random -> {
            Stop a = any(random, 3);
            Stop b = any(random, 3);
            Stop c = any(random, 3);
            RandomGenerator from = random.generator();
            int number = 1 + from.nextInt(6);
            long elapsed = from.nextInt(6);
            long wait = from.nextInt(6);
            boolean isA = stops(a, number, elapsed, wait);
            boolean isB = stops(b, number, elapsed, wait);
            record Pair(Stop one, Stop same) {}

            assertThat(stops(a.or(b), number, elapsed, wait)).isEqualTo(isA || isB);
            assertThat(stops(a.and(b), number, elapsed, wait)).isEqualTo(isA && isB);
            assertThat(List.of(
                    new Pair(a.or(b), b.or(a)),
                    new Pair(a.and(b), b.and(a)),
                    new Pair(a.or(b).or(c), a.or(b.or(c))),
                    new Pair(a.and(b).and(c), a.and(b.and(c))),
                    new Pair(a.and(b.or(c)), a.and(b).or(a.and(c))),
                    new Pair(a.or(b.and(c)), a.or(b).and(a.or(c))),
                    new Pair(a.or(a.and(b)), a),
                    new Pair(a.or(Stop.never()), a),
                    new Pair(a.and(Stop.never()), Stop.never())))
                    .allMatch(pair -> stops(pair.one(), number, elapsed, wait)
                            == stops(pair.same(), number, elapsed, wait));
            if (a instanceof TimelessStop) {
                assertThat(stops(a, number, from.nextInt(6), from.nextInt(6))).isEqualTo(isA);
            }
        });
    }
}
