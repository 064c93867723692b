package dev.sennit.examples.pools;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.shared.SharedEvent;

/** Cancels a task that runs and never listens: its worker process is killed, and the next task gets another. */
public final class CancelBusyLoop {
    private CancelBusyLoop() {}

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("processes:1?grace=50ms")) {
            long before = pool.submit(() -> ProcessHandle.current().pid()).get();
            SharedEvent begun = SharedEvent.create();
            TaskFuture<Integer> endless = pool.submit(() -> {
                begun.set();
                while (true) {
                    Thread.onSpinWait();
                }
            });
            begun.await(); // a task that has not begun would just be dropped
            System.out.println("cancelled: " + endless.cancel(true));
            long after = pool.submit(() -> ProcessHandle.current().pid()).get();
            boolean alive = ProcessHandle.of(before).isPresent();
            System.out.println("next task: in another worker: " + (after != before) + ", the first is alive: " + alive);
        }
    }
}
