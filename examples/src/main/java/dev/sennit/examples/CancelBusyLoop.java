package dev.sennit.examples;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;

/** Cancels a task that never listens: its worker process is killed, and the pool goes on. */
public final class CancelBusyLoop {
    private CancelBusyLoop() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1?grace=50ms")) {
            TaskFuture<Integer> endless = pool.submit(() -> {
                while (true) {
                    Thread.onSpinWait();
                }
            });
            System.out.println("cancelled: " + endless.cancel(true));
            System.out.println("next task: " + pool.submit(() -> 42).get());
        }
    }
}
