package dev.sennit.benchmarks.pools;

import dev.sennit.benchmarks.measure.Bench;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Trial division by odd numbers: the work of the experiments on pools.
 *
 * <p>The command has a {@code Primes} of its own with the same numbers. The two modules share only published libraries,
 * which have no place for sample work, and nothing may depend on {@code cli}.
 */
final class Primes {
    /** 20 numbers, no two of which cost the same; 9 are prime. */
    static final List<Long> NUMBERS = List.of(
            2L,
            142702110479723L,
            299593572317531L,
            3333333333333301L,
            3333333333333333L,
            3333335652092209L,
            4444444444444423L,
            4444444444444444L,
            4444444488888889L,
            5555553133149889L,
            5555555555555503L,
            5555555555555555L,
            6666666666666666L,
            6666666666666719L,
            6666667141414921L,
            7777777536340681L,
            7777777777777753L,
            7777777777777777L,
            9999999999999917L,
            9999999999999999L);

    /** Numbers for quick runs, which show that an experiment works and measure nothing. */
    private static final List<Long> SMALL_NUMBERS = List.of(2L, 1_000_003L, 1_000_000_007L, 1_000_000_011L);

    /** A prime whose check takes about 3.5 ms. */
    static final long MIDDLING = 10_000_000_000_037L;

    /** The smallest of {@link #NUMBERS} whose check takes noticeable time: about 13 ms. */
    static final long SMALLEST = 142_702_110_479_723L;

    private Primes() {}

    static List<Long> numbers(Bench bench) {
        return bench.quick() ? SMALL_NUMBERS : NUMBERS;
    }

    /** Returns a list of one number, repeated. */
    static List<Long> equalNumbers(Bench bench, long number) {
        return Collections.nCopies(bench.size(200, 8), bench.quick() ? 1_000_000_007L : number);
    }

    /** Returns the line that asks a peer to check the numbers. */
    static String request(List<Long> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(" ", "primes ", ""));
    }

    static boolean isPrime(long n) {
        if (n <= 2 || n % 2 == 0) {
            return n == 2;
        }
        long root = (long) Math.sqrt((double) n); // exact for the numbers here, which a double holds
        for (long divisor = 3; divisor <= root; divisor += 2) {
            if (n % divisor == 0) {
                return false;
            }
        }
        return true;
    }
}
