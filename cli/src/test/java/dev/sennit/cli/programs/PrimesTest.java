package dev.sennit.cli.programs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrimesTest {
    private static final int CERTAINTY = 60;
    private static final long LARGEST_ROOT = 3_037_000_499L;

    private static boolean isProbablePrime(long n) {
        return n >= 0 && BigInteger.valueOf(n).isProbablePrime(CERTAINTY);
    }

    @Test
    void agreesWithBigIntegerOnEverySmallNumber() {
        for (long n = -10; n < 10_000; n++) {
            assertThat(Primes.isPrime(n)).as("%d", n).isEqualTo(isProbablePrime(n));
            assertThat(Primes.isPrimeWithNaps(n)).as("%d with naps", n).isEqualTo(isProbablePrime(n));
        }
    }

    @Test
    void agreesWithBigIntegerOnRandomNumbersOfEveryLength() {
        var random = new Random(20_260_101);
        for (int bits = 14; bits <= 50; bits++) {
            for (int i = 0; i < 20; i++) {
                long n = random.nextLong() >>> (64 - bits) | 1L << (bits - 1);
                assertThat(Primes.isPrime(n)).as("%d", n).isEqualTo(isProbablePrime(n));
            }
        }
    }

    /** Composites of the full range: those with a large smallest factor would take seconds each. */
    @Test
    void agreesWithBigIntegerOnRandomLongs() {
        var random = new Random(20_260_102);
        int checked = 0;
        while (checked < 300) {
            long n = random.nextLong();
            boolean quick = n < 0 || LongStream.of(2, 3, 5, 7, 11, 13).anyMatch(divisor -> n % divisor == 0);
            if (quick) {
                checked++;
                assertThat(Primes.isPrime(n)).as("%d", n).isEqualTo(isProbablePrime(n));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 3, 5, 7, 2_147_483_647, 4_294_967_291L, 142_702_110_479_723L})
    void primes(long n) {
        assertThat(Primes.isPrime(n)).isTrue();
        assertThat(Primes.isPrimeWithNaps(n)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, -7, -1, 0, 1, 4, 9, 15, 21, 25, 49, 121, Long.MAX_VALUE, Long.MAX_VALUE - 1})
    void notPrimes(long n) {
        assertThat(Primes.isPrime(n)).isFalse();
        assertThat(Primes.isPrimeWithNaps(n)).isFalse();
    }

    /**
     * The last divisors of all that a long can have, where an overflow would never end; to try all takes half a minute.
     */
    @Test
    void theTopOfLong() {
        long prime = 9_223_372_036_854_775_783L;
        assertThat(isProbablePrime(prime)).isTrue();
        assertThat(Primes.squareRoot(prime)).isEqualTo(LARGEST_ROOT);
        assertThat(Primes.hasDivisor(prime, LARGEST_ROOT - 1_000_000, LARGEST_ROOT)).isFalse();
        assertThat(Primes.hasDivisor(LARGEST_ROOT * LARGEST_ROOT, LARGEST_ROOT - 1_000_000, LARGEST_ROOT)).isTrue();
    }

    /** Its only divisor is the last one to be tried. */
    @Test
    void theSquareOfALargePrime() {
        long prime = 100_000_007;
        assertThat(isProbablePrime(prime)).isTrue();
        assertThat(Primes.isPrime(prime * prime)).isFalse();
    }

    @Test
    void napsChangeNothingAtTheirEdges() {
        long edge = 2L * 100_000;
        for (long divisor = edge - 9; divisor < edge + 20; divisor += 2) {
            if (isProbablePrime(divisor)) {
                assertThat(Primes.isPrimeWithNaps(divisor * divisor)).as("%d squared", divisor).isFalse();
            }
        }
    }

    @Test
    void nineOfTheTwentyArePrime() {
        assertThat(Primes.NUMBERS).hasSize(20).doesNotHaveDuplicates();
        assertThat(Primes.NUMBERS.stream().filter(PrimesTest::isProbablePrime)).hasSize(9);
    }

    @Test
    void squareRootIsExactAroundSquares() {
        List<Long> roots = LongStream.of(
                1, 2, 3, 94_906_265, 94_906_266, 94_906_267, 2_147_483_648L, LARGEST_ROOT - 1, LARGEST_ROOT)
                .boxed()
                .toList();
        for (long root : roots) {
            assertThat(Primes.squareRoot(root * root)).isEqualTo(root);
            assertThat(Primes.squareRoot(root * root - 1)).isEqualTo(root - 1);
            assertThat(Primes.squareRoot(root * root + 1)).isEqualTo(root);
        }
        assertThat(Primes.squareRoot(0)).isZero();
        assertThat(Primes.squareRoot(Long.MAX_VALUE)).isEqualTo(LARGEST_ROOT);
    }

    @Test
    void squareRootAgreesWithBigInteger() {
        var random = new Random(20_260_103);
        for (int i = 0; i < 10_000; i++) {
            long n = random.nextLong() >>> 1 + random.nextInt(60);
            assertThat(Primes.squareRoot(n)).isEqualTo(BigInteger.valueOf(n).sqrt().longValueExact());
        }
        assertThatIllegalArgumentException().isThrownBy(() -> Primes.squareRoot(-1))
                .withMessage("n must be >= 0, was -1");
    }

    @Test
    void aLineOfPrimes() {
        assertThat(new PrimeCheck(2, true, 12_345).line("P")).isEqualTo("               2  P  0.000012s");
        assertThat(new PrimeCheck(9_223_372_036_854_775_807L, false, 3_600_000_000L).line(" "))
                .isEqualTo("9223372036854775807     3.600000s");
    }
}
