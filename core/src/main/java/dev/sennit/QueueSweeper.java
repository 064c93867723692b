package dev.sennit;

import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps cancelled tasks from filling a queue. Taking one out is a walk through the queue, so they are left where they
 * are, for the workers to skip, until there are half as many as tasks were left the last time.
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
