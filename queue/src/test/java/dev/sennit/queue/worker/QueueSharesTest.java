package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class QueueSharesTest {
    /** Claims from queues that have tasks without end, but for some. */
    private static Map<String, Integer> claim(QueueShares shares, int times, int most, String... empty) {
        Map<String, Integer> got = new HashMap<>();
        for (int i = 0; i < times; i++) {
            List<String> order = shares.order();
            String first = order.stream().filter(queue -> !List.of(empty).contains(queue)).findFirst().orElseThrow();
            got.merge(first, most, Integer::sum);
            shares.claimed(order, Map.of(first, most), true);
        }
        return got;
    }

    private static QueueShares shares(Map<String, Integer> weights, long seed) {
        return new QueueShares(weights, new SplittableRandom(seed));
    }

    @Test
    void giveEachQueueItsShare() {
        for (int most : new int[] {1, 7, 200}) {
            Map<String, Integer> got = claim(shares(Map.of("a", 4, "b", 1), 1), 1000, most);
            assertThat(got.get("a")).isCloseTo(800 * most, offset(2 * most));
        }
    }

    @Test
    void areTheSameUnderASeed() {
        List<List<String>> orders = new ArrayList<>();
        for (int round = 0; round < 2; round++) {
            QueueShares shares = shares(Map.of("a", 2, "b", 3, "c", 1), 42);
            List<String> order = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                order.add(shares.order().getFirst());
                shares.claimed(shares.order(), Map.of(shares.order().getFirst(), 1), true);
            }
            orders.add(order);
        }
        assertThat(orders.get(0)).isEqualTo(orders.get(1));
    }

    @Test
    void letNoQueueSaveUpWhileItIsEmpty() {
        QueueShares shares = shares(Map.of("a", 1, "b", 1), 1);
        claim(shares, 1000, 1, "b");
        assertThat(claim(shares, 10, 1).get("b")).isBetween(5, 6);
    }

    @Test
    void beginAnewWhenAllAreEmpty() {
        QueueShares shares = shares(Map.of("a", 1, "b", 1), 1);
        claim(shares, 100, 1, "b");
        shares.claimed(shares.order(), Map.of(), false);
        assertThat(claim(shares, 10, 1).get("b")).isEqualTo(5);
    }

    @Test
    void takeQueuesInAndOut() {
        QueueShares shares = shares(Map.of("a", 1), 1);
        claim(shares, 100, 1);
        shares.put("b", 3);
        assertThat(claim(shares, 100, 1).get("b")).isCloseTo(75, offset(1));
        assertThat(shares.remove("a")).isTrue();
        assertThat(shares.remove("a")).isFalse();
        assertThat(shares.order()).containsExactly("b");
        shares.claimed(List.of("a", "b"), Map.of("a", 1), true); // of a claim that was under way
        assertThat(shares.weights()).isEqualTo(Map.of("b", 3));
    }

    @Test
    void stayFairForLong() {
        QueueShares shares = shares(Map.of("a", 1, "b", 1), new Random(5).nextLong());
        claim(shares, 10, Integer.MAX_VALUE);
        claim(shares, 2000, Integer.MAX_VALUE);
        Map<String, Integer> got = claim(shares, 100, 1);
        assertThat(got.get("a")).isBetween(0, 100);
        assertThat(shares.order()).hasSize(2);
    }
}
