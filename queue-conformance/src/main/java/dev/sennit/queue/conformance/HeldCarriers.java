package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.QueuedTask;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Virtual threads that compute until they are closed, as tasks may: no other virtual thread runs meanwhile. For brokers
 * whose threads are platform threads.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import dev.sennit.queue.conformance.HeldCarriers;
 *
 * class Sample {
 *     static void check(Broker one, Broker other, QueuedTask task) throws InterruptedException {
 *         HeldCarriers.ensureTold(one, other, task); // fails if a task is in the way of the news
 *     }
 * }
 * }
 */
public final class HeldCarriers implements AutoCloseable {
    private static final int SECONDS = 20;

    private final CountDownLatch holding = new CountDownLatch(Runtime.getRuntime().availableProcessors());
    private volatile boolean isOpen = true;

    /**
     * Holds all carriers.
     *
     * @throws InterruptedException if the caller is interrupted
     */
    public HeldCarriers() throws InterruptedException {
        for (long left = holding.getCount(); left > 0; left--) {
            Thread.ofVirtual().start(() -> {
                holding.countDown();
                while (isOpen) {
                    Thread.onSpinWait();
                }
            });
        }
        assertThat(holding.await(SECONDS, TimeUnit.SECONDS)).as("virtual threads on all carriers").isTrue();
    }

    /**
     * Checks that a broker tells its listeners of work while tasks hold all carriers.
     *
     * @param broker the broker
     * @param other another one on the same store
     * @param task what that enqueues
     * @throws InterruptedException if the caller is interrupted
     */
    public static void ensureTold(Broker broker, Broker other, QueuedTask task) throws InterruptedException {
        var told = new Semaphore(0);
        var interest = new BrokerListener.Interest(Set.of(task.queue()), null, null);
        try (Broker.Subscription _ = broker.subscribe(interest, new BrokerListener() {
            @Override
            public void workMayBeReady() {
                told.release();
            }
        })) {
            try (var _ = new HeldCarriers()) {
                told.drainPermits(); // a listener may be called before there is anything
                other.enqueue(Batch.of(task));
                assertThat(told.tryAcquire(SECONDS, TimeUnit.SECONDS)).as("told while carriers are held").isTrue();
            }
        }
    }

    /** Lets the carriers go. */
    @Override
    public void close() {
        isOpen = false;
    }
}
