package dev.sennit.benchmarks.pools;

import dev.sennit.benchmarks.measure.Bench;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** Trial division by odd numbers, the work of the experiments that need some. */
final class Primes {
    /** No two cost the same; 9 of them are prime. */
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

    /** The same, when it only matters that it runs. */
    private static final List<Long> SMALL_NUMBERS = List.of(2L, 1_000_003L, 1_000_000_007L, 1_000_000_011L);

    /** A prime that takes 3.5 ms or so. */
    static final long MIDDLING = 10_000_000_000_037L;

    /** The smallest of {@link #NUMBERS} that takes any time: 13 ms or so. */
    static final long SMALLEST = 142_702_110_479_723L;

    private Primes() {}

    static List<Long> numbers(Bench bench) {
        return bench.quick() ? SMALL_NUMBERS : NUMBERS;
    }

    /** Many times the same number. */
    static List<Long> equalNumbers(Bench bench, long number) {
        return Collections.nCopies(bench.size(200, 8), bench.quick() ? 1_000_000_007L : number);
    }

    /** What a peer is asked. */
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
