package dev.sennit.examples.synchronizers;

import dev.sennit.Event;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskScope;

/**
 * A producer hands items to a consumer over a single place, by two events: one says that the place is filled, the other
 * that it has been emptied. An event stays set until somebody clears it, so each side clears its own before it sets the
 * other's: this works for one producer and one consumer, and no more.
 */
public final class ProducerConsumerByEvent {
    private static final int ITEMS = 10;

    private final Event filled = new Event();
    private final Event emptied = new Event();
    private int place;

    private ProducerConsumerByEvent() {
        emptied.set();
    }

    private Void produce() throws InterruptedException {
        for (int item = 1; item <= ITEMS; item++) {
            emptied.await();
            emptied.clear();
            place = item;
            filled.set();
        }
        return null;
    }

    private int consume() throws InterruptedException {
        int sum = 0;
        for (int i = 0; i < ITEMS; i++) {
            filled.await();
            filled.clear();
            sum += place;
            emptied.set();
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        var place = new ProducerConsumerByEvent();
        try (Pool pool = Pools.open("threads:2"); var scope = TaskScope.open(pool)) {
            scope.fork(place::produce);
            var sum = scope.fork(place::consume);
            scope.join();
            System.out.println("consumed: " + sum.get());
        }
    }
}
