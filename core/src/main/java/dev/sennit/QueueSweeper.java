package dev.sennit;

import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps cancelled tasks from filling a queue. Taking one out is a walk through the queue, so they are left where they
 * are, for the workers to skip, until they are half of it.
 */
final class QueueSweeper {
    private static final int FEW = 64;

    private final AtomicInteger dead = new AtomicInteger();

    void dropped(Queue<? extends Submission<?>> queue) {
        int seen = dead.incrementAndGet();
        if (seen >= FEW && seen > queue.size() / 2) {
            dead.set(0);
            queue.removeIf(waiting -> !waiting.isQueued());
        }
    }
}
