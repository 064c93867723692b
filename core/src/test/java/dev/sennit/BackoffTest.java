package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);
    private static final Duration ENDLESS = Duration.ofSeconds(Long.MAX_VALUE);
    private static final int[] NUMBERS = {1, 2, 3, 10, 40, 63, 64, 65, 100, 1_024, 10_000, Integer.MAX_VALUE};

    /** For those that draw nothing. */
    private static final RandomGenerator NO_RANDOM = () -> {
        throw new AssertionError("drawn");
    };

    private static Attempt attempt(int number) {
        return new Attempt(number, Duration.ZERO, null, new IllegalStateException());
    }

    private static Duration wait(Backoff backoff, int number) {
        return backoff.waitAfter(attempt(number), NO_RANDOM);
    }

    private static Duration wait(Backoff backoff, int number, long seed) {
        return backoff.waitAfter(attempt(number), new SplittableRandom(seed));
    }

    private static List<Long> millis(Backoff backoff, int waits) {
        List<Long> found = new ArrayList<>();
        for (int number = 1; number <= waits; number++) {
            found.add(wait(backoff, number).toMillis());
        }
        return found;
    }

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    // ---- each one ----

    @Test
    void noneAndFixed() {
        assertThat(millis(Backoff.none(), 3)).containsExactly(0L, 0L, 0L);
        assertThat(millis(Backoff.fixed(ms(7)), 3)).containsExactly(7L, 7L, 7L);
        assertThat(wait(Backoff.fixed(ENDLESS), 1)).isEqualTo(LONGEST);
    }

    @Test
    void incrementingGrowsByAStep() {
        assertThat(millis(Backoff.incrementing(ms(10), ms(5)), 4)).containsExactly(10L, 15L, 20L, 25L);
        assertThat(millis(Backoff.incrementing(ms(10), ms(0)), 2)).containsExactly(10L, 10L);
        assertThat(wait(Backoff.incrementing(ENDLESS, ENDLESS), 10_000)).isEqualTo(LONGEST);
        assertThat(wait(Backoff.incrementing(Duration.ZERO, Duration.ofNanos(3)), Integer.MAX_VALUE))
                .isEqualTo(Duration.ofNanos(3L * (Integer.MAX_VALUE - 1)));
        assertThat(wait(Backoff.incrementing(Duration.ofNanos(1), Duration.ofDays(365)), Integer.MAX_VALUE))
                .isEqualTo(LONGEST);
    }

    @Test
    void exponentialDoublesOrMultiplies() {
        assertThat(millis(Backoff.exponential(ms(100)), 5)).containsExactly(100L, 200L, 400L, 800L, 1_600L);
        assertThat(millis(Backoff.exponential(ms(100), 3), 4)).containsExactly(100L, 300L, 900L, 2_700L);
        assertThat(millis(Backoff.exponential(ms(100), 1.5), 3)).containsExactly(100L, 150L, 225L);
        assertThat(millis(Backoff.exponential(ms(100), 1), 3)).containsExactly(100L, 100L, 100L);
        assertThat(wait(Backoff.exponential(Duration.ofNanos(1)), 41)).isEqualTo(Duration.ofNanos(1L << 40));
    }

    @Test
    void exponentialHasAnEnd() {
        for (int number : new int[] {64, 1_000, 1_025, 10_000, Integer.MAX_VALUE}) {
            assertThat(wait(Backoff.exponential(ms(1)), number)).isEqualTo(LONGEST);
            assertThat(wait(Backoff.exponential(ms(1), Double.MAX_VALUE), number)).isEqualTo(LONGEST);
            assertThat(wait(Backoff.exponential(Duration.ZERO), number)).as("nothing doubled").isEqualTo(Duration.ZERO);
            assertThat(wait(Backoff.exponential(ms(1)).atMost(ms(50)), number)).isEqualTo(ms(50));
            assertThat(wait(Backoff.exponential(ms(1)).plus(Backoff.exponential(ms(1))), number)).isEqualTo(LONGEST);
        }
    }

    @Test
    void randomIsBetweenBothAndReachesBoth() {
        Backoff backoff = Backoff.random(Duration.ofNanos(3), Duration.ofNanos(5));
        Set<Long> seen = new HashSet<>();
        for (long seed = 0; seed < 200; seed++) {
            seen.add(wait(backoff, 1, seed).toNanos());
        }

        assertThat(seen).containsExactlyInAnyOrder(3L, 4L, 5L);
        assertThat(wait(Backoff.random(ms(4), ms(4)), 1, 1)).isEqualTo(ms(4));
        assertThat(wait(Backoff.random(ENDLESS, ENDLESS), 1, 1)).isEqualTo(LONGEST);
    }

    @Test
    void fullJitterIsUniformBetweenZeroAndTheWait() {
        Backoff backoff = Backoff.fixed(Duration.ofNanos(999)).fullJitter();
        var random = new SplittableRandom(42);
        int[] tenths = new int[10];
        for (int i = 0; i < 100_000; i++) {
            tenths[(int) (backoff.waitAfter(attempt(1), random).toNanos() / 100)]++;
        }

        assertThat(Arrays.stream(tenths).boxed()).as("ten standard deviations")
                .allMatch(count -> count > 9_000 && count < 11_000);
        assertThat(wait(Backoff.none().fullJitter(), 1, 1)).isEqualTo(Duration.ZERO);
        assertThat(wait(Backoff.fixed(ENDLESS).fullJitter(), 1, 1)).isBetween(Duration.ZERO, LONGEST);
    }

    @Test
    void plusJitterComesOnTop() {
        Backoff backoff = Backoff.fixed(ms(10)).plusJitter(ms(5));
        for (long seed = 0; seed < 100; seed++) {
            assertThat(wait(backoff, 1, seed)).isBetween(ms(10), ms(15));
        }
        assertThat(wait(Backoff.fixed(ENDLESS).plusJitter(ENDLESS), 1, 1)).isEqualTo(LONGEST);
    }

    @Test
    void aChainEndsWithItsLast() {
        Backoff chain = Backoff.chain(Backoff.none(), Backoff.fixed(ms(5)), Backoff.incrementing(ms(100), ms(10)));

        assertThat(millis(chain, 5)).as("each is told the number within the call").containsExactly(0L, 5L, 120L, 130L,
                140L);
        assertThat(wait(chain, Integer.MAX_VALUE)).isPositive();
    }

    @Test
    void aChainKeepsACopy() {
        Backoff[] links = {Backoff.fixed(ms(1))};
        Backoff chain = Backoff.chain(links);
        links[0] = Backoff.fixed(ms(2));

        assertThat(millis(chain, 1)).containsExactly(1L);
    }

    @Test
    void oneOfYourOwnMayLookAtTheAttemptAndReturnAnything() {
        Backoff own = (last, random) -> last.number() == 1 ? ms(-5) : ENDLESS;

        for (Backoff backoff : List.of(own.atMost(LONGEST), own.plus(Backoff.none()), own.atMost(ENDLESS))) {
            assertThat(wait(backoff, 1)).isEqualTo(Duration.ZERO);
            assertThat(wait(backoff, 2)).isEqualTo(LONGEST);
        }
    }

    @Test
    void theSameSeedGivesTheSameWaits() {
        Backoff backoff = Backoff.exponential(ms(10)).fullJitter().plusJitter(ms(3)).plus(Backoff.random(ms(1), ms(9)));

        assertThat(wait(backoff, 5, 7)).isEqualTo(wait(backoff, 5, 7)).isNotEqualTo(wait(backoff, 5, 8));
    }

    @Test
    void nonsenseIsRefused() {
        Duration negative = Duration.ofSeconds(-1);

        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.fixed(negative))
                .withMessage("wait must be >= 0, was PT-1S");
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.random(negative, ms(1)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Backoff.random(ms(2), ms(1)))
                .withMessage("most must be >= least, was PT0.001S and PT0.002S");
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.incrementing(negative, ms(1)));
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.incrementing(ms(1), negative));
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.exponential(negative));
        for (double factor : new double[] {0.99, 0, -2, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Backoff.exponential(ms(1), factor))
                    .withMessage("factor must be >= 1 and finite, was " + factor);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.none().atMost(negative));
        assertThatIllegalArgumentException().isThrownBy(() -> Backoff.none().plusJitter(negative));
        assertThatIllegalArgumentException().isThrownBy(Backoff::chain).withMessage("backoffs must not be empty");
        assertThatNullPointerException().isThrownBy(() -> Backoff.fixed(null)).withMessage("wait");
        assertThatNullPointerException().isThrownBy(() -> Backoff.none().plus(null)).withMessage("other");
        assertThatNullPointerException().isThrownBy(() -> Backoff.chain(Backoff.none(), null));
    }

    // ---- laws ----

    private static Duration anyDuration(RandomGenerator from) {
        return switch (from.nextInt(8)) {
            case 0 -> Duration.ZERO;
            case 1 -> LONGEST;
            case 2 -> ENDLESS;
            default -> Duration.ofNanos(from.nextLong(1L << from.nextInt(1, 63)));
        };
    }

    /** Without random parts if {@code random} is false. */
    private static Backoff any(RandomGenerator from, int depth, boolean random) {
        return switch (from.nextInt(depth == 0 ? 4 : random ? 10 : 7)) {
            case 0 -> Backoff.none();
            case 1 -> Backoff.fixed(anyDuration(from));
            case 2 -> Backoff.incrementing(anyDuration(from), anyDuration(from));
            case 3 -> Backoff.exponential(anyDuration(from), 1 + from.nextDouble(10));
            case 4 -> any(from, depth - 1, random).atMost(anyDuration(from));
            case 5 -> any(from, depth - 1, random).plus(any(from, depth - 1, random));
            case 6 -> Backoff.chain(any(from, depth - 1, random), any(from, depth - 1, random));
            case 7 -> any(from, depth - 1, true).fullJitter();
            case 8 -> any(from, depth - 1, true).plusJitter(anyDuration(from));
            default -> Backoff.random(Duration.ZERO, anyDuration(from));
        };
    }

    @Test
    void noWaitIsNegativeOrTooLong() {
        Seeded.repeat(500, random -> {
            Backoff backoff = any(random.generator(), 4, true);
            for (int number : NUMBERS) {
                assertThat(backoff.waitAfter(attempt(number), random.generator())).isBetween(Duration.ZERO, LONGEST);
            }
        });
    }

    @Test
    void theLawsOfAlgebraHold() {
        Seeded.repeat(500, random -> {
            RandomGenerator from = random.generator();
            Backoff a = any(from, 3, false);
            Backoff b = any(from, 3, false);
            Backoff c = any(from, 3, false);
            Duration cap = anyDuration(from);
            Duration other = anyDuration(from);
            Duration less = cap.compareTo(other) < 0 ? cap : other;
            for (int number : NUMBERS) {
                assertThat(wait(a.plus(b), number)).isEqualTo(wait(b.plus(a), number));
                assertThat(wait(a.plus(b).plus(c), number)).isEqualTo(wait(a.plus(b.plus(c)), number));
                assertThat(wait(a.plus(Backoff.none()), number)).isEqualTo(wait(a, number));
                assertThat(wait(a.plus(b), number)).isGreaterThanOrEqualTo(wait(a, number));
                assertThat(wait(a.atMost(cap), number)).isLessThanOrEqualTo(cap).isLessThanOrEqualTo(wait(a, number));
                assertThat(wait(a.atMost(cap).atMost(other), number)).isEqualTo(wait(a.atMost(less), number));
                assertThat(wait(a.atMost(LONGEST), number)).isEqualTo(wait(a, number));
                assertThat(wait(Backoff.chain(a), number)).isEqualTo(wait(a, number));
                assertThat(wait(Backoff.chain(a, b), number)).isEqualTo(wait(number == 1 ? a : b, number));
                assertThat(a.fullJitter().waitAfter(attempt(number), from)).isBetween(Duration.ZERO, wait(a, number));
                assertThat(a.plusJitter(cap).waitAfter(attempt(number), from))
                        .isBetween(wait(a, number), wait(a.plus(Backoff.fixed(cap)), number));
            }
        });
    }

    @Test
    void growingOnesNeverShrink() {
        Seeded.repeat(300, random -> {
            RandomGenerator from = random.generator();
            for (Backoff backoff : List.of(
                    Backoff.exponential(anyDuration(from), 1 + from.nextDouble(3)),
                    Backoff.incrementing(anyDuration(from), anyDuration(from)))) {
                Duration before = Duration.ZERO;
                for (int number : NUMBERS) {
                    assertThat(wait(backoff, number)).isGreaterThanOrEqualTo(before);
                    before = wait(backoff, number);
                }
            }
        });
    }
}
