package dev.sennit.examples.retries;

import dev.sennit.Attempt;
import dev.sennit.Backoff;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Prints how long each kind of backoff would wait, without waiting: a backoff is a function. */
public final class RetryBackoffs {
    private RetryBackoffs() {}

    public static void main(String[] arguments) {
        Duration tenth = Duration.ofMillis(100);
        print("fixed", Backoff.fixed(tenth));
        print("incrementing", Backoff.incrementing(tenth, Duration.ofMillis(50)));
        print("exponential", Backoff.exponential(tenth));
        print("bounded", Backoff.exponential(tenth).atMost(Duration.ofSeconds(1)));
        print("full jitter", Backoff.exponential(tenth).atMost(Duration.ofSeconds(1)).fullJitter());
        print("plus jitter", Backoff.fixed(tenth).plusJitter(Duration.ofMillis(20)));
        print("chain", Backoff.chain(Backoff.none(), Backoff.fixed(tenth), Backoff.fixed(Duration.ofMinutes(1))));
    }

    private static void print(String name, Backoff backoff) {
        RandomGenerator random = new SplittableRandom(2015);
        System.out.println(name + ": "
                + IntStream.rangeClosed(1, 6)
                        .mapToObj(number -> new Attempt(number, Duration.ZERO, null, new IllegalStateException()))
                        .map(attempt -> backoff.waitAfter(attempt, random).toMillis() + " ms")
                        .collect(Collectors.joining(", ")));
    }
}
