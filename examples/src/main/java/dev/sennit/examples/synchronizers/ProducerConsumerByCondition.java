package dev.sennit.examples.synchronizers;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskScope;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A producer and three consumers share a list of at most three items. A lock guards it, and two conditions of the lock
 * say that there may be room, or an item. Whoever is woken looks again, as another may have been quicker; hence the
 * loops.
 */
public final class ProducerConsumerByCondition {
    private static final int PLACES = 3;
    private static final int ITEMS = 30;
    private static final int CONSUMERS = 3;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final Condition item = lock.newCondition();
    private final Queue<Integer> items = new ArrayDeque<>();
    private boolean noMore;

    private ProducerConsumerByCondition() {}

    private void put(int one) throws InterruptedException {
        lock.lock();
        try {
            while (items.size() == PLACES) {
                room.await();
            }
            items.add(one);
            item.signal();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            noMore = true;
            item.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The next item, or 0 after the last. */
    private int take() throws InterruptedException {
        lock.lock();
        try {
            while (items.isEmpty() && !noMore) {
                item.await();
            }
            if (items.isEmpty()) {
                return 0;
            }
            room.signal();
            return items.remove();
        } finally {
            lock.unlock();
        }
    }

    private Void produce() throws InterruptedException {
        for (int one = 1; one <= ITEMS; one++) {
            put(one);
        }
        end();
        return null;
    }

    private int consume() throws InterruptedException {
        int sum = 0;
        for (int one = take(); one != 0; one = take()) {
            sum += one;
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        var list = new ProducerConsumerByCondition();
        try (Pool pool = Pools.open("threads:" + (1 + CONSUMERS)); var scope = TaskScope.open(pool)) {
            scope.fork(list::produce);
            List<TaskFuture<Integer>> sums = new ArrayList<>();
            for (int i = 0; i < CONSUMERS; i++) {
                sums.add(scope.fork(list::consume));
            }
            scope.join();
            int all = 0;
            for (TaskFuture<Integer> sum : sums) {
                all += sum.get();
            }
            System.out.println("consumed: " + all);
        }
    }
}
