package dev.sennit.queue.worker;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * In which order a worker claims from its queues, so that each gets its share while all have tasks. Each queue counts
 * what it was given, divided by its weight; the one that has the least goes first. A queue that has had nothing to give
 * does not save up: its count goes on with that of the others (stride scheduling, Waldspurger and Weihl 1995).
 */
final class QueueShares {
    private static final class Share {
        final int weight;
        double served;

        Share(int weight, double served) {
            this.weight = weight;
            this.served = served;
        }
    }

    private final RandomGenerator random;
    /** Guarded by this. */
    private final Map<String, Share> shares = new LinkedHashMap<>();

    QueueShares(Map<String, Integer> weights, RandomGenerator random) {
        this.random = random;
        weights.forEach(this::put);
    }

    /** Adds a queue, or changes its weight. */
    synchronized void put(String queue, int weight) {
        double least = shares.values().stream().mapToDouble(each -> each.served).min().orElse(0);
        // a random part of a turn, so that not all workers begin with the same queue
        shares.put(queue, new Share(weight, least + random.nextDouble() / weight));
    }

    /** Removes a queue; returns whether it was there. */
    synchronized boolean remove(String queue) {
        return shares.remove(queue) != null;
    }

    /** Returns the queues with their weights. */
    synchronized Map<String, Integer> weights() {
        Map<String, Integer> weights = new LinkedHashMap<>();
        shares.forEach((queue, share) -> weights.put(queue, share.weight));
        return weights;
    }

    /** Returns the queues, that whose turn it is first. */
    synchronized List<String> order() {
        List<String> order = new ArrayList<>(shares.keySet());
        order.sort(Comparator.comparingDouble(queue -> shares.getOrDefault(queue, new Share(1, 0)).served));
        return order;
    }

    /**
     * Notes what a claim has brought.
     *
     * @param order the queues in the order that was asked for
     * @param counts how many tasks came, by queue
     * @param wasEnough whether as many came as were asked for; if not, all queues are empty
     */
    synchronized void claimed(List<String> order, Map<String, Integer> counts, boolean wasEnough) {
        counts.forEach((queue, count) -> {
            Share share = shares.get(queue);
            if (share != null) {
                share.served += (double) count / share.weight;
            }
        });
        double most = shares.values().stream().mapToDouble(each -> each.served).max().orElse(0);
        if (!wasEnough) {
            shares.values().forEach(share -> share.served = most);
            return;
        }
        int last = order.size() - 1;
        while (last >= 0 && counts.getOrDefault(order.get(last), 0) == 0) {
            last--;
        }
        for (int i = 0; i < last; i++) { // they gave all they had
            Share empty = shares.get(order.get(i));
            Share next = shares.get(order.get(last));
            if (empty != null && next != null) {
                empty.served = Math.max(empty.served, next.served);
            }
        }
        if (most > 1e12) {
            shares.values().forEach(share -> share.served -= most);
        }
    }
}
