package dev.sennit;

import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps cancelled tasks from filling a queue. Removing a task takes a walk through the queue, so cancelled tasks stay
 * in the queue, where workers skip them, until they are half as many as the tasks left by the last sweep.
 */
final class QueueSweeper {
    private static final int FEW = 64;

    private final AtomicInteger dead = new AtomicInteger();
    private volatile int limit = FEW;

    void dropped(Queue<? extends Submission<?>> queue) {
        if (dead.incrementAndGet() >= limit) {
            dead.set(0);
            queue.removeIf(waiting -> !waiting.isQueued());
            limit = Math.max(FEW, queue.size() / 2);
        }
    }
}
