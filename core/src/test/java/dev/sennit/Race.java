package dev.sennit;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/** Two threads that do their parts at the same time, many times over. */
final class Race {
    private Race() {}

    interface Part {
        void run(int round) throws Exception;
    }

    /** Each round begins when both threads have ended the one before. */
    static void run(int rounds, Part one, Part other) throws Exception {
        var arrived = new AtomicInteger();
        var task = new FutureTask<Void>(() -> {
            rounds(rounds, other, arrived);
            return null;
        });
        Thread.ofPlatform().daemon().name("race").start(task);
        try {
            rounds(rounds, one, arrived);
        } catch (IllegalStateException e) {
            if (!task.isDone()) {
                throw e;
            }
        }
        try {
            task.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private static void rounds(int rounds, Part part, AtomicInteger arrived) throws Exception {
        try {
            for (int round = 0; round < rounds; round++) {
                meet(arrived, 2 * round + 2);
                part.run(round);
            }
        } catch (Throwable e) {
            arrived.set(Integer.MAX_VALUE / 2); // the other need not wait
            throw e;
        }
    }

    private static void meet(AtomicInteger arrived, int all) {
        arrived.incrementAndGet();
        for (int spins = 0; arrived.get() < all; spins++) {
            if (spins < 1_000) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        if (arrived.get() >= Integer.MAX_VALUE / 2) {
            throw new IllegalStateException("the other part failed");
        }
    }
}
