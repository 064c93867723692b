package dev.sennit.examples.synchronizers;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskScope;
import java.util.concurrent.Semaphore;

/**
 * A producer and a consumer share a ring of three places. One semaphore counts the free places, the other the filled
 * ones: the producer waits for a free place, the consumer for a filled one.
 */
public final class ProducerConsumerBySemaphore {
    private static final int PLACES = 3;
    private static final int ITEMS = 10;

    private final int[] ring = new int[PLACES];
    private final Semaphore free = new Semaphore(PLACES);
    private final Semaphore filled = new Semaphore(0);

    private ProducerConsumerBySemaphore() {}

    private Void produce() throws InterruptedException {
        for (int i = 0; i < ITEMS; i++) {
            free.acquire();
            ring[i % PLACES] = i + 1;
            filled.release();
        }
        return null;
    }

    private int consume() throws InterruptedException {
        int sum = 0;
        for (int i = 0; i < ITEMS; i++) {
            filled.acquire();
            sum += ring[i % PLACES];
            free.release();
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        var ring = new ProducerConsumerBySemaphore();
        try (Pool pool = Pools.open("threads:2"); var scope = TaskScope.open(pool)) {
            scope.fork(ring::produce);
            var sum = scope.fork(ring::consume);
            scope.join();
            System.out.println("consumed: " + sum.get() + ", free places: " + ring.free.availablePermits());
        }
    }
}
