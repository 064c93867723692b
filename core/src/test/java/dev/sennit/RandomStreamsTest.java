package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RandomStreamsTest {
    @Test
    void aMillionStreamsHaveAMillionSeeds() {
        Set<Long> seeds = new HashSet<>();
        for (int i = 0; i < 500_000; i++) {
            seeds.add(RandomStreams.seedOf(7, 0, i));
            seeds.add(RandomStreams.seedOf(7, 1, i));
        }
        assertThat(seeds).hasSize(1_000_000);
    }

    @Test
    void theFirstNumbersOfNeighboursDoNotGoTogether() {
        try (Pool pool = Pools.open("inline")) {
            List<Double> first =
                    pool.random(3).map((random, i) -> random.nextDouble(), IntStream.range(0, 20_000).boxed().toList());
            double mean = first.stream().mapToDouble(d -> d).average().orElseThrow();
            double covariance = 0;
            double variance = 0;
            for (int i = 1; i < first.size(); i++) {
                covariance += (first.get(i) - mean) * (first.get(i - 1) - mean);
                variance += (first.get(i) - mean) * (first.get(i) - mean);
            }
            // The seed is fixed, so this cannot fail by chance: standard errors are 0.002 and 0.007.
            assertThat(mean).isBetween(0.49, 0.51);
            assertThat(covariance / variance).isBetween(-0.03, 0.03);
        }
    }

    @Test
    void anotherAttemptDrawsTheSameNumbers() throws Exception {
        List<Integer> drawn = new java.util.concurrent.CopyOnWriteArrayList<>();
        try (Pool pool = Pools.open("threads:2")) {
            RandomTask<Integer> task = (RandomGenerator random) -> {
                drawn.add(random.nextInt());
                if (drawn.size() < 3) {
                    throw new TryAgainException();
                }
                return drawn.size();
            };
            pool.random(1).submit(task, TaskOptions.NONE.retry(Retry.attempts(5))).get();
        }
        assertThat(drawn).hasSize(3).containsOnly(drawn.getFirst());
    }
}
